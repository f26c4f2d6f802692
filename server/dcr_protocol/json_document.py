"""Strict reading of a JSON object from bytes that a stranger sent (S-007, RFC 8259)."""

import json
import math
from typing import Final, NoReturn, cast

from pydantic import JsonValue

from dcr_protocol.errors import InvalidRequest

__all__ = ["DEFAULT_MAX_BYTES", "DEFAULT_MAX_DEPTH", "JsonValue", "parse_json_object"]

DEFAULT_MAX_BYTES: Final = 65536
DEFAULT_MAX_DEPTH: Final = 16


def parse_json_object(
    body: bytes, *, max_bytes: int = DEFAULT_MAX_BYTES, max_depth: int = DEFAULT_MAX_DEPTH
) -> dict[str, JsonValue]:
    """Read exactly one JSON object in UTF-8.

    Raises InvalidRequest for everything that JSON parsers disagree about: repeated members,
    NaN, numbers out of range, lone surrogates, a byte order mark, deep nesting.
    """
    if len(body) > max_bytes:
        raise InvalidRequest(f"the body is larger than {max_bytes} bytes")
    try:
        text = body.decode("utf-8")
        document = json.loads(
            text,
            object_pairs_hook=_object_without_repeated_members,
            parse_constant=_refuse_constant,
            parse_float=_finite_float,
        )
    except UnicodeDecodeError:
        raise InvalidRequest("the body is not UTF-8") from None
    except RecursionError:
        raise InvalidRequest(f"the body is nested deeper than {max_depth} levels") from None
    except ValueError:
        raise InvalidRequest("the body is not valid JSON") from None
    if not isinstance(document, dict):
        raise InvalidRequest("the body must be a JSON object")
    _refuse_deep_nesting(document, text, max_depth)
    _refuse_lone_surrogates(document, text)
    return document


def _object_without_repeated_members(
    pairs: list[tuple[str, JsonValue]],
) -> dict[str, JsonValue]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise InvalidRequest("the body repeats the name of a member")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidRequest(f"{name.lstrip('-')} is not JSON")


def _finite_float(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise InvalidRequest("a number is out of range")
    return value


def _refuse_deep_nesting(document: dict[str, JsonValue], text: str, max_depth: int) -> None:
    # Nearly every body has fewer brackets than the limit: then it cannot be that deep.
    if text.count("{") + text.count("[") <= max_depth:
        return
    level: list[JsonValue] = [document]
    for _ in range(max_depth):
        level = [child for value in level for child in _children(value)]
        if not level:
            return
    if any(isinstance(value, (dict, list)) for value in level):
        raise InvalidRequest(f"the body is nested deeper than {max_depth} levels")


def _children(value: JsonValue) -> list[JsonValue]:
    if isinstance(value, dict):
        return list(value.values())
    return cast("list[JsonValue]", value) if isinstance(value, list) else []


def _refuse_lone_surrogates(document: dict[str, JsonValue], text: str) -> None:
    # UTF-8 cannot hold them; only an escape can bring one in (RFC 8259 §8.2).
    if "\\u" not in text:
        return
    try:
        json.dumps(document, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidRequest("a string holds half of a surrogate pair") from None
