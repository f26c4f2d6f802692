"""The id by which a request is found again: in its answer, its log lines and the audit trail."""

import itertools
import re
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Final

from dcr_server.tokens import Entropy

HEADER: Final = b"x-request-id"
# Nothing that ends a line, a header or a field of a log.
_ACCEPTED: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_PREFIX_BYTES: Final = 6

CURRENT: Final[ContextVar[str]] = ContextVar("request_id", default="")
"""Of the request that is being answered; empty elsewhere. Log lines take it from here."""


class RequestIds:
    """Takes over what the requester sent, if it can stand in a log, or makes one.

    What it makes is unique among processes by a random part, and within one by a count.
    """

    def __init__(self, entropy: Entropy) -> None:
        self._prefix = entropy(_PREFIX_BYTES).hex()
        self._count = itertools.count(1)

    def of(self, given: Sequence[bytes]) -> str:
        """Give the id of a request that came with these values of the header."""
        if len(given) == 1 and _ACCEPTED.fullmatch(given[0]):
            return given[0].decode("ascii")
        return f"{self._prefix}-{next(self._count):x}"
