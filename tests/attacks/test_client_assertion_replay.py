"""Whoever overhears an assertion gets nothing by it: it is good for one use, at any process."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from dcr_protocol.json_document import JsonValue
from dcr_server.client_assertions import CLIENT_ASSERTION_TYPE
from tests.fakes.client_keys import assertion_claims, base64url, client_key
from tests.unit.server.registrant import MACHINE, Registered, Registrant, registrant_at

ISSUER = "https://auth.test"
KEY = client_key()
PRIVATE_KEY_JWT = {**MACHINE, "token_endpoint_auth_method": "private_key_jwt", "jwks": KEY.jwks}
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@contextlib.asynccontextmanager
async def two_processes(folder: Path) -> AsyncIterator[tuple[Registrant, Registrant]]:
    """Two servers, each with connections of its own to one database."""
    async with registrant_at(folder) as one, registrant_at(folder) as other:
        yield one, other


def assertion(registrant: Registrant, client: Registered, **claims: JsonValue) -> str:
    return KEY.sign(assertion_claims(client["client_id"], ISSUER, registrant.clock(), **claims))


async def present(registrant: Registrant, text: str, path: str = "/token") -> httpx.Response:
    return await registrant.http.post(
        path,
        data={
            "grant_type": "client_credentials",
            "token": "x",
            "client_assertion_type": CLIENT_ASSERTION_TYPE,
            "client_assertion": text,
        },
    )


def flipped(text: str) -> str:
    """The same signature as another pair of numbers: ECDSA knows two for each."""
    head, _, signature = text.rpartition(".")
    r, s = _numbers(signature)
    return f"{head}.{base64url(r.to_bytes(32) + (_ORDER - s).to_bytes(32))}"


def _numbers(signature: str) -> tuple[int, int]:
    octets = base64.urlsafe_b64decode(signature + "==")
    return int.from_bytes(octets[:32]), int.from_bytes(octets[32:])


async def test_the_same_assertion_at_once_at_two_processes_gets_one_token(tmp_path: Path) -> None:
    async with two_processes(tmp_path) as (one, other):
        client = await one.register(PRIVATE_KEY_JWT)
        text = assertion(one, client)
        responses = await asyncio.gather(
            *(present(registrant, text) for registrant in (one, other) * 8)
        )
        assert sorted(response.status_code for response in responses) == [200] + [401] * 15


async def test_an_assertion_serves_for_one_endpoint_only(tmp_path: Path) -> None:
    async with two_processes(tmp_path) as (one, other):
        client = await one.register(PRIVATE_KEY_JWT)
        for number, first in enumerate(("/token", "/introspect", "/revoke")):
            text = assertion(one, client, jti=f"{number}")
            assert (await present(one, text, first)).status_code == 200
            for path in ("/token", "/introspect", "/revoke"):
                assert (await present(other, text, path)).status_code == 401


async def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    async with registrant_at(tmp_path) as registrant:
        client = await registrant.register(PRIVATE_KEY_JWT)
        text = assertion(registrant, client)
        assert (await present(registrant, text)).status_code == 200
    async with registrant_at(tmp_path) as registrant:
        assert (await present(registrant, text)).status_code == 401


async def test_another_spelling_of_the_signature_is_the_same_assertion(tmp_path: Path) -> None:
    async with registrant_at(tmp_path) as registrant:
        client = await registrant.register(PRIVATE_KEY_JWT)
        text = assertion(registrant, client)
        # It verifies: what protects is the jti, not the text.
        assert (await present(registrant, flipped(text))).status_code == 200
        assert (await present(registrant, text)).status_code == 401


async def test_signing_the_same_claims_again_is_the_same_assertion(tmp_path: Path) -> None:
    async with registrant_at(tmp_path) as registrant:
        client = await registrant.register(PRIVATE_KEY_JWT)
        first, second = [assertion(registrant, client) for _ in range(2)]
        assert first != second
        assert (await present(registrant, first)).status_code == 200
        assert (await present(registrant, second)).status_code == 401


@pytest.mark.parametrize("seconds", [0, 59, 119, 120, 3600])
async def test_cleaning_up_opens_no_gap(tmp_path: Path, seconds: int) -> None:
    """60 seconds of life, 60 of skew: at no moment is it forgotten and still good."""
    async with registrant_at(tmp_path) as registrant:
        client = await registrant.register(PRIVATE_KEY_JWT)
        text = assertion(registrant, client)
        assert (await present(registrant, text)).status_code == 200
        registrant.clock.seconds += seconds
        await registrant.server.storage.clean_up(now=registrant.server.now(), limit=100)
        assert (await present(registrant, text)).status_code == 401
