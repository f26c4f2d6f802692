"""Lists in pages: `limit`, an opaque cursor, filters; what is not one of them is refused."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar
from urllib.parse import parse_qsl

from starlette.requests import Request

from dcr_protocol import base64url
from dcr_protocol.errors import InvalidRequest
from dcr_protocol.json_document import JsonValue

DEFAULT_LIMIT: Final = 100
LARGEST_LIMIT: Final = 500
_LIMIT: Final = "limit"
_AFTER: Final = "after"
_MOST_PARAMETERS: Final = 16
LONGEST_VALUE: Final = 1024

Item = TypeVar("Item")
Key = TypeVar("Key", str, int)


@dataclass(frozen=True, slots=True)
class PageRequest:
    filters: Mapping[str, str]
    after: str
    """Of the last item of the page before; empty: from the beginning."""
    limit: int

    def after_number(self) -> int:
        """Raises InvalidRequest when the cursor is of another list."""
        if not self.after:
            return 0
        if not (self.after.isascii() and self.after.isdecimal() and len(self.after) < 19):  # noqa: PLR2004 - digits of 2**63
            raise not_a_cursor()
        return int(self.after)


@dataclass(frozen=True, slots=True)
class Listed(Generic[Item]):
    """How one kind of item is told."""

    name: Callable[[Item], str | int]
    describe: Callable[[Item], Mapping[str, JsonValue]]


def read_page_request(request: Request, filters: Collection[str]) -> PageRequest:
    """Raises InvalidRequest."""
    given = _parameters(request.scope["query_string"])
    unknown = sorted(given.keys() - {_LIMIT, _AFTER, *filters})
    if unknown:
        allowed = ", ".join([*sorted(filters), _LIMIT, _AFTER])
        raise InvalidRequest(f"unknown parameter {unknown[0]}; there are {allowed}")
    return PageRequest(
        filters={name: value for name, value in given.items() if name in filters},
        after=_decode(given[_AFTER]) if _AFTER in given else "",
        limit=_limit(given.get(_LIMIT, str(DEFAULT_LIMIT))),
    )


def refuse_parameters(request: Request) -> None:
    """Raises InvalidRequest for a query where there is nothing to ask for."""
    if request.scope["query_string"]:
        raise InvalidRequest("there are no parameters here")


async def page_document(
    listed: Listed[Item], limit: int, fetch: Callable[[int], Awaitable[Sequence[Item]]]
) -> dict[str, JsonValue]:
    """Fetch one item more than is shown: so `next` is there only if something follows."""
    found = await fetch(limit + 1)
    shown = found[:limit]
    document: dict[str, JsonValue] = {"items": [{**listed.describe(item)} for item in shown]}
    if len(found) > limit:
        document["next"] = _encode(str(listed.name(shown[-1])))
    return document


def _parameters(query: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MOST_PARAMETERS,
        )
    except ValueError:
        raise InvalidRequest("the query cannot be read") from None
    parameters = dict(pairs)
    if len(parameters) < len(pairs):
        raise InvalidRequest("a parameter is repeated")
    for name, value in parameters.items():
        if not value or len(value) > LONGEST_VALUE or "\0" in value:
            raise InvalidRequest(f"{name}: give 1 to {LONGEST_VALUE} characters")
    return parameters


def _limit(text: str) -> int:
    digits = text if text.isascii() and text.isdecimal() else ""
    # Never more of them than the largest has: 0000005000 is no 500.
    if digits and len(digits) <= len(str(LARGEST_LIMIT)) and 0 < int(digits) <= LARGEST_LIMIT:
        return int(text)
    raise InvalidRequest(f"limit: give 1 to {LARGEST_LIMIT}")


def _encode(name: str) -> str:
    return base64url.encode(name.encode())


def _decode(cursor: str) -> str:
    try:
        decoded = base64url.decode(cursor).decode()
    except ValueError:
        raise not_a_cursor() from None
    if not decoded or "\0" in decoded:
        raise not_a_cursor()
    return decoded


def not_a_cursor() -> InvalidRequest:
    return InvalidRequest("after: give the value of next, as it came")
