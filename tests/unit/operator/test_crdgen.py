from pathlib import Path
from typing import Annotated, Literal

import pytest
import yaml
from pydantic import BaseModel, Field, JsonValue

from dcr_operator.crdgen import crd_documents, generated_files, main, render_crds, stale
from dcr_operator.resources.durations import Seconds
from dcr_operator.structural_schema import structural
from tests.integration.crd_rule_examples import EXAMPLES
from tests.integration.crd_rules import JsonObject, RuleAt, described_fields, fields, rules

_DOCUMENTS: list[JsonObject] = [dict(document) for document in crd_documents()]
# A key of a JWK Set: what it may hold is the key type's business.
_ANY_OBJECT = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_ROOT = Path(__file__).parents[3]


def _kind(document: JsonObject) -> str:
    return str(document["spec"]["names"]["kind"])


_every_crd = pytest.mark.parametrize("document", _DOCUMENTS, ids=_kind)


@pytest.mark.parametrize(
    ("schema", "converted"),
    [
        pytest.param(
            {"$ref": "#/$defs/A", "$defs": {"A": {"type": "string", "description": "a"}}},
            {"type": "string", "description": "a"},
            id="$ref is replaced by what it names",
        ),
        pytest.param(
            {
                "$ref": "#/$defs/A",
                "description": "b",
                "$defs": {"A": {"type": "string", "description": "a"}},
            },
            {"type": "string", "description": "b"},
            id="what stands beside $ref wins",
        ),
        pytest.param(
            {
                "$ref": "#/$defs/A",
                "x-kubernetes-validations": [{"rule": "2"}],
                "$defs": {"A": {"type": "string", "x-kubernetes-validations": [{"rule": "1"}]}},
            },
            {"type": "string", "x-kubernetes-validations": [{"rule": "1"}, {"rule": "2"}]},
            id="rules on both sides of $ref add up",
        ),
        pytest.param(
            {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}], "default": None},
            {"type": "integer", "minimum": 1},
            id="optional means left out, not null",
        ),
        pytest.param({"type": "string", "title": "A"}, {"type": "string"}, id="title goes"),
        pytest.param({"type": "array", "default": []}, {"type": "array"}, id="empty default goes"),
        pytest.param(
            {"type": "boolean", "default": False},
            {"type": "boolean", "default": False},
            id="a default that says something stays",
        ),
        pytest.param(
            {"const": "A", "type": "string"}, {"type": "string", "enum": ["A"]}, id="const is enum"
        ),
        pytest.param(
            {"type": "integer", "exclusiveMinimum": 0},
            {"type": "integer", "minimum": 0, "exclusiveMinimum": True},
            id="exclusiveMinimum is a switch",
        ),
        pytest.param(
            {"type": "integer", "exclusiveMaximum": 9},
            {"type": "integer", "maximum": 9, "exclusiveMaximum": True},
            id="exclusiveMaximum is a switch",
        ),
        pytest.param(
            {"type": "array", "items": {"type": "string", "title": "A"}, "uniqueItems": True},
            {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
            id="uniqueItems is a set",
        ),
        pytest.param(
            {"type": "object", "additionalProperties": True},
            {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            id="additionalProperties true keeps unknown fields",
        ),
        pytest.param(
            {"type": "object", "additionalProperties": {}},
            {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            id="additionalProperties without schema keeps unknown fields",
        ),
        pytest.param(
            {
                "type": "object",
                "properties": {"a": {"type": "string"}},
                "additionalProperties": False,
            },
            {"type": "object", "properties": {"a": {"type": "string"}}},
            id="additionalProperties false goes: the API server prunes",
        ),
        pytest.param(
            {"type": "object", "additionalProperties": {"type": "string", "title": "A"}},
            {"type": "object", "additionalProperties": {"type": "string"}},
            id="a map of something keeps its schema",
        ),
        pytest.param(
            {"type": "object", "properties": {"title": {"type": "string", "title": "Title"}}},
            {"type": "object", "properties": {"title": {"type": "string"}}},
            id="a property called title stays",
        ),
        pytest.param(
            {
                "type": "object",
                "propertyNames": {"maxLength": 5},
                "additionalProperties": {"type": "string"},
            },
            {"type": "object", "additionalProperties": {"type": "string"}},
            id="propertyNames goes: Kubernetes does not know it",
        ),
        pytest.param(
            {"description": "any"},
            {"description": "any", "x-kubernetes-preserve-unknown-fields": True},
            id="any value keeps unknown fields",
        ),
        pytest.param(
            {"type": "string", "description": "two\n  lines"},
            {"type": "string", "description": "two lines"},
            id="descriptions are one line",
        ),
    ],
)
def test_each_keyword_becomes_structural_once_and_for_all(
    schema: dict[str, JsonValue], converted: dict[str, JsonValue]
) -> None:
    assert structural(schema) == converted
    assert structural(structural(schema)) == converted


class _Model(BaseModel):
    kind: Literal["A"] = "A"
    every: Annotated[Seconds | None, Field(description="How often.")] = None
    timeout: Seconds = 90


def test_a_model_becomes_structural_with_its_defaults_spelled_as_in_a_resource() -> None:
    properties = structural(_Model.model_json_schema(mode="serialization"))["properties"]
    duration = {"type": "string", "pattern": "^(0|[1-9][0-9]{0,5})([smhd])$", "maxLength": 7}
    assert properties == {
        "kind": {"type": "string", "enum": ["A"], "default": "A"},
        "every": {"description": "How often.", **duration},
        "timeout": {"default": "90s", **duration},
    }


@_every_crd
def test_every_field_has_a_description(document: JsonObject) -> None:
    bare = [path for path, schema in described_fields(document) if not schema.get("description")]
    assert bare == []


@_every_crd
def test_every_string_list_and_map_has_a_bound(document: JsonObject) -> None:
    schema = document["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    unbounded = [path for path, at in fields("", schema) if path and not _is_bounded(at)]
    assert unbounded == ["apiVersion", "kind", "metadata"]


def _is_bounded(schema: JsonObject) -> bool:
    match schema.get("type"):
        case "string":
            return bool({"maxLength", "enum", "format"} & schema.keys())
        case "array":
            return "maxItems" in schema
        case "object" if "properties" not in schema:
            return "maxProperties" in schema or schema == _ANY_OBJECT
        case _:
            return True


@_every_crd
def test_every_list_says_how_it_is_merged(document: JsonObject) -> None:
    schema = document["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    lists = {path: at for path, at in fields("", schema) if at.get("type") == "array"}
    silent = [path for path, at in lists.items() if "x-kubernetes-list-type" not in at]
    assert [path for path in silent if ".extra." not in path] == []


@_every_crd
def test_the_status_of_a_new_object_says_that_nobody_has_seen_it(document: JsonObject) -> None:
    (version,) = document["spec"]["versions"]
    status = version["schema"]["openAPIV3Schema"]["properties"]["status"]
    assert status["default"] == {"observedGeneration": -1}
    assert version["subresources"] == {"status": {}}


def test_printer_columns_are_those_of_the_documentation() -> None:
    columns = _DOCUMENTS[0]["spec"]["versions"][0]["additionalPrinterColumns"]
    shown = [c["name"].upper() for c in columns if not c.get("priority")]
    wide = [c["name"].upper() for c in columns if c.get("priority")]
    assert shown == ["READY", "REASON", "PROVIDER", "CLIENT-ID", "SECRET", "AGE"]
    assert wide == ["EXPIRES", "MESSAGE"]


@pytest.mark.parametrize("rule", rules(), ids=str)
def test_every_rule_has_an_example_that_passes_and_one_that_is_refused(rule: RuleAt) -> None:
    (example,) = (example for example in EXAMPLES if example.is_of(rule))
    assert example.accepted != example.refused


def test_every_example_is_of_a_rule() -> None:
    orphans = [str(e) for e in EXAMPLES if not any(e.is_of(rule) for rule in rules())]
    assert orphans == []


def test_the_generated_files_are_what_the_models_say() -> None:
    assert stale(generated_files(), _ROOT) == ()


def test_crds_are_printed_as_one_stream() -> None:
    assert list(yaml.safe_load_all(render_crds())) == _DOCUMENTS


def test_the_check_names_each_stale_file_and_writes_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["--check"]) == 1
    named = capsys.readouterr().err
    assert all(str(path) in named for path in generated_files())
    assert list(tmp_path.iterdir()) == []


def test_writing_the_files_once_leaves_nothing_to_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([]) == 0
    assert main(["--check"]) == 0
    assert (tmp_path / "crds/oauthclients.yaml").read_text().startswith("# Generated")
