"""What the chart's files promise, without Helm."""

import copy
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from dcr_operator.settings import Settings as OperatorSettings
from dcr_operator.settings import variable_of
from dcr_server.settings import ENVIRONMENT_PREFIX
from dcr_server.settings import Settings as ServerSettings
from tests.chart.helm import CHART

ROOT = CHART.parents[1]
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
TEMPLATES = sorted((CHART / "templates").iterdir())

# Objects whose members are Kubernetes' business, or the server's own.
FREE = {"global", "config", "requests", "limits", "valueFrom", "affinity", "items"}


def objects_of(schema: dict[str, Any], name: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if schema.get("type") == "object":
        yield name, schema
    for key, child in schema.get("properties", {}).items():
        yield from objects_of(child, key)
    for key, child in schema.get("definitions", {}).items():
        yield from objects_of(child, key)
    if "items" in schema:
        yield from objects_of(schema["items"], "items")


def test_the_chart_carries_the_generated_crds() -> None:
    ours = {path.name: path.read_bytes() for path in (ROOT / "crds").glob("*.yaml")}
    theirs = {path.name: path.read_bytes() for path in (CHART / "files" / "crds").iterdir()}
    assert len(ours) == 3
    assert theirs == ours


def test_the_chart_has_the_version_of_the_distribution() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert (chart["version"], chart["appVersion"]) == (version, version)


def test_the_default_values_fit_their_schema() -> None:
    jsonschema.validate(VALUES, SCHEMA)


def test_every_object_of_the_schema_refuses_what_it_does_not_know() -> None:
    loose = [
        name
        for name, schema in objects_of(SCHEMA)
        if schema.get("additionalProperties", True) is True and name not in FREE
    ]
    assert loose == []


def test_every_property_of_the_schema_has_a_default() -> None:
    defaults = copy.deepcopy(VALUES)
    missing = [path for path in properties_of(SCHEMA) if lookup(defaults, path) is None]
    assert missing == [("global",)]


def properties_of(schema: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, child in schema.get("properties", {}).items():
        yield (*path, key)
        reference = child.get("$ref", "").rpartition("/")[2]
        if reference in {"", "image", "log"}:
            yield from properties_of(SCHEMA["definitions"].get(reference, child), (*path, key))


def lookup(values: dict[str, Any], path: tuple[str, ...]) -> object:
    found: Any = values
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_reads_the_cluster(path: Path) -> None:
    # What `lookup` finds is empty in `helm template`, and with it in every GitOps pipeline.
    assert not re.search(r"\blookup\b", path.read_text())


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_setting_in_a_template_exists(path: Path) -> None:
    known = {variable_of(name) for name in OperatorSettings.model_fields}
    known |= {f"{ENVIRONMENT_PREFIX}{name}".upper() for name in ServerSettings.model_fields}
    known.add(f"{ENVIRONMENT_PREFIX}CONFIG")
    used = set(re.findall(r"name: (DCR_[A-Z_]+)", path.read_text()))
    assert used <= known


@pytest.mark.parametrize(
    ("value", "setting"),
    [
        ("workers", "workers"),
        ("secretWatch", "secret_watch"),
        ("namespacedProviders", "namespaced_providers"),
        ("allowLoopback", "allow_loopback"),
        ("leaderElection", "leader_election"),
        ("clusterId", "cluster_id"),
    ],
)
def test_a_default_is_the_operators_own(value: str, setting: str) -> None:
    assert VALUES["operator"][value] == OperatorSettings.model_fields[setting].default


def test_the_default_policy_is_one_that_the_server_takes() -> None:
    settings = ServerSettings.model_validate(VALUES["server"]["config"])
    assert VALUES["server"]["initialAccessToken"]["policy"] in settings.policies
