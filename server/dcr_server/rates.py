"""Rates as people write them: 60/1m is sixty in any minute."""

from typing import Annotated, Final, NamedTuple

from pydantic import BeforeValidator

from dcr_server.durations import parse_duration

_MOST: Final = 1_000_000


class Rate(NamedTuple):
    """So many events in so many seconds."""

    events: int
    seconds: int


def parse_rate(text: str) -> Rate:
    """Raises ValueError with a text that shows the form."""
    count, _, duration = text.partition("/")
    if not (count.isascii() and count.isdecimal() and 0 < int(count[:8]) <= _MOST):
        raise ValueError("write how many and in which time, such as 60/1m or 10/1h")
    return Rate(int(count), parse_duration(duration))


def _rate(value: object) -> object:
    return parse_rate(value) if isinstance(value, str) else value


ParsedRate = Annotated[Rate, BeforeValidator(_rate)]
"""A member of a model: text in a file, a Rate in the program."""
