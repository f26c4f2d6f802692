"""Protocol knowledge lives in `dcr_protocol` alone: nobody else lists the members of metadata."""

import ast
from pathlib import Path

import pytest

from dcr_protocol.client_metadata import ClientMetadata
from dcr_protocol.vocabulary import READ_ONLY_MEMBERS

ROOT = Path(__file__).parents[3]
MEMBERS = {*ClientMetadata.model_fields, *READ_ONLY_MEMBERS}
# A module may speak of a member; one that speaks of many has begun a model of its own.
MANY = 8
SOURCES = sorted(
    path.relative_to(ROOT)
    for package in ("operator/dcr_operator", "server/dcr_server")
    for path in (ROOT / package).rglob("*.py")
)


def members_spelled_out(source: str) -> set[str]:
    constants = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant))
    return {node.value for node in constants if isinstance(node.value, str)} & MEMBERS


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_no_module_keeps_a_list_of_members_of_its_own(path: Path) -> None:
    spelled_out = members_spelled_out((ROOT / path).read_text())
    assert len(spelled_out) < MANY, f"use ClientMetadata or dcr_protocol.vocabulary: {spelled_out}"


def test_a_list_of_members_would_be_noticed() -> None:
    assert members_spelled_out('x = {"client_name": 1, "jwks": ["scope", "other"]}') == {
        "client_name",
        "jwks",
        "scope",
    }
