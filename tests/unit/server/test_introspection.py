"""RFC 7662: a client learns about its own tokens, or about all where its policy says so."""

from pathlib import Path

import httpx
import pytest

from dcr_server.policies import Policy
from tests.unit.server.registrant import (
    EVERYTHING,
    MACHINE,
    Registered,
    Registrant,
    bearer,
    registrant_at,
)

WATCHER = EVERYTHING.model_copy(update={"introspect": "any"})
INACTIVE = {"active": False}


async def access_token(registrant: Registrant, client: Registered) -> str:
    return str((await registrant.get_token(client.basic)).json()["access_token"])


async def introspect(
    registrant: Registrant, caller: Registered, token: str, **form: str
) -> httpx.Response:
    return await registrant.http.post(
        "/introspect", data={"token": token, **form}, auth=caller.basic
    )


async def test_an_active_token_is_described_by_its_claims(registrant: Registrant) -> None:
    client = await registrant.register()
    response = await introspect(registrant, client, await access_token(registrant, client))
    document = response.json()
    now = int(registrant.clock())
    assert len(document.pop("jti")) == 32
    assert document == {
        "active": True,
        "token_type": "Bearer",
        "iss": "https://auth.test",
        "aud": "https://auth.test",
        "sub": client["client_id"],
        "client_id": client["client_id"],
        "iat": now,
        "exp": now + 3600,
        "scope": "a b",
    }
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense"])
async def test_a_hint_changes_nothing(registrant: Registrant, hint: str) -> None:
    client = await registrant.register()
    token = await access_token(registrant, client)
    response = await introspect(registrant, client, token, token_type_hint=hint)
    assert response.json()["active"] is True


@pytest.mark.parametrize("token", ["x", "a.b.c", "dcr_iat_x", "." * 8000, "é"])
async def test_what_is_no_token_of_ours_is_inactive_and_nothing_else(
    registrant: Registrant, token: str
) -> None:
    client = await registrant.register()
    response = await introspect(registrant, client, token)
    assert (response.status_code, response.json()) == (200, INACTIVE)


async def test_the_credentials_of_a_client_are_no_access_tokens(registrant: Registrant) -> None:
    client = await registrant.register()
    for token in (client.token, client["client_secret"], registrant.initial_access_token):
        assert (await introspect(registrant, client, token)).json() == INACTIVE


async def test_a_token_is_inactive_when_its_time_is_over(registrant: Registrant) -> None:
    client = await registrant.register()
    token = await access_token(registrant, client)
    registrant.clock.seconds += 3599
    assert (await introspect(registrant, client, token)).json()["active"] is True
    registrant.clock.seconds += 1
    assert (await introspect(registrant, client, token)).json() == INACTIVE


async def test_the_tokens_of_others_are_inactive_to_a_client(registrant: Registrant) -> None:
    client, other = [await registrant.register() for _ in range(2)]
    token = await access_token(registrant, client)
    assert (await introspect(registrant, other, token)).json() == INACTIVE


async def test_a_policy_may_let_its_clients_introspect_any_token(tmp_path: Path) -> None:
    policies = {"apps": EVERYTHING, "apis": WATCHER}
    async with registrant_at(tmp_path, policies=policies) as registrant:
        client = await registrant.register()
        watcher_token = (await registrant.mint("apis")).get_secret_value()
        response = await registrant.post(token=watcher_token)
        watcher = Registered(response.json())
        token = await access_token(registrant, client)
        answer = (await introspect(registrant, watcher, token)).json()
        assert (answer["active"], answer["client_id"]) == (True, client["client_id"])


def _watched(**changes: object) -> dict[str, Policy]:
    return {"apis": WATCHER, "apps": EVERYTHING.model_copy(update=changes)}


async def test_s132_the_tokens_of_a_deleted_client_are_inactive(tmp_path: Path) -> None:
    async with registrant_at(tmp_path, policies=_watched()) as registrant:
        watcher, client = [await registrant.register() for _ in range(2)]
        token = await access_token(registrant, client)
        assert (await introspect(registrant, watcher, token)).json()["active"] is True
        assert (await registrant.delete(client.uri, client.token)).status_code == 204
        assert (await introspect(registrant, watcher, token)).json() == INACTIVE


async def test_s132_the_tokens_of_an_expired_client_are_inactive(tmp_path: Path) -> None:
    policies = _watched(client_lifetime=100)
    async with registrant_at(tmp_path, policies=policies) as registrant:
        watcher = await registrant.register()
        app = (await registrant.mint("apps")).get_secret_value()
        client = Registered((await registrant.post(token=app)).json())
        token = await access_token(registrant, client)
        assert (await introspect(registrant, watcher, token)).json()["active"] is True
        registrant.clock.seconds += 100
        assert (await introspect(registrant, watcher, token)).json() == INACTIVE


async def test_s131_a_deleted_client_authenticates_nowhere(registrant: Registrant) -> None:
    client = await registrant.register()
    token = await access_token(registrant, client)
    await registrant.delete(client.uri, client.token)
    for path in ("/token", "/introspect", "/revoke"):
        form = {"grant_type": "client_credentials", "token": token}
        response = await registrant.http.post(path, data=form, auth=client.basic)
        assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


async def test_a_client_authenticates_first(registrant: Registrant) -> None:
    client = await registrant.register()
    token = await access_token(registrant, client)
    for path in ("/introspect", "/revoke"):
        for headers in ({}, bearer(token)):
            response = await registrant.http.post(path, data={"token": token}, headers=headers)
            assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("path", ["/introspect", "/revoke"])
async def test_a_token_is_needed(registrant: Registrant, path: str) -> None:
    client = await registrant.register(MACHINE)
    response = await registrant.http.post(path, data={"token": ""}, auth=client.basic)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("path", ["/introspect", "/revoke"])
async def test_tokens_are_not_sent_in_urls(registrant: Registrant, path: str) -> None:
    client = await registrant.register()
    response = await registrant.http.get(path, params={"token": "x"}, auth=client.basic)
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
