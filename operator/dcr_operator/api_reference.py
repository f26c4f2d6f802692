"""docs/api.md: every field of the resources, from the same schemas as the CRDs. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from pydantic import JsonValue

from dcr_operator.kube import JsonObject, member, text
from dcr_operator.resources.definitions import Column, Definition
from dcr_operator.structural_schema import VALIDATIONS

_HEAD: Final = """\
<!-- Generated from operator/dcr_operator/resources by `make crds`; edit those. -->
# The API

API group `dcr-operator.dev`, version `v1alpha1`. `kubectl explain` tells the same. A field in
**bold** must be set. Every reason in `status.conditions` has its row in [reasons.md](reasons.md);
what an `OAuthClient` leads to is in [concepts.md](concepts.md), the keys of its Secret in
[secret-keys.md](secret-keys.md).
"""
_TABLE: Final = ("| field | type | default | meaning |", "| --- | --- | --- | --- |")
# A property that is declared to be refused: CEL sees declared properties only.
_REFUSED: Final = "Not allowed here"


def render_api(documents: Iterable[tuple[Definition, JsonObject]]) -> str:
    """Return the page; each document is the CRD of its definition."""
    sections = [_section(definition, _schema(crd)) for definition, crd in documents]
    return "\n".join([_HEAD, *sections])


def _schema(crd: JsonObject) -> JsonObject:
    versions = member(crd, "spec")["versions"]
    version = versions[0] if isinstance(versions, list) else {}
    whole = version if isinstance(version, dict) else {}
    return member(member(whole, "schema"), "openAPIV3Schema")


def _section(definition: Definition, schema: JsonObject) -> str:
    resource = definition.resource
    scope = "namespaced" if resource.namespaced else "cluster-scoped"
    lines = [f"## {resource.kind}", ""]
    lines += [f"{text(schema, 'description')} Short name `{definition.short_name}`, {scope}.", ""]
    lines += [f"Columns of `kubectl get`: {_columns(definition.columns, priority=0)};"]
    lines += [f"with `-o wide` also {_columns(definition.columns, priority=1)}.", ""]
    for part in ("spec", "status"):
        lines += [f"### {resource.kind} {part}", "", *_TABLE]
        lines += _rows(part, member(member(schema, "properties"), part))
        lines += [""]
    rules = list(_rules("", schema))
    lines += [
        f"### Rules of {resource.kind}",
        "",
        "The API server refuses an object that breaks one:",
    ]
    return "\n".join([*lines, "", *rules, ""])


def _columns(columns: Iterable[Column], *, priority: int) -> str:
    return ", ".join(f"`{each.name.upper()}`" for each in columns if each.priority == priority)


def _rows(path: str, schema: JsonObject) -> Iterator[str]:
    required = schema.get("required")
    for name, child in member(schema, "properties").items():
        if not isinstance(child, dict) or text(child, "description").startswith(_REFUSED):
            continue
        here = f"{path}.{name}"
        must = isinstance(required, list) and name in required
        shown = f"**`{here}`**" if must else f"`{here}`"
        cells = (shown, _type(child), _default(child), text(child, "description"))
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
        yield from _rows(*_inside(here, child))


def _inside(path: str, schema: JsonObject) -> tuple[str, JsonObject]:
    """Return the schema whose properties are fields: of the object, its items or its values."""
    if "items" in schema:
        return f"{path}[]", member(schema, "items")
    if "additionalProperties" in schema:
        return f"{path}.*", member(schema, "additionalProperties")
    return path, schema


def _type(schema: JsonObject) -> str:
    values = schema.get("enum")
    if isinstance(values, list):
        return ", ".join(f"`{value}`" for value in values)
    kind = text(schema, "type") or "any"
    if kind == "array":
        return f"list of {_type(member(schema, 'items'))}"
    if "additionalProperties" in schema:
        return f"map of {_type(member(schema, 'additionalProperties'))}"
    return "date-time" if text(schema, "format") == "date-time" else kind


def _default(schema: JsonObject) -> str:
    value = schema.get("default")
    if value is None or isinstance(value, dict | list):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _rules(path: str, schema: Mapping[str, JsonValue]) -> Iterator[str]:
    rules = schema.get(VALIDATIONS)
    for rule in rules if isinstance(rules, list) else ():
        if isinstance(rule, dict) and rule.get("rule") != "false":
            yield f"- {f'`{path}`: ' if path else ''}{text(rule, 'message')}"
    for name, child in member(schema, "properties").items():
        if isinstance(child, dict):
            yield from _rules(f"{path}.{name}".lstrip("."), child)
    for keyword, sign in (("items", "[]"), ("additionalProperties", ".*")):
        if keyword in schema:
            yield from _rules(path + sign, member(schema, keyword))
