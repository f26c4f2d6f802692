"""Rules about the life of a client that no single endpoint's tests name."""

from pathlib import Path

import pytest

from dcr_protocol.json_document import JsonValue
from dcr_server.policies import development_policies
from tests.unit.server.registrant import MACHINE, Registrant, bearer, registrant_at

pytestmark = pytest.mark.both_databases

WEB: dict[str, JsonValue] = {"redirect_uris": ["https://a.example/cb"]}
YEARS = 10 * 365 * 86_400


async def test_s004_nobody_registers_without_a_token_which_is_our_deviation(
    registrant: Registrant,
) -> None:
    response = await registrant.http.post("/connect/register", json=dict(MACHINE))
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "members",
    [
        {"grant_types": ["implicit"], "response_types": ["token"], **WEB},
        {"grant_types": ["password"]},
        {"redirect_uris": ["http://a.example/cb"]},
    ],
)
async def test_s021_s044_a_server_without_policies_of_its_own_follows_rfc_9700(
    tmp_path: Path, members: dict[str, JsonValue]
) -> None:
    async with registrant_at(tmp_path, policies=development_policies()) as registrant:
        assert (await registrant.post(members)).status_code == 400


async def test_s051_a_public_client_gets_no_secret_and_no_token(registrant: Registrant) -> None:
    client = await registrant.register({**WEB, "token_endpoint_auth_method": "none"})
    assert "client_secret" not in client.document
    response = await registrant.get_token((client["client_id"], "guess"))
    assert response.json()["error"] == "invalid_client"


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded"])
async def test_s120_an_update_is_json(registrant: Registrant, content_type: str) -> None:
    client = await registrant.register()
    headers = {**bearer(client.token), "Content-Type": content_type}
    response = await registrant.http.put(client.uri, content=b"{}", headers=headers)
    assert response.status_code == 415


async def test_s125_an_update_answers_like_a_read_with_the_new_token(
    registrant: Registrant,
) -> None:
    client = await registrant.register()
    response = await registrant.put(client, {**MACHINE, "client_name": "renamed"})
    assert response.status_code == 200
    updated = response.json()
    read = await registrant.read(client.uri, updated["registration_access_token"])
    assert updated == read.json()


@pytest.mark.parametrize(
    ("member", "value", "error"),
    [
        ("redirect_uris", ["https://a.example/cb#x"], "invalid_redirect_uri"),
        ("redirect_uris", ["javascript:alert(1)"], "invalid_redirect_uri"),
        ("jwks_uri", "http://a.example/jwks", "invalid_client_metadata"),
        ("sector_identifier_uri", "https://a.example/sector", "invalid_client_metadata"),
    ],
)
async def test_s129_an_update_is_checked_as_a_registration_is(
    registrant: Registrant, member: str, value: JsonValue, error: str
) -> None:
    client = await registrant.register(WEB)
    response = await registrant.put(client, {**WEB, member: value})
    assert (response.status_code, response.json()["error"]) == (400, error)


async def test_s133_deleting_an_unknown_client_is_401(registrant: Registrant) -> None:
    client = await registrant.register()
    assert (await registrant.delete(f"{client.uri}0", client.token)).status_code == 401
    assert (await registrant.read(client.uri, client.token)).status_code == 200


async def test_s140_a_registration_access_token_does_not_expire(registrant: Registrant) -> None:
    client = await registrant.register()
    registrant.clock.seconds += YEARS
    assert (await registrant.read(client.uri, client.token)).status_code == 200


async def test_s161_an_untagged_name_stands_beside_tagged_ones_as_it_is(
    registrant: Registrant,
) -> None:
    names: dict[str, JsonValue] = {"client_name": "Bericht", "client_name#en": "Report"}
    client = await registrant.register({**MACHINE, **names})
    assert names.items() <= client.document.items()
