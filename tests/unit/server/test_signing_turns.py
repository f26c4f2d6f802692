"""Signatures are made together within a turn of the event loop, and each is its caller's alone."""

import asyncio
from collections.abc import Mapping

import pytest

from dcr_protocol.json_document import JsonValue
from dcr_server.signing_turns import SigningTurns


class Signer:
    """Writes down what happens when."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.turns = SigningTurns()

    def _sign(self, claims: Mapping[str, JsonValue]) -> str:
        self.seen.append(f"signed {claims['sub']}")
        if claims["sub"] == "bad":
            raise ValueError("cannot be signed")
        return f"token of {claims['sub']}"

    async def ask(self, subject: str) -> str:
        self.seen.append(f"asked {subject}")
        token = await self.turns.sign(self._sign, {"sub": subject})
        self.seen.append(f"got {token}")
        return token


async def test_what_one_turn_asks_for_is_signed_in_order_before_anybody_goes_on() -> None:
    signer = Signer()
    tokens = await asyncio.gather(signer.ask("a"), signer.ask("b"), signer.ask("c"))
    assert [*tokens] == ["token of a", "token of b", "token of c"]
    assert [what.split()[0] for what in signer.seen] == [
        *["asked"] * 3,
        *["signed"] * 3,
        *["got"] * 3,
    ]


async def test_a_later_turn_signs_what_came_later() -> None:
    signer = Signer()
    assert await signer.ask("a") == "token of a"
    assert await signer.ask("b") == "token of b"
    assert signer.seen.count("signed a") == signer.seen.count("signed b") == 1


async def test_what_cannot_be_signed_fails_for_its_caller_alone() -> None:
    signer = Signer()
    good, bad, other = await asyncio.gather(
        signer.ask("a"), signer.ask("bad"), signer.ask("b"), return_exceptions=True
    )
    assert [good, other] == ["token of a", "token of b"]
    assert isinstance(bad, ValueError)


async def test_nothing_is_signed_for_whoever_has_gone_away() -> None:
    signer = Signer()
    gone = asyncio.create_task(signer.ask("gone"))
    stays = asyncio.create_task(signer.ask("stays"))
    # Both have asked, and nothing is signed yet.
    asyncio.get_running_loop().call_soon(gone.cancel)
    assert await stays == "token of stays"
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert "signed gone" not in signer.seen
