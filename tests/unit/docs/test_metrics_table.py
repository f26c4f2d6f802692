"""The tables of docs/server.md about metrics and administration are those of the program."""

import re
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from dcr_server.admin.app import PATHS
from dcr_server.metrics import OPERATIONS, RequestMetrics
from dcr_server.server_metrics import ServerMetrics

_ROW = re.compile(
    r"^\| `(?P<name>dcr_server_\w+)` \|(?P<labels>[^|]*)\| (?P<what>.+) \|$", re.MULTILINE
)


def page() -> str:
    return Path("docs", "server.md").read_text(encoding="utf-8")


def registered() -> CollectorRegistry:
    registry = CollectorRegistry()
    RequestMetrics(registry, (), "")
    ServerMetrics(registry)
    return registry


def test_every_metric_is_documented_and_no_other() -> None:
    known = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in registered().collect()
    }
    assert {match["name"] for match in _ROW.finditer(page())} == known


def test_the_labels_are_those_of_the_program() -> None:
    # There is no other way to ask for labels before they have values.
    collectors: dict[str, Any] = registered()._names_to_collectors
    for match in _ROW.finditer(page()):
        labels = re.findall(r"`(\w+)`", match["labels"])
        assert labels == [*collectors[match["name"]]._labelnames], match["name"]


def test_every_operation_that_is_counted_is_documented() -> None:
    row = next(match for match in _ROW.finditer(page()) if "operations" in match["name"])
    assert not [name for name in OPERATIONS.values() if f"`{name}`" not in row["what"]]


def test_every_path_of_the_admin_api_is_documented_and_no_other() -> None:
    documented = re.findall(r"^\| `(\w+) /admin/(\S+)` \|", page(), re.MULTILINE)
    assert sorted(documented) == sorted(
        (method, path) for path, endpoints in PATHS.items() for method in endpoints
    )
