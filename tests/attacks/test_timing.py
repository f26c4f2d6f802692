"""How long a refusal takes tells nothing: what is compared is a hash, whole, and always each.

Measured times of a shared machine are too coarse for what a comparison takes, so the code paths
are compared: which function decides, how often it is called, and with what.
"""

import hmac
from dataclasses import dataclass, field

import pytest

from dcr_server.credentials import Credentials, find_token
from dcr_server.tokens import hash_of
from tests.unit.server.registrant import MACHINE, Registered, Registrant

HASH_BYTES = 32


@dataclass
class Comparisons:
    """What was given to hmac.compare_digest, which is real all the same."""

    pairs: list[tuple[bytes, bytes]] = field(default_factory=list)

    def drain(self) -> list[tuple[int, int]]:
        sizes = [(len(one), len(other)) for one, other in self.pairs]
        self.pairs.clear()
        return sizes


@pytest.fixture
def comparisons(monkeypatch: pytest.MonkeyPatch) -> Comparisons:
    seen = Comparisons()
    real = hmac.compare_digest

    def compare_digest(one: bytes, other: bytes) -> bool:
        seen.pairs.append((one, other))
        return real(one, other)

    monkeypatch.setattr(hmac, "compare_digest", compare_digest)
    return seen


def _differing_at(token: str) -> list[str]:
    """Tokens that differ from it in one place each, from the first character to the last."""
    return [
        token[:place] + ("x" if token[place] != "x" else "y") + token[place + 1 :]
        for place in range(8, len(token), 5)
    ]


async def test_comparisons_do_not_depend_on_where_a_token_differs(
    registrant: Registrant, comparisons: Comparisons
) -> None:
    client = await registrant.register()
    counted = []
    for token in [*_differing_at(client.token), "dcr_rat_x", "dcr_rat_" + "x" * 1000]:
        comparisons.drain()
        assert (await registrant.read(client.uri, token)).status_code == 401
        counted.append(comparisons.drain())
    # Once per credential that the client holds, and always two hashes.
    assert counted == [[(HASH_BYTES, HASH_BYTES)]] * len(counted)


async def test_comparisons_do_not_depend_on_where_a_secret_differs(
    registrant: Registrant, comparisons: Comparisons
) -> None:
    client = await registrant.register()
    counted = []
    for secret in [*_differing_at(client["client_secret"]), "x", "x" * 1000]:
        comparisons.drain()
        response = await registrant.get_token((client["client_id"], secret))
        assert response.status_code == 401
        counted.append(comparisons.drain())
    assert all(counted)
    assert counted == [counted[0]] * len(counted)
    assert set(counted[0]) == {(HASH_BYTES, HASH_BYTES)}


async def test_a_token_is_compared_with_each_that_is_held_whichever_matches(
    registrant: Registrant, comparisons: Comparisons
) -> None:
    client = await registrant.register()
    tokens = [client.token]
    for _ in range(4):
        answer = await registrant.put(client, MACHINE)
        tokens.append(Registered(answer.json()).token)
    held = await registrant.server.storage.clients.find(client["client_id"])
    assert held is not None
    for token in [*tokens, "dcr_rat_wrong"]:
        comparisons.drain()
        find_token(held.credentials, hash_of(token))
        assert len(comparisons.drain()) == len(tokens)


def test_what_is_compared_is_a_hash_so_its_bytes_cannot_be_steered() -> None:
    near = [hash_of("dcr_rat_" + "a" * 42 + end) for end in "abc"]
    assert len({one[:2] for one in near}) == len(near)


@pytest.mark.parametrize("number", [1, 4, 16])
def test_no_comparison_is_skipped_when_an_earlier_one_matched(
    comparisons: Comparisons, number: int
) -> None:
    held = tuple(Credentials(1, hash_of(str(place)), None) for place in range(number))
    for place in range(number):
        comparisons.drain()
        assert find_token(held, hash_of(str(place))) == held[place]
        assert len(comparisons.drain()) == number
