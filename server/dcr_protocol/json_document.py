"""JSON objects from bytes: requests are read strictly (S-007, RFC 8259), responses leniently."""

import json
import math
from typing import Final, NoReturn, cast

from pydantic import JsonValue

from dcr_protocol.errors import InvalidRequest

__all__ = [
    "DEFAULT_MAX_BYTES",
    "DEFAULT_MAX_DEPTH",
    "JsonValue",
    "parse_json",
    "parse_json_object",
    "read_json_object",
]

DEFAULT_MAX_BYTES: Final = 65536
DEFAULT_MAX_DEPTH: Final = 16
# C-052: a response is larger than a request at most by what the server knows beside.
MAX_RESPONSE_BYTES: Final = 1_048_576
MAX_RESPONSE_DEPTH: Final = 32
# RFC 8259 §2
_WHITESPACE: Final = " \t\n\r"


def parse_json_object(
    body: bytes, *, max_bytes: int = DEFAULT_MAX_BYTES, max_depth: int = DEFAULT_MAX_DEPTH
) -> dict[str, JsonValue]:
    """Read exactly one JSON object in UTF-8.

    Raises InvalidRequest.
    """
    document = parse_json(body, max_bytes=max_bytes, max_depth=max_depth)
    if not isinstance(document, dict):
        raise InvalidRequest("the body must be a JSON object")
    return document


def parse_json(
    body: bytes, *, max_bytes: int = DEFAULT_MAX_BYTES, max_depth: int = DEFAULT_MAX_DEPTH
) -> JsonValue:
    """Read exactly one JSON value in UTF-8.

    Raises InvalidRequest for everything that JSON parsers disagree about: repeated members,
    NaN, numbers out of range, lone surrogates, a byte order mark, deep nesting.
    """
    if len(body) > max_bytes:
        raise InvalidRequest(f"the body is larger than {max_bytes} bytes")
    try:
        text = body.decode("utf-8")
        document = _read_strictly(text.strip(_WHITESPACE))
    except UnicodeDecodeError:
        raise InvalidRequest("the body is not UTF-8") from None
    except RecursionError:
        raise InvalidRequest(f"the body is nested deeper than {max_depth} levels") from None
    except ValueError:
        raise InvalidRequest("the body is not valid JSON") from None
    if _is_deeper(document, text, max_depth):
        raise InvalidRequest(f"the body is nested deeper than {max_depth} levels")
    _refuse_lone_surrogates(document, text)
    return document


def read_json_object(body: bytes) -> dict[str, JsonValue] | None:
    """Read what a server answered; None when it is not a JSON object of sane size (C-052).

    A response may hold credentials that are shown once. So faults that most parsers pass are
    passed: repeated members (the last counts), a byte order mark, NaN (null), half a
    surrogate pair or broken UTF-8 (replaced).
    """
    if len(body) > MAX_RESPONSE_BYTES:
        return None
    text = body.decode("utf-8-sig", errors="replace")
    try:
        document = json.loads(text, parse_constant=_null, parse_float=_finite_float_or_null)
    except (RecursionError, ValueError):
        return None
    if not isinstance(document, dict) or _is_deeper(document, text, MAX_RESPONSE_DEPTH):
        return None
    if "\\u" in text:
        encodable = json.dumps(document, ensure_ascii=False).encode("utf-8", errors="replace")
        return cast("dict[str, JsonValue]", json.loads(encodable))
    return document


def _read_strictly(text: str) -> JsonValue:
    document: JsonValue
    document, end = _STRICT.raw_decode(text)
    if end != len(text):
        raise ValueError("more than one value")
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


# json.loads would build a decoder for every document.
_STRICT: Final = json.JSONDecoder(
    object_pairs_hook=_object_without_repeated_members,
    parse_constant=_refuse_constant,
    parse_float=_finite_float,
)


def _null(_name: str) -> None:
    return None


def _finite_float_or_null(digits: str) -> float | None:
    value = float(digits)
    return None if math.isinf(value) else value


def _is_deeper(document: JsonValue, text: str, max_depth: int) -> bool:
    # Nearly every body has fewer brackets than the limit: then it cannot be that deep.
    if text.count("{") + text.count("[") <= max_depth:
        return False
    level: list[JsonValue] = [document]
    for _ in range(max_depth):
        level = [child for value in level for child in _children(value)]
    return any(isinstance(value, (dict, list)) for value in level)


def _children(value: JsonValue) -> list[JsonValue]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _refuse_lone_surrogates(document: JsonValue, text: str) -> None:
    # UTF-8 cannot hold them; only an escape can bring one in (RFC 8259 §8.2).
    if "\\u" not in text:
        return
    try:
        json.dumps(document, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidRequest("a string holds half of a surrogate pair") from None
