"""JSON Schema as pydantic writes it, turned into what a CustomResourceDefinition may hold.

Structural schemas know no references, no null and one type per value. The conversion is one
recursion and idempotent: what is structural stays as it is.
"""

from collections.abc import Mapping
from typing import Final

from pydantic import JsonValue

JsonSchema = dict[str, JsonValue]

VALIDATIONS: Final = "x-kubernetes-validations"
LIST_TYPE: Final = "x-kubernetes-list-type"
PRESERVE: Final = "x-kubernetes-preserve-unknown-fields"
# Keywords that pydantic writes and Kubernetes refuses or ignores.
_DROPPED: Final = frozenset(
    {"title", "$defs", "discriminator", "examples", "deprecated", "propertyNames"}
)
# JSON Schema has a number here; OpenAPI 3.0, which Kubernetes uses, has a switch.
_EXCLUSIVE: Final = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}
# What a person reads first; everything else keeps its order.
_FIRST: Final = ("description", "type", "format", "enum", "default", VALIDATIONS, "required")
_NOTHING: Final[tuple[JsonValue, ...]] = (None, [], {})


def structural(document: Mapping[str, JsonValue]) -> JsonSchema:
    """Convert a whole document with its `$defs`."""
    return _convert(dict(document), as_object(document.get("$defs", {})))


def as_object(value: JsonValue) -> JsonSchema:
    if not isinstance(value, dict):
        raise TypeError(f"a schema is an object, not {type(value).__name__}")
    return value


def _convert(schema: JsonValue, definitions: JsonSchema) -> JsonSchema:
    converted: JsonSchema = {}
    for keyword, value in _flatten(as_object(schema), definitions).items():
        converted |= _keyword(keyword, value, definitions)
    if "properties" in converted:
        converted.pop("additionalProperties", None)
    if not converted.keys() - {"description", "default"}:
        converted[PRESERVE] = True
    first: JsonSchema = {keyword: converted[keyword] for keyword in _FIRST if keyword in converted}
    return {**first, **converted}


def _flatten(schema: JsonSchema, definitions: JsonSchema) -> JsonSchema:
    """Resolve `$ref` and `anyOf` with null; what stands beside them wins."""
    siblings = dict(schema)
    inner: JsonValue = None
    if isinstance(reference := siblings.pop("$ref", None), str):
        inner = definitions[reference.removeprefix("#/$defs/")]
    elif isinstance(branches := siblings.pop("anyOf", None), list):
        # Optional means that a field may be left out; null is not a value of ours.
        (inner,) = (branch for branch in branches if branch != {"type": "null"})
    if inner is None:
        return siblings
    resolved = _flatten(as_object(inner), definitions)
    rules = [*_rules(resolved), *_rules(siblings)]
    return {**resolved, **siblings, **({VALIDATIONS: rules} if rules else {})}


def _rules(schema: JsonSchema) -> list[JsonValue]:
    rules = schema.get(VALIDATIONS, [])
    return rules if isinstance(rules, list) else []


def _keyword(keyword: str, value: JsonValue, definitions: JsonSchema) -> JsonSchema:
    match keyword:
        case "properties":
            children = as_object(value)
            return {keyword: {name: _convert(children[name], definitions) for name in children}}
        case "items":
            return {keyword: _convert(value, definitions)}
        case "additionalProperties":
            return _additional_properties(value, definitions)
        case _:
            return _leaf(keyword, value)


def _leaf(keyword: str, value: JsonValue) -> JsonSchema:
    if keyword in _DROPPED or (keyword == "default" and value in _NOTHING):
        return {}
    if keyword == "const":
        return {"enum": [value]}
    if keyword == "uniqueItems":
        return {LIST_TYPE: "set"} if value else {}
    if keyword in _EXCLUSIVE and not isinstance(value, bool):
        return {_EXCLUSIVE[keyword]: value, keyword: True}
    if keyword == "description":
        return {keyword: " ".join(str(value).split())}
    return {keyword: value}


def _additional_properties(value: JsonValue, definitions: JsonSchema) -> JsonSchema:
    if value is False:
        return {}
    if value is True or value == {}:
        return {PRESERVE: True}
    return {"additionalProperties": _convert(value, definitions)}
