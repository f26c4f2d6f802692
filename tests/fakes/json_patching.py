"""Changes to JSON documents as an API server makes them: merge patches and JSON patches."""

from collections.abc import Mapping

from pydantic import JsonValue

from dcr_operator.kube import ApiConflict, ApiInvalid, JsonObject, text


def merged(live: JsonObject, patch: Mapping[str, JsonValue]) -> JsonObject:
    """RFC 7396."""
    result = dict(live)
    for name, value in patch.items():
        before = result.get(name)
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict) and isinstance(before, dict):
            result[name] = merged(before, value)
        else:
            result[name] = merged({}, value) if isinstance(value, dict) else value
    return result


def patched(body: JsonObject, operation: JsonObject) -> None:
    """RFC 6902, as far as objects and the end of lists go."""
    *parents, last = (
        part.replace("~1", "/").replace("~0", "~")
        for part in text(operation, "path").removeprefix("/").split("/")
    )
    target: JsonValue = body
    for parent in parents:
        assert isinstance(target, dict)
        target = target[parent]
    value = operation.get("value")
    if isinstance(target, list):
        assert (operation["op"], last) == ("add", "-")
        target.append(value)
        return
    assert isinstance(target, dict)
    match operation["op"]:
        case "test":
            if target.get(last) != value:
                raise ApiConflict(409, "Conflict", f"the test of {last} failed")
        case "add" | "replace":
            target[last] = value
        case "remove":
            if last not in target:
                raise ApiInvalid(422, "Invalid", f"there is no {last} to remove")
            del target[last]
        case _:
            raise AssertionError(operation)
