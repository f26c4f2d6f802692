"""RFC 7591 §3, as far as the endpoint decides: who may, what comes back, what is left behind."""

import contextlib
import re
import sqlite3
from pathlib import Path

import pytest

from dcr_protocol.json_document import JsonValue
from dcr_server.policies import Policy
from tests.unit.server.registrant import (
    EVERYTHING,
    MACHINE,
    Registrant,
    registrant_at,
)

WEB: dict[str, JsonValue] = {
    "client_name": "shop",
    "redirect_uris": ["https://shop.example.com/cb"],
    "grant_types": ["authorization_code"],
}


async def test_s080_a_registration_is_created(registrant: Registrant) -> None:
    response = await registrant.post(WEB)
    assert response.status_code == 201
    assert response.headers["content-type"] == "application/json"


async def test_s008_nothing_with_credentials_is_cached(registrant: Registrant) -> None:
    response = await registrant.post(WEB)
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["pragma"] == "no-cache"


async def test_s081_ids_are_unique_and_no_urls(registrant: Registrant) -> None:
    ids = {(await registrant.register())["client_id"] for _ in range(5)}
    assert len(ids) == 5
    assert all(re.fullmatch(r"[0-9a-f]{32}", client_id) for client_id in ids)


async def test_s023_what_the_server_assigns_cannot_be_chosen(registrant: Registrant) -> None:
    client = await registrant.register(
        {**MACHINE, "client_id": "mine", "client_secret": "mine", "registration_client_uri": "x"}
    )
    assert client["client_id"] != "mine"
    assert client["client_secret"] != "mine"
    assert client.uri.startswith("https://auth.test/connect/register/")


async def test_s082_secrets_are_unique_and_s065_long_enough(registrant: Registrant) -> None:
    secrets = {(await registrant.register())["client_secret"] for _ in range(5)}
    assert len(secrets) == 5
    # 256 bits in base64url, without anything that form-urlencoding would change.
    assert all(re.fullmatch(r"dcr_sec_[A-Za-z0-9_-]{43}", secret) for secret in secrets)


async def test_s083_a_secret_says_when_it_expires_and_a_public_client_has_none(
    registrant: Registrant,
) -> None:
    with_secret = (await registrant.register(WEB)).document
    public = (await registrant.register({**WEB, "token_endpoint_auth_method": "none"})).document
    assert with_secret["client_secret_expires_at"] == 0
    assert "client_secret" not in public
    assert "client_secret_expires_at" not in public


async def test_s084_the_time_of_issue_is_in_seconds(registrant: Registrant) -> None:
    client = await registrant.register()
    assert client.document["client_id_issued_at"] == int(registrant.clock())


async def test_s085_all_registered_metadata_comes_back_defaults_included(
    registrant: Registrant,
) -> None:
    client = (await registrant.register({"redirect_uris": ["https://a.example/cb"]})).document
    assert client["token_endpoint_auth_method"] == "client_secret_basic"
    assert client["grant_types"] == ["authorization_code"]
    assert client["response_types"] == ["code"]
    assert None not in client.values()
    assert "" not in client.values()


async def test_s020_unknown_members_are_dropped(registrant: Registrant) -> None:
    client = await registrant.register({**MACHINE, "favourite_colour": "blue"})
    assert "favourite_colour" not in client.document


async def test_s086_management_comes_with_every_registration(registrant: Registrant) -> None:
    client = await registrant.register()
    assert (await registrant.read(client.uri, client.token)).status_code == 200


async def test_s088_urls_come_from_the_issuer_not_from_the_host_header(
    registrant: Registrant,
) -> None:
    response = await registrant.post(MACHINE, Host="evil.example")
    assert response.json()["registration_client_uri"].startswith("https://auth.test/")


async def test_s030_identical_posts_make_two_clients(registrant: Registrant) -> None:
    first, second = await registrant.register(), await registrant.register()
    assert first["client_id"] != second["client_id"]


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"],
)
async def test_s001_json_in_utf8_is_accepted(registrant: Registrant, content_type: str) -> None:
    response = await registrant.post(MACHINE, Content_Type=content_type)
    assert response.status_code == 201


