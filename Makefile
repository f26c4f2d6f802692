# The only entry point: people and CI run the same targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.DELETE_ON_ERROR:

PYTHON ?= python3
CLUSTER ?= local
PROVIDER ?= dcr-server
CACHE ?= $(HOME)/.cache/dcr-operator
# Workers of the integration tests: two cores are the smallest machine we support.
WORKERS ?= 4

BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help
help: ## print the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: install
install: .venv/installed ## the virtual environment, with dcr-server and dcr-operator in .venv/bin

.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: Python 3.11 or newer is needed; name one: make install PYTHON=python3.12" >&2; exit 2; }
	@echo "installing the pinned packages into .venv (about a minute)"
	@$(PYTHON) -m venv .venv || { echo "make: this Python has no venv module; on Debian: apt-get install python3-venv" >&2; exit 2; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: lock
lock: install ## refresh the pinned dependencies: make lock (all) or make lock PACKAGE=httpx
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(if $(PACKAGE),--upgrade-package $(PACKAGE),--upgrade) --extra dev pyproject.toml -o requirements.lock

.PHONY: lint
lint: install ## format, ruff, mypy, layers, sizes, generated files
	@ruff format --check --quiet . || { echo "run: make format" >&2; exit 1; }
	@ruff check .
	@mypy
	@lint-imports
	@python -m tests.sizes

.PHONY: format
format: install ## format the sources
	@ruff format .
	@ruff check --fix --exit-zero --quiet .

.PHONY: clean
clean: ## remove what make made here (caches stay)
	@rm -rf .venv .local dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
