"""Durations as people write them: 90s, 15m, 1h, 30d."""

import re
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, WithJsonSchema

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_FORM: Final = re.compile(r"([0-9]{1,9})([smhd])", re.ASCII)

LONGEST: Final = 999_999_999 * _SECONDS["d"]
"""What can be written. Databases and readers of JSON count further."""


def parse_duration(text: str) -> int:
    """Return seconds.

    Raises ValueError with a text that shows the form.
    """
    match = _FORM.fullmatch(text)
    if match is None or int(match[1]) == 0:
        raise ValueError("write a number and a unit, such as 90s, 15m, 1h or 30d")
    return int(match[1]) * _SECONDS[match[2]]


def format_duration(seconds: int) -> str:
    """Write it as people do, in the largest unit that fits."""
    unit = max((u for u in _SECONDS if seconds % _SECONDS[u] == 0), key=lambda u: _SECONDS[u])
    return f"{seconds // _SECONDS[unit]}{unit}"


def _seconds(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


Seconds = Annotated[
    int,
    BeforeValidator(_seconds),
    Field(gt=0, le=LONGEST, strict=True),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": LONGEST},
                {"type": "string", "pattern": "^(?!0+[smhd])[0-9]{1,9}[smhd]$"},
            ]
        }
    ),
]
"""A member of a model: a duration in a file, whole seconds in the program."""
