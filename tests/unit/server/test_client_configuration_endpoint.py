"""RFC 7592 §2: read, update, delete, and the tokens that allow it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from dcr_protocol.json_document import JsonValue
from dcr_server.policies import Policy
from tests.unit.server.registrant import (
    EVERYTHING,
    MACHINE,
    Registered,
    Registrant,
    registrant_at,
)

pytestmark = pytest.mark.both_databases


async def test_s110_s112_a_read_returns_all_but_the_secret_and_the_token_presented(
    registrant: Registrant,
) -> None:
    client = await registrant.register()
    response = await registrant.read(client.uri, client.token)
    assert response.status_code == 200
    # S-112: only the hash of the secret is stored.
    assert response.json() == {k: v for k, v in client.document.items() if k != "client_secret"}


async def test_s111_reading_rotates_nothing(registrant: Registrant) -> None:
    client = await registrant.register()
    for _ in range(3):
        assert (await registrant.read(client.uri, client.token)).status_code == 200


async def test_s100_an_initial_access_token_does_not_manage(registrant: Registrant) -> None:
    client = await registrant.register()
    response = await registrant.read(client.uri, registrant.initial_access_token)
    assert response.status_code == 401


async def test_s101_a_wrong_token_is_invalid_and_s105_challenged(registrant: Registrant) -> None:
    client = await registrant.register()
    response = await registrant.read(client.uri, "dcr_rat_wrong")
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer error=")


async def test_s102_an_unknown_client_looks_like_a_wrong_token(registrant: Registrant) -> None:
    client = await registrant.register()
    unknown = await registrant.read(f"{client.uri}0", client.token)
    wrong = await registrant.read(client.uri, "dcr_rat_wrong")
    assert (unknown.status_code, unknown.content) == (401, wrong.content)


async def test_s104_a_token_used_at_another_client_stays_valid(registrant: Registrant) -> None:
    mine, other = await registrant.register(), await registrant.register()
    assert (await registrant.read(other.uri, mine.token)).status_code == 401
    assert (await registrant.read(mine.uri, mine.token)).status_code == 200


async def test_s103_an_update_under_a_policy_that_is_gone_is_forbidden(tmp_path: Path) -> None:
    async with registrant_at(tmp_path, policies={"old": EVERYTHING}) as registrant:
        client = await registrant.register()
    async with registrant_at(tmp_path, policies={"new": Policy()}) as registrant:
        assert (await registrant.put(client)).status_code == 403
        assert (await registrant.read(client.uri, client.token)).status_code == 200
        assert (await registrant.delete(client.uri, client.token)).status_code == 204


async def test_the_policy_that_admitted_a_client_governs_its_updates(tmp_path: Path) -> None:
    policies = {"narrow": EVERYTHING.model_copy(update={"scopes": ("a", "b")})}
    async with registrant_at(tmp_path, policies=policies) as registrant:
        client = await registrant.register()
        response = await registrant.put(client, {**MACHINE, "scope": "admin"})
        assert response.json()["error"] == "invalid_client_metadata"


async def test_s121_an_update_replaces_everything(registrant: Registrant) -> None:
    client = await registrant.register({**MACHINE, "client_name": "old", "contacts": ["a"]})
    updated = (await registrant.put(client, {**MACHINE, "client_name": "new"})).json()
    assert updated["client_name"] == "new"
    assert "contacts" not in updated
    read = await registrant.read(client.uri, updated["registration_access_token"])
    assert read.json() == updated


async def test_s087_the_uri_stays_the_same(registrant: Registrant) -> None:
    client = await registrant.register()
    assert (await registrant.put(client)).json()["registration_client_uri"] == client.uri


@pytest.mark.parametrize(
    ("body", "error"),
    [
        pytest.param({"registration_access_token": "x"}, "invalid_request", id="S-122 the token"),
        pytest.param({"registration_client_uri": "x"}, "invalid_request", id="S-122 the URI"),
        pytest.param({"client_secret_expires_at": 0}, "invalid_request", id="S-122 the expiry"),
        pytest.param({"client_id_issued_at": 0}, "invalid_request", id="S-122 the time of issue"),
        pytest.param({"client_id": "other"}, "invalid_request", id="S-123 another client_id"),
        pytest.param({"client_secret": "chosen"}, "invalid_request", id="S-124 another secret"),
        pytest.param({"client_secret": None}, "invalid_request", id="S-124 null is no secret"),
        pytest.param({"grant_types": 1}, "invalid_client_metadata", id="S-126 a wrong type"),
    ],
)
async def test_s122_s123_s124_s126_a_refused_update_changes_nothing(
    registrant: Registrant, body: Mapping[str, JsonValue], error: str
) -> None:
    client = await registrant.register()
    response = await registrant.put(client, {**MACHINE, **body})
    assert (response.status_code, response.json()["error"]) == (400, error)
    # S-126: the registration stays in force, the token is unchanged.
    read = (await registrant.read(client.uri, client.token)).json()
    assert read["scope"] == client["scope"]


async def test_s123_client_id_must_be_there(registrant: Registrant) -> None:
    client = await registrant.register()
    response = await registrant.http.put(
        client.uri, json=dict(MACHINE), headers={"Authorization": f"Bearer {client.token}"}
    )
    assert response.json()["error"] == "invalid_request"


async def test_s124_the_current_secret_may_be_repeated(registrant: Registrant) -> None:
    client = await registrant.register()
    body = {**MACHINE, "client_secret": client["client_secret"]}
    assert (await registrant.put(client, body)).status_code == 200


async def test_s127_an_update_rotates_the_token_and_keeps_the_secret(
    registrant: Registrant,
) -> None:
    client = await registrant.register()
    updated = (await registrant.put(client)).json()
    assert updated["registration_access_token"] != client.token
    assert "client_secret" not in updated
    assert (await registrant.get_token(client.basic)).status_code == 200


async def test_s127_a_secret_is_issued_when_it_becomes_necessary_and_dropped_when_not(
    registrant: Registrant,
) -> None:
    web: dict[str, JsonValue] = {"redirect_uris": ["https://a.example/cb"]}
    public = await registrant.register({**web, "token_endpoint_auth_method": "none"})
    updated = Registered((await registrant.put(public, web)).json())
    assert updated.document["client_secret"]
    assert updated.document["client_secret_expires_at"] == 0
    again = (await registrant.put(updated, {**web, "token_endpoint_auth_method": "none"})).json()
    assert "client_secret" not in again
    assert "client_secret_expires_at" not in again


async def test_s128_s141_the_token_before_serves_until_the_new_one_is_used(
    registrant: Registrant,
) -> None:
    client = await registrant.register()
    new = (await registrant.put(client)).json()["registration_access_token"]
    registrant.clock.seconds += 10 * 365 * 86400
    assert (await registrant.read(client.uri, client.token)).status_code == 200
    assert (await registrant.read(client.uri, new)).status_code == 200
    # S-141
    assert (await registrant.read(client.uri, client.token)).status_code == 401


async def test_s128_a_lost_response_can_be_asked_for_again(registrant: Registrant) -> None:
    client = await registrant.register()
    lost = (await registrant.put(client)).json()["registration_access_token"]
    seen = (await registrant.put(client)).json()["registration_access_token"]
    assert (await registrant.read(client.uri, seen)).status_code == 200
    assert (await registrant.read(client.uri, lost)).status_code == 401


async def test_s130_a_deletion_answers_204_without_a_body(registrant: Registrant) -> None:
    client = await registrant.register()
    response = await registrant.delete(client.uri, client.token)
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["cache-control"] == "no-store"


async def test_s131_a_deletion_invalidates_client_secret_and_token(
    registrant: Registrant,
) -> None:
    client = await registrant.register()
    await registrant.delete(client.uri, client.token)
    assert (await registrant.read(client.uri, client.token)).status_code == 401
    assert (await registrant.delete(client.uri, client.token)).status_code == 401
    token = await registrant.get_token(client.basic)
    assert (token.status_code, token.json()["error"]) == (401, "invalid_client")


async def test_s010_a_method_that_is_not_there_is_405_with_all_that_are(
    registrant: Registrant,
) -> None:
    client = await registrant.register()
    response = await registrant.http.patch(client.uri)
    assert response.status_code == 405
    allowed = {method.strip() for method in response.headers["allow"].split(",")}
    assert allowed == {"GET", "HEAD", "PUT", "DELETE"}


async def test_s011_options_asks_for_no_token(registrant: Registrant) -> None:
    response = await registrant.http.options("/connect/register")
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
