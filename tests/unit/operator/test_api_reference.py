"""docs/api.md tells every field and every rule of the resources."""

from pathlib import Path

import pytest

from dcr_operator.crdgen import API, crd_documents, generated_files
from tests.integration.crd_rules import JsonObject, described_fields, rules

_PAGE = generated_files()[API]
_CRDS: list[JsonObject] = [dict(document) for document in crd_documents()]


def _section(kind: str) -> str:
    return _PAGE.partition(f"\n## {kind}\n")[2].partition("\n## ")[0]


def test_the_page_is_as_generated() -> None:
    assert Path(API).read_text(encoding="utf-8") == _PAGE


@pytest.mark.parametrize("crd", _CRDS, ids=lambda crd: crd["spec"]["names"]["kind"])
def test_every_field_is_there_with_its_description(crd: JsonObject) -> None:
    section = _section(crd["spec"]["names"]["kind"])
    fields = [each for each in described_fields(crd) if each[0] not in ("spec", "status")]
    for path, schema in fields:
        told = schema["description"].replace("|", "\\|")
        line = f"`{path.replace('{}', '.*')}`"
        # Declared to be refused, and what is below one.
        refused = told.startswith("Not allowed here") or ".extra." in path
        assert (line in section) is not refused, path
        assert refused or f"| {told} |" in section, path


@pytest.mark.parametrize("crd", _CRDS, ids=lambda crd: crd["spec"]["names"]["kind"])
def test_every_rule_is_there(crd: JsonObject) -> None:
    kind = crd["spec"]["names"]["kind"]
    told = [rule for rule in rules() if rule.kind == kind and not rule.message.startswith("remove")]
    assert told
    assert [rule.message for rule in told if f"{rule.message}\n" not in _section(kind)] == []


def test_every_row_has_four_cells() -> None:
    rows = [line for line in _PAGE.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {5}


@pytest.mark.parametrize(
    "line",
    [
        "| `spec.deletionPolicy` | `Delete`, `Retain` | `Delete` |",
        "| `spec.suspend` | boolean | `false` |",
        "| **`spec.clientMetadata`** | object |  |",
        "| `spec.secret.labels` | map of string |  |",
        "| `status.clientIdIssuedAt` | date-time |  |",
        "| `spec.clientMetadata.redirectUris` | list of string |  |",
    ],
)
def test_types_and_defaults_read_well(line: str) -> None:
    assert line in _PAGE
