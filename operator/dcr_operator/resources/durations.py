"""Durations in a resource: one number and one unit (`90s`, `12h`, `30d`), seconds in Python."""

import re
from typing import Annotated

from pydantic import BeforeValidator, GetJsonSchemaHandler, PlainSerializer
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

_SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_DURATION = re.compile(r"(0|[1-9][0-9]{0,5})([smhd])", re.ASCII)
PATTERN = f"^{_DURATION.pattern}$"


def parse_duration(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("write a whole number and one of the units s, m, h, d, such as 90s")
    return int(match[1]) * _SECONDS[match[2]]


def format_duration(seconds: int) -> str:
    """Write seconds with the largest unit that divides them."""
    for unit, size in _SECONDS.items():
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


class _DurationSchema:
    """What the API server checks, in place of what pydantic would derive."""

    def __get_pydantic_json_schema__(
        self, _core: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "pattern": PATTERN, "maxLength": 7}


Seconds = Annotated[
    int,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration),
    _DurationSchema(),
]
