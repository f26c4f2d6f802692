"""A database that an older server wrote serves the clients that it answered then."""

import contextlib
import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest_asyncio

from dcr_server.app import create_app
from dcr_server.storage.sqlite_schema import MIGRATIONS
from tests.fakes.dcr_server_app import ISSUER, running_server

DATA: Final = Path("tests/data/schema")
ANSWERS: Final[dict[str, Any]] = json.loads(
    (DATA / "version-1-answers.json").read_text(encoding="utf-8")
)
AN_HOUR_LATER: Final = 1_750_003_600.0
MACHINE: Final = {"grant_types": ["client_credentials"], "scope": "a b"}


@pytest_asyncio.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    dump = (DATA / "sqlite-version-1.sql").read_text(encoding="utf-8")
    with contextlib.closing(sqlite3.connect(tmp_path / "dcr-server.db")) as database:
        database.executescript(dump)
    async with running_server(tmp_path, clock=lambda: AN_HOUR_LATER) as server:
        transport = httpx.ASGITransport(create_app(server))
        async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as http:
            yield http


async def read(http: httpx.AsyncClient, answer: dict[str, Any]) -> httpx.Response:
    shown = bearer(answer["registration_access_token"])
    return await http.get(answer["registration_client_uri"], headers=shown)


async def get_token(http: httpx.AsyncClient, answer: dict[str, Any]) -> httpx.Response:
    return await http.post(
        "/token",
        data={"grant_type": "client_credentials"},
        auth=(answer["client_id"], answer["client_secret"]),
    )


async def register(http: httpx.AsyncClient, token: str, **headers: str) -> httpx.Response:
    body = {**MACHINE, "client_name": "machine"} if headers else MACHINE
    return await http.post("/connect/register", json=body, headers={**bearer(token), **headers})


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_it_has_the_newest_schema(http: httpx.AsyncClient, tmp_path: Path) -> None:
    assert (await http.get("/readyz")).status_code == 200
    with contextlib.closing(sqlite3.connect(tmp_path / "dcr-server.db")) as database:
        assert database.execute("SELECT version FROM schema_version").fetchall() == [
            (len(MIGRATIONS),)
        ]
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_what_was_registered_is_as_it_was_answered(http: httpx.AsyncClient) -> None:
    for name in ("web", "public", "after"):
        answer = ANSWERS[name]
        shown = (await read(http, answer)).json()
        same = answer.keys() - {"client_secret", "client_secret_expires_at"}
        assert {member: shown.get(member) for member in same} == {
            member: answer[member] for member in same
        }


async def test_secrets_of_then_get_tokens(http: httpx.AsyncClient) -> None:
    # The answer to the update carried no secret: that of the registration stays.
    for answer in (ANSWERS["before"], ANSWERS["machine"]):
        assert (await get_token(http, answer)).status_code == 200


async def test_the_first_use_of_one_pair_still_ends_the_other(http: httpx.AsyncClient) -> None:
    assert (await get_token(http, ANSWERS["replayed"])).status_code == 200
    assert (await get_token(http, ANSWERS["machine"])).status_code == 401


async def test_the_first_use_of_an_updated_token_still_ends_the_one_before(
    http: httpx.AsyncClient,
) -> None:
    assert (await read(http, ANSWERS["before"])).status_code == 200
    assert (await read(http, ANSWERS["after"])).status_code == 200
    assert (await read(http, ANSWERS["before"])).status_code == 401


async def test_a_limited_token_is_good_for_what_is_left_of_it(http: httpx.AsyncClient) -> None:
    answers = [await register(http, ANSWERS["limited"]) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 401]


async def test_an_idempotency_key_of_then_finds_its_client(http: httpx.AsyncClient) -> None:
    repeated = await register(http, ANSWERS["unlimited"], **{"Idempotency-Key": "k1"})
    assert repeated.status_code == 201
    assert repeated.json()["client_id"] == ANSWERS["machine"]["client_id"]


async def test_a_client_that_was_deleted_stays_so(http: httpx.AsyncClient) -> None:
    assert (await read(http, ANSWERS["deleted"])).status_code == 401
    assert (await get_token(http, ANSWERS["deleted"])).status_code == 401


async def test_tokens_are_signed_with_the_key_of_then(http: httpx.AsyncClient) -> None:
    keys = (await http.get("/jwks")).json()["keys"]
    assert [key["kid"] for key in keys] == [ANSWERS["kid"]]


async def test_a_client_can_be_updated_rotated_and_deleted(http: httpx.AsyncClient) -> None:
    answer = ANSWERS["web"]
    shown = bearer(answer["registration_access_token"])
    rotated = await http.post(f"{answer['registration_client_uri']}/secret", headers=shown)
    assert rotated.status_code == 200
    shown = bearer(rotated.json()["registration_access_token"])
    deleted = await http.delete(answer["registration_client_uri"], headers=shown)
    assert deleted.status_code == 204
