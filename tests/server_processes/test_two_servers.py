"""Two `dcr-server` processes on one PostgreSQL are one server to whoever asks either of them."""

import asyncio
import base64
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
import yaml

from tests.processes.dcr_server import DcrServer, DcrServerSettings, running_together
from tests.processes.postgresql import Postgresql

ISSUER = "http://127.0.0.1:1"
MACHINE = {"grant_types": ["client_credentials"]}
MACHINES = {**MACHINE, "token_endpoint_auth_methods": ["client_secret_basic"]}
POLICIES = {"default": MACHINES, "few": {**MACHINES, "max_clients": 3}}
RACERS = 12
REQUEST_SECONDS = 30.0


@pytest.fixture(scope="module")
def servers(
    postgresql: Postgresql, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[DcrServer]]:
    """Start both at the same moment, on an empty database."""
    folder = tmp_path_factory.mktemp("two-servers")
    config = folder / "dcr-server.yaml"
    config.write_text(yaml.safe_dump({"policies": POLICIES}), encoding="utf-8")
    shared = {
        "DCR_SERVER_DATABASE": postgresql.fresh_database(),
        "DCR_SERVER_CONFIG": str(config),
        "DCR_SERVER_ENCRYPTION_KEY": base64.b64encode(bytes(32)).decode(),
        "DCR_SERVER_ISSUER": ISSUER,
    }
    settings = [DcrServerSettings(folder / name, extra=shared) for name in ("one", "other")]
    with running_together(*settings) as servers:
        yield servers


@pytest_asyncio.fixture
async def both(servers: list[DcrServer]) -> AsyncIterator[list[httpx.AsyncClient]]:
    async with contextlib.AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                httpx.AsyncClient(
                    base_url=f"http://127.0.0.1:{server.settings.port}",
                    timeout=REQUEST_SECONDS,
                    trust_env=False,
                )
            )
            for server in servers
        ]


async def register_at_both(
    both: list[httpx.AsyncClient], token: str, **headers: str
) -> list[httpx.Response]:
    """Ask both at once, each several times."""
    return await asyncio.gather(
        *(
            both[number % 2].post(
                "/connect/register", json=MACHINE, headers={**bearer(token), **headers}
            )
            for number in range(RACERS)
        )
    )


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def path_of(answer: httpx.Response) -> str:
    return httpx.URL(answer.json()["registration_client_uri"]).path


async def get_token(http: httpx.AsyncClient, answer: httpx.Response) -> httpx.Response:
    shown = answer.json()
    return await http.post(
        "/token",
        data={"grant_type": "client_credentials"},
        auth=(shown["client_id"], shown["client_secret"]),
    )


async def test_servers_that_start_together_sign_with_one_key(
    both: list[httpx.AsyncClient],
) -> None:
    one, other = [(await http.get("/jwks")).json()["keys"] for http in both]
    assert len(one) == 1
    assert one == other


async def test_what_one_registered_is_known_to_the_other(
    servers: list[DcrServer], both: list[httpx.AsyncClient]
) -> None:
    token = servers[0].mint_initial_access_token()
    answer = await both[0].post("/connect/register", json=MACHINE, headers=bearer(token))
    assert (await get_token(both[1], answer)).status_code == 200
    shown = bearer(answer.json()["registration_access_token"])
    assert (await both[1].get(path_of(answer), headers=shown)).status_code == 200


async def test_an_idempotency_key_at_both_makes_one_client(
    servers: list[DcrServer], both: list[httpx.AsyncClient]
) -> None:
    token = servers[0].mint_initial_access_token("--max-uses", "1")
    answers = await register_at_both(both, token, **{"Idempotency-Key": "the same"})
    assert Counter(answer.status_code for answer in answers) == {201: RACERS}
    assert len({answer.json()["client_id"] for answer in answers}) == 1


async def test_a_token_is_good_for_as_many_registrations_as_it_says(
    servers: list[DcrServer], both: list[httpx.AsyncClient]
) -> None:
    token = servers[1].mint_initial_access_token("--max-uses", "5")
    answers = await register_at_both(both, token)
    assert Counter(answer.status_code for answer in answers) == {201: 5, 401: RACERS - 5}


async def test_a_policy_has_no_more_clients_than_it_may(
    servers: list[DcrServer], both: list[httpx.AsyncClient]
) -> None:
    token = servers[0].mint_initial_access_token(policy="few")
    answers = await register_at_both(both, token)
    assert Counter(answer.status_code for answer in answers) == {201: 3, 403: RACERS - 3}


async def test_updates_at_both_leave_one_of_them_in_force(
    servers: list[DcrServer], both: list[httpx.AsyncClient]
) -> None:
    token = servers[0].mint_initial_access_token()
    made = await both[0].post("/connect/register", json=MACHINE, headers=bearer(token))
    client_id, first = made.json()["client_id"], made.json()["registration_access_token"]
    body = {**MACHINE, "client_id": client_id}
    answers = await asyncio.gather(
        *(
            http.put(path_of(made), json={**body, "client_name": name}, headers=bearer(first))
            for http, name in zip(both, ("one", "other"), strict=True)
        )
    )
    assert [answer.status_code for answer in answers] == [200, 200]
    in_force = (await both[0].get(path_of(made), headers=bearer(first))).json()["client_name"]
    (newest,) = [a for a in answers if a.json()["client_name"] == in_force]
    shown = bearer(newest.json()["registration_access_token"])
    assert (await both[1].get(path_of(made), headers=shown)).status_code == 200
    # The first use of the new one ends the one before, also where it was not used.
    assert (await both[0].get(path_of(made), headers=bearer(first))).status_code == 401


async def test_a_rotation_and_a_deletion_at_both_end_with_no_client(
    servers: list[DcrServer], both: list[httpx.AsyncClient]
) -> None:
    token = servers[0].mint_initial_access_token()
    made = await both[0].post("/connect/register", json=MACHINE, headers=bearer(token))
    shown = bearer(made.json()["registration_access_token"])
    rotated, deleted = await asyncio.gather(
        both[0].post(f"{path_of(made)}/secret", headers=shown),
        both[1].delete(path_of(made), headers=shown),
    )
    assert deleted.status_code == 204
    assert rotated.status_code in {200, 401}
    for http in both:
        assert (await http.get(path_of(made), headers=shown)).status_code == 401
        assert (await get_token(http, made)).status_code == 401
    if rotated.status_code == 200:
        assert (await get_token(both[0], rotated)).status_code == 401


async def test_the_end_of_one_does_not_disturb_the_other(
    servers: list[DcrServer], both: list[httpx.AsyncClient], tmp_path: Path
) -> None:
    third = DcrServerSettings(tmp_path, extra=servers[0].settings.extra)
    token = servers[0].mint_initial_access_token()
    with running_together(third) as (killed,):
        killed.kill_9()
        answer = await both[0].post("/connect/register", json=MACHINE, headers=bearer(token))
    assert answer.status_code == 201
