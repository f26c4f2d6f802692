"""The reference handler does what it is compared for: it registers, reads, updates and signs."""

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from tests.bench.contenders import MACHINE_CLIENT, WEB_CLIENT
from tests.bench.reference_handler import Handler

URL = "http://reference.test"


@pytest_asyncio.fixture
async def handler(tmp_path: Path) -> AsyncIterator[Handler]:
    handler = Handler(str(tmp_path / "reference.db"), URL)
    yield handler
    handler.close()


def client_of(handler: Handler) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(handler), base_url=URL)


def bearer(information: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {information['registration_access_token']}"}


async def test_an_update_brings_another_token_and_ends_the_one_before(handler: Handler) -> None:
    async with client_of(handler) as http:
        registered = (await http.post("/connect/register", json=WEB_CLIENT)).json()
        uri = registered["registration_client_uri"]
        read = await http.get(uri, headers=bearer(registered))
        assert read.json().items() >= WEB_CLIENT.items()
        changed = {**WEB_CLIENT, "client_name": "changed"}
        updated = (await http.put(uri, json=changed, headers=bearer(registered))).json()
        assert (await http.get(uri, headers=bearer(registered))).status_code == 401
        read = await http.get(uri, headers=bearer(updated))
        assert read.json()["client_name"] == "changed"


async def test_a_token_is_signed_for_whoever_has_the_secret(handler: Handler) -> None:
    async with client_of(handler) as http:
        registered = (await http.post("/connect/register", json=MACHINE_CLIENT)).json()
        grant = {"grant_type": "client_credentials"}
        pair = (registered["client_id"], registered["client_secret"])
        issued = (await http.post("/token", data=grant, auth=pair)).json()
        head, claims, signature = issued["access_token"].split(".")
        octets = _decoded(signature)
        handler.public_key.verify(
            encode_dss_signature(int.from_bytes(octets[:32]), int.from_bytes(octets[32:])),
            f"{head}.{claims}".encode(),
            ec.ECDSA(SHA256()),
        )
        assert json.loads(_decoded(claims))["sub"] == registered["client_id"]
        wrong = await http.post("/token", data=grant, auth=(pair[0], "guessed"))
        assert wrong.status_code == 401


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
