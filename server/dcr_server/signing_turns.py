"""Signatures that wait in the same turn of the event loop are made one right after another.

Signing goes through tables that push the interpreter's code out of the processor's cache, and the
other way round: alone among Python it takes twice as long as after another signature.

    sign(make, claims) ─┐
    sign(make, claims) ─┴─► when this turn is over, all of them ─► each caller goes on
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from dcr_protocol.json_document import JsonValue
from dcr_server.jwt_signing import Sign


class _Waiting(NamedTuple):
    sign: Sign
    claims: Mapping[str, JsonValue]
    token: asyncio.Future[str]


class SigningTurns:
    """Belongs to the event loop on which it is used."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []

    async def sign(self, sign: Sign, claims: Mapping[str, JsonValue]) -> str:
        """Raises what the signing function raises."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._sign_all)
        token: asyncio.Future[str] = loop.create_future()
        self._waiting.append(_Waiting(sign, claims, token))
        return await token

    def _sign_all(self) -> None:
        waiting, self._waiting = self._waiting, []
        _sign_each(waiting)


def _sign_each(waiting: Sequence[_Waiting]) -> None:
    for sign, claims, token in waiting:
        # Cancelled: whoever asked has gone away.
        if token.cancelled():
            continue
        try:
            token.set_result(sign(claims))
        except Exception as error:  # noqa: BLE001 - it is the caller's, and no other's
            token.set_exception(error)