async def test_s005_without_a_token_the_challenge_is_bare(registrant: Registrant) -> None:
    response = await registrant.http.post("/connect/register", json=dict(MACHINE))
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "token", ["unknown", "dcr_iat_unknown", "a.b.c", "dcr_rat_" + "A" * 43, "~"]
)
async def test_s005_an_unknown_token_is_invalid(registrant: Registrant, token: str) -> None:
    response = await registrant.post(token=token)
    assert response.status_code == 401
    assert 'error="invalid_token"' in response.headers["www-authenticate"]


async def test_s005_an_expired_token_is_invalid(registrant: Registrant) -> None:
    token = (await registrant.mint(lifetime=60)).get_secret_value()
    assert (await registrant.post(token=token)).status_code == 201
    registrant.clock.seconds += 60
    assert (await registrant.post(token=token)).status_code == 401


async def test_s006_uses_are_counted_and_s093_refused_requests_cost_none(
    registrant: Registrant,
) -> None:
    token = (await registrant.mint(max_uses=1)).get_secret_value()
    assert (await registrant.post({"grant_types": ["password"]}, token=token)).status_code == 400
    assert (await registrant.post(token=token)).status_code == 201
    assert (await registrant.post(token=token)).status_code == 401


async def test_s005_a_token_in_the_query_is_refused(registrant: Registrant) -> None:
    response = await registrant.http.post(
        f"/connect/register?access_token={registrant.initial_access_token}", json=dict(MACHINE)
    )
    assert response.status_code == 400
    assert response.json()["error"] == "invalid_request"


async def test_s005_two_tokens_are_refused(registrant: Registrant) -> None:
    token = registrant.initial_access_token
    response = await registrant.http.post(
        "/connect/register",
        json=dict(MACHINE),
        headers=[("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {token}")],
    )
    assert response.status_code == 400


async def test_s029_scope_beyond_the_policy_is_dropped_and_the_response_says_so(
    tmp_path: Path,
) -> None:
    policies = {"narrow": EVERYTHING.model_copy(update={"scopes": ("orders.*",)})}
    async with registrant_at(tmp_path, policies=policies) as registrant:
        client = await registrant.register({**MACHINE, "scope": "orders.read admin"})
        assert client["scope"] == "orders.read"


async def test_a_policy_limits_how_many_clients_there_are(tmp_path: Path) -> None:
    policies = {"few": EVERYTHING.model_copy(update={"max_clients": 1})}
    async with registrant_at(tmp_path, policies=policies) as registrant:
        client = await registrant.register()
        refused = await registrant.post()
        assert (refused.status_code, refused.json()["error"]) == (403, "insufficient_scope")
        await registrant.delete(client.uri, client.token)
        await registrant.register()


async def test_s003_a_token_of_a_policy_that_is_gone_lacks_the_right(tmp_path: Path) -> None:
    async with registrant_at(tmp_path, policies={"old": EVERYTHING}) as registrant:
        token = registrant.initial_access_token
    async with registrant_at(tmp_path, policies={"new": Policy()}) as registrant:
        assert (await registrant.post(token=token)).status_code == 403


async def test_s071_a_software_statement_is_ignored(registrant: Registrant) -> None:
    client = await registrant.register({**MACHINE, "software_statement": "e30.e30.e30"})
    assert "software_statement" not in client.document


async def test_s144_the_database_holds_no_credential(
    registrant: Registrant, tmp_path: Path
) -> None:
    client = await registrant.register()
    stored = _all_bytes_in(tmp_path)
    assert client["client_id"].encode() in stored
    for shown in (client["client_secret"], client.token, registrant.initial_access_token):
        assert shown.encode() not in stored


def _all_bytes_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


async def test_a_token_that_was_revoked_a_moment_ago_registers_nothing(
    registrant: Registrant, tmp_path: Path
) -> None:
    await registrant.register()
    with contextlib.closing(sqlite3.connect(tmp_path / "dcr-server.db")) as other:
        other.execute("DELETE FROM initial_access_tokens")
        other.commit()
    assert (await registrant.post()).status_code == 401


async def test_s048_redirect_uris_come_back_byte_for_byte(registrant: Registrant) -> None:
    uris: list[JsonValue] = ["https://shop.example.com/cb?x=%7e", "https://SHOP.example.com:443/cb"]
    client = await registrant.register({**WEB, "redirect_uris": uris})
    assert client.document["redirect_uris"] == uris
    assert (await registrant.read(client.uri, client.token)).json()["redirect_uris"] == uris
