# The only entry point: people and CI run the same targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.DELETE_ON_ERROR:

PYTHON ?= python3
CLUSTER ?= local
PROVIDER ?= dcr-server
# How the operator shows who it is when it registers a client: an initial access token.
IDENTITY ?= token
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
	@python -m dcr_operator.crdgen --check
	@python -m tests.conformance --check

.PHONY: format
format: install ## format the sources
	@ruff format .
	@ruff check --fix --exit-zero --quiet .

.PHONY: crds
crds: install ## the files that are generated from the models: CRDs, the chart's copy, pages of docs/
	@python -m dcr_operator.crdgen

.PHONY: docs
docs: crds ## the generated pages of docs/: what make crds writes, and docs/conformance.md
	@python -m tests.conformance --write

.PHONY: cluster-up
cluster-up: install ## a local control plane, detached: eval "$(make cluster-up)"
	@python -m tests.cluster up

.PHONY: cluster-down
cluster-down: install ## stop the local control plane and remove its data
	@python -m tests.cluster down

.PHONY: image
image: install ## the container images of operator and server: BASE_IMAGE=python:3.13-slim-bookworm IMAGE_TAG=
	@BASE_IMAGE=$(BASE_IMAGE) IMAGE_TAG=$(IMAGE_TAG) python -m tests.e2e.images

.PHONY: e2e
e2e: install ## images, Helm and pods on kind: BASE_IMAGE= KIND_NODE_IMAGE= KIND_CONFIG= KIND_CLUSTER=existing KEEP=1
	@BASE_IMAGE=$(BASE_IMAGE) KIND_NODE_IMAGE=$(KIND_NODE_IMAGE) KIND_CONFIG=$(KIND_CONFIG) KIND_CLUSTER=$(KIND_CLUSTER) KEEP=$(KEEP) python -m tests.e2e.run

.PHONY: clean
clean: ## remove what make made here (caches stay)
	@rm -rf .venv .local dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

.PHONY: demo
demo: install ## the main job, checked at every step: CLUSTER=local|kind|current PROVIDER=dcr-server|oidc-provider IDENTITY=token KEEP=1
	@CLUSTER=$(CLUSTER) PROVIDER=$(PROVIDER) IDENTITY=$(IDENTITY) KEEP=$(KEEP) python -m tests.demo

.PHONY: test
test: lint test-programs ## all that CI checks; ends with pytest's own summary
	@pytest -n $(WORKERS)

# What the tests run beside Python; each says what it does when that takes time. Exit status 2:
# something is missing here. Then the tests concerned are skipped and say so; in CI it fails.
or-skip = || { status=$$?; [ $$status -eq 2 ] && [ "$${CI:-}" != true ]; }

.PHONY: test-programs
test-programs: install
	@python -m tests.cluster build $(or-skip)
	@python -m tests.cluster path helm >/dev/null $(or-skip)
	@python -m tests.interop.oidc_provider_install >/dev/null $(or-skip)
	@python -m tests.interop.javascript_clients_install >/dev/null $(or-skip)
	@python -m tests.processes.postgresql_programs $(or-skip)

.PHONY: test-unit
test-unit: install ## the tests that need no cluster and no provider of others
	@pytest -n $(WORKERS) -m "not integration and not interop"

.PHONY: test-integration
test-integration: install test-programs ## the tests on a real API server and against other providers
	@pytest -n $(WORKERS) -m "integration or interop"

.PHONY: interop
interop: install test-programs ## the tests against providers that nobody here wrote: PROVIDER=name for one
	@pytest -m interop $(if $(filter-out file,$(origin PROVIDER)),-k $(PROVIDER))

.PHONY: conformance
conformance: install ## every rule of the standards that the server keeps, its tests and their results
	@python -m tests.conformance -n $(WORKERS)

.PHONY: soak
soak: install ## kill the server at random moments, send it anything: ROUNDS=1000 DATABASE=sqlite|postgresql FUZZ=5 SEED=
	@ROUNDS=$(ROUNDS) DATABASE=$(DATABASE) SEED=$(SEED) python -m tests.soak
	@FUZZ=$(FUZZ) DATABASE=$(DATABASE) SEED=$(SEED) python -m tests.attacks
	@$(MAKE) soak-operator SEED=$(SEED)

.PHONY: soak-operator
soak-operator: install ## kill the operator at random moments: OPERATOR_ROUNDS=100 CLIENTS=200 PROVIDERS=ours|forgetful|both SEED=
	@OPERATOR_ROUNDS=$(OPERATOR_ROUNDS) CLIENTS=$(CLIENTS) PROVIDERS=$(PROVIDERS) SEED=$(SEED) python -m tests.soak.operator

.PHONY: crash-points
crash-points: install ## let everything happen at every call of the operator: DEPTH=all|single|ordinary OPERATION= PROVIDER=
	@OPERATION="$(OPERATION)" DEPTH=$(DEPTH) PROVIDER="$(if $(filter-out file,$(origin PROVIDER)),$(PROVIDER))" python -m tests.simulator

.PHONY: bench
bench: install ## the benchmarks, or one: BENCH="registration scale"; JSON in .local/bench/
	@python -m tests.bench $(BENCH)
