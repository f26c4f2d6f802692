"""Parameters of a form: RFC 6749 §3.2 and Appendix B, RFC 7009 §2.1, RFC 7662 §2.1."""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from dcr_protocol.errors import InvalidRequest
from dcr_server.requests import FORM, read_body

_MOST_PARAMETERS: Final = 32
# RFC 8707 §2: the only parameter that may come more than once.
RESOURCE: Final = "resource"

Parameters = Mapping[str, Sequence[str]]


async def read_form(request: Request) -> Parameters:
    """Return what has a value; RFC 6749 §3.2: without value is as if it was left out.

    Raises InvalidRequest, also where a parameter is repeated.
    """
    return parse_form(await read_body(request, FORM))


def parse_form(body: bytes) -> Parameters:
    """Raises InvalidRequest."""
    try:
        pairs = parse_qsl(body.decode("ascii"), errors="strict", max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        raise InvalidRequest("the body is not a form in UTF-8") from None
    parameters: dict[str, list[str]] = {}
    for name, value in pairs:
        parameters.setdefault(name, []).append(value)
    if len(parameters) < len(pairs):
        _refuse_repeated(parameters)
    return parameters


def single(parameters: Parameters, name: str) -> str | None:
    values = parameters.get(name)
    return values[0] if values else None


def required(parameters: Parameters, name: str) -> str:
    """Raises InvalidRequest."""
    value = single(parameters, name)
    if value is None:
        raise InvalidRequest(f"{name} is missing")
    return value


def _refuse_repeated(parameters: Parameters) -> None:
    # RFC 6749 §3.2: parameters must not be included more than once.
    if any(len(values) > 1 for name, values in parameters.items() if name != RESOURCE):
        raise InvalidRequest("a parameter is repeated")
