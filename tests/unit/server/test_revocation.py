"""RFC 7009: a client ends its own access tokens; what is unknown is as good as ended."""

from pathlib import Path

import httpx
import pytest

from tests.unit.server.registrant import EVERYTHING, Registered, Registrant, registrant_at


async def access_token(registrant: Registrant, client: Registered) -> str:
    return str((await registrant.get_token(client.basic)).json()["access_token"])


async def revoke(
    registrant: Registrant, caller: Registered, token: str, **form: str
) -> httpx.Response:
    return await registrant.http.post("/revoke", data={"token": token, **form}, auth=caller.basic)


async def is_active(registrant: Registrant, client: Registered, token: str) -> bool:
    response = await registrant.http.post("/introspect", data={"token": token}, auth=client.basic)
    return bool(response.json()["active"])


@pytest.mark.parametrize("hint", ["", "access_token", "refresh_token", "nonsense"])
async def test_a_revoked_token_is_inactive_and_others_are_not(
    registrant: Registrant, hint: str
) -> None:
    client = await registrant.register()
    revoked, other = [await access_token(registrant, client) for _ in range(2)]
    response = await revoke(registrant, client, revoked, token_type_hint=hint)
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["cache-control"] == "no-store"
    assert not await is_active(registrant, client, revoked)
    assert await is_active(registrant, client, other)


async def test_a_token_that_its_policy_makes_long_is_active_until_it_is_revoked(
    tmp_path: Path,
) -> None:
    audiences = tuple(f"https://api-{number}.test/{'a' * 80}" for number in range(100))
    policies = {"long": EVERYTHING.model_copy(update={"audiences": audiences})}
    async with registrant_at(tmp_path, policies=policies) as registrant:
        client = await registrant.register()
        token = await access_token(registrant, client)
        assert len(token) > 8192
        assert await is_active(registrant, client, token)
        await revoke(registrant, client, token)
        assert not await is_active(registrant, client, token)


async def test_a_revocation_outlives_the_process(tmp_path: Path) -> None:
    async with registrant_at(tmp_path) as registrant:
        client = await registrant.register()
        token = await access_token(registrant, client)
        await revoke(registrant, client, token)
    async with registrant_at(tmp_path) as registrant:
        assert not await is_active(registrant, client, token)


async def test_a_revocation_is_kept_until_the_token_is_over_and_no_longer(
    registrant: Registrant,
) -> None:
    client = await registrant.register()
    token = await access_token(registrant, client)
    await revoke(registrant, client, token)
    storage = registrant.server.storage
    end = int(registrant.clock()) + 3600
    assert (await storage.clean_up(now=end - 1, limit=10))["revoked_tokens"] == 0
    assert (await storage.clean_up(now=end, limit=10))["revoked_tokens"] == 1


@pytest.mark.parametrize("token", ["x", "a.b.c", "é", "." * 9000])
async def test_an_unknown_token_is_revoked_already(registrant: Registrant, token: str) -> None:
    client = await registrant.register()
    assert (await revoke(registrant, client, token)).status_code == 200


async def test_revoking_twice_and_too_late_does_no_harm(registrant: Registrant) -> None:
    client = await registrant.register()
    token = await access_token(registrant, client)
    for _ in range(2):
        assert (await revoke(registrant, client, token)).status_code == 200
    registrant.clock.seconds += 3600
    assert (await revoke(registrant, client, token)).status_code == 200


async def test_the_tokens_of_others_are_not_revoked(registrant: Registrant) -> None:
    client, other = [await registrant.register() for _ in range(2)]
    token = await access_token(registrant, client)
    response = await revoke(registrant, other, token)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")
    assert await is_active(registrant, client, token)


async def test_other_kinds_of_token_end_by_other_ways(registrant: Registrant) -> None:
    client = await registrant.register()
    for token in (client.token, registrant.initial_access_token):
        response = await revoke(registrant, client, token)
        assert (response.status_code, response.json()["error"]) == (400, "unsupported_token_type")
    assert (await registrant.read(client.uri, client.token)).status_code == 200
