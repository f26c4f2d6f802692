"""The extension POST /connect/register/{client_id}/secret, and secrets that expire."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from dcr_protocol.json_document import JsonValue
from tests.unit.server.registrant import (
    EVERYTHING,
    MACHINE,
    Registered,
    Registrant,
    bearer,
    registrant_at,
)

pytestmark = pytest.mark.both_databases

LIFETIME = 90


@pytest_asyncio.fixture
async def expiring(tmp_path: Path) -> AsyncIterator[Registrant]:
    policy = EVERYTHING.model_copy(update={"secret_lifetime": LIFETIME})
    async with registrant_at(tmp_path, policies={"default": policy}) as registrant:
        yield registrant


async def ask(
    registrant: Registrant,
    client: Registered,
    body: dict[str, JsonValue] | None = None,
    *,
    token: str | None = None,
    key: str = "",
) -> httpx.Response:
    headers = bearer(token or client.token) | ({"Idempotency-Key": key} if key else {})
    return await registrant.http.post(f"{client.uri}/secret", json=body, headers=headers)


async def rotate(
    registrant: Registrant, client: Registered, body: dict[str, JsonValue] | None = None
) -> Registered:
    response = await ask(registrant, client, body)
    assert response.status_code == 200, response.text
    return Registered(response.json())


async def accepted(registrant: Registrant, *clients: Registered) -> list[bool]:
    answers = [await registrant.get_token(client.basic) for client in clients]
    assert {answer.status_code for answer in answers} <= {200, 401}
    return [answer.status_code == 200 for answer in answers]


async def test_s142_a_rotation_answers_like_an_update(registrant: Registrant) -> None:
    client = await registrant.register()
    rotated = await rotate(registrant, client)
    changed = {"client_secret", "registration_access_token"}
    for member, value in client.document.items():
        assert (rotated.document[member] == value) == (member not in changed)
    assert await accepted(registrant, rotated) == [True]


async def test_without_overlap_the_secret_before_ends_with_the_first_use(
    registrant: Registrant,
) -> None:
    client = await registrant.register()
    rotated = await rotate(registrant, client)
    assert await accepted(registrant, client, rotated, client) == [True, True, False]


@pytest.mark.parametrize(
    ("overlap", "later", "before"),
    [
        pytest.param(60, 0, True, id="at once both are good"),
        pytest.param(60, 59, True, id="to the end of the overlap"),
        pytest.param(60, 60, False, id="and no longer"),
        pytest.param(0, 0, False, id="none at all for a secret that leaked"),
    ],
)
@pytest.mark.parametrize("new_is_used", [False, True])
async def test_an_overlap_ends_when_it_was_said_to(
    registrant: Registrant, *, overlap: int, later: int, before: bool, new_is_used: bool
) -> None:
    client = await registrant.register()
    rotated = await rotate(registrant, client, {"overlap": overlap})
    if new_is_used:
        assert await accepted(registrant, rotated) == [True]
        assert (await registrant.read(rotated.uri, rotated.token)).status_code == 200
    registrant.clock.seconds += later
    assert await accepted(registrant, client, rotated) == [before, True]


async def test_two_rotations_within_their_overlaps_keep_three_secrets(
    registrant: Registrant,
) -> None:
    first = await registrant.register()
    second = await rotate(registrant, first, {"overlap": 60})
    registrant.clock.seconds += 30
    third = await rotate(registrant, second, {"overlap": 60})
    assert await accepted(registrant, first, second, third) == [True, True, True]
    registrant.clock.seconds += 30
    assert await accepted(registrant, first, second, third) == [False, True, True]
    registrant.clock.seconds += 30
    assert await accepted(registrant, first, second, third) == [False, False, True]


async def test_a_rotation_without_overlap_ends_every_secret_before(
    registrant: Registrant,
) -> None:
    first = await registrant.register()
    second = await rotate(registrant, first, {"overlap": 3600})
    third = await rotate(registrant, second, {"overlap": 0})
    assert await accepted(registrant, first, second, third) == [False, False, True]


async def test_a_rotation_without_overlap_ends_a_secret_whose_answer_was_lost(
    registrant: Registrant,
) -> None:
    client = await registrant.register()
    lost = await rotate(registrant, client)
    rotated = await rotate(registrant, client, {"overlap": 0})
    assert await accepted(registrant, client, lost, rotated) == [False, False, True]


async def test_a_lost_answer_is_asked_for_again(registrant: Registrant) -> None:
    client = await registrant.register()
    lost = Registered((await ask(registrant, client, {"overlap": 60}, key="k")).json())
    registrant.clock.seconds += 40
    again = Registered((await ask(registrant, client, {"overlap": 60}, key="k")).json())
    assert lost["client_secret"] != again["client_secret"]
    # The overlap is that of the first request.
    registrant.clock.seconds += 20
    assert await accepted(registrant, client, again, lost) == [False, True, False]


async def test_an_update_after_a_lost_rotation_issues_a_secret(registrant: Registrant) -> None:
    client = await registrant.register()
    await ask(registrant, client, {"overlap": 0})
    updated = Registered((await registrant.put(client)).json())
    assert await accepted(registrant, updated) == [True]


async def test_the_same_key_with_another_body_is_refused(registrant: Registrant) -> None:
    client = await registrant.register()
    await ask(registrant, client, {"overlap": 60}, key="k")
    assert (await ask(registrant, client, {"overlap": 61}, key="k")).status_code == 422


@pytest.mark.parametrize(
    "overlap", [-1, True, 1.5, "60", [], 90 * 86400 + 1, 10**30], ids=lambda value: str(value)[:9]
)
async def test_a_bad_overlap_changes_nothing(registrant: Registrant, overlap: JsonValue) -> None:
    client = await registrant.register()
    response = await ask(registrant, client, {"overlap": overlap})
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert (await registrant.read(client.uri, client.token)).json()["client_id"]
    assert await accepted(registrant, client) == [True]


@pytest.mark.parametrize("content", [b"[]", b"null", b"{", b'{"overlap":1,"overlap":2}'])
async def test_a_body_that_is_no_object_is_refused(registrant: Registrant, content: bytes) -> None:
    client = await registrant.register()
    headers = {**bearer(client.token), "Content-Type": "application/json"}
    response = await registrant.http.post(f"{client.uri}/secret", content=content, headers=headers)
    assert response.status_code == 400


async def test_a_body_of_no_type_is_refused(registrant: Registrant) -> None:
    client = await registrant.register()
    response = await registrant.http.post(
        f"{client.uri}/secret", content=b"{}", headers=bearer(client.token)
    )
    assert response.status_code == 415


async def test_a_public_client_has_no_secret_to_rotate(registrant: Registrant) -> None:
    public: dict[str, JsonValue] = {
        "token_endpoint_auth_method": "none",
        "redirect_uris": ["https://app.example.com/callback"],
    }
    client = await registrant.register(public)
    response = await ask(registrant, client)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert "none" in response.json()["error_description"]


async def test_s103_a_policy_that_is_gone_rotates_nothing(tmp_path: Path) -> None:
    async with registrant_at(tmp_path) as registrant:
        client = await registrant.register()
        assert (await ask(registrant, client, key="once")).status_code == 200
        assert (await registrant.put(client, idempotency_key="once")).status_code == 200
    async with registrant_at(tmp_path, policies={}) as registrant:
        assert (await ask(registrant, client)).status_code == 403
        # A repeat would issue a secret of which nobody says how long it lives.
        assert (await ask(registrant, client, key="once")).status_code == 403
        assert (await registrant.put(client, idempotency_key="once")).status_code == 403


@pytest.mark.parametrize("which", ["unknown token", "another client's", "initial access token"])
async def test_s100_only_the_clients_own_token_rotates(registrant: Registrant, which: str) -> None:
    client, other = await registrant.register(), await registrant.register()
    token = {
        "unknown token": "dcr_rat_guess",
        "another client's": other.token,
        "initial access token": registrant.initial_access_token,
    }[which]
    assert (await ask(registrant, client, token=token)).status_code == 401
    assert await accepted(registrant, client) == [True]


async def test_s083_the_answer_says_when_the_secret_expires(expiring: Registrant) -> None:
    client = await expiring.register()
    issued = int(expiring.clock())
    assert client.document["client_secret_expires_at"] == issued + LIFETIME
    expiring.clock.seconds += 10
    rotated = await rotate(expiring, client, {"overlap": 20})
    assert rotated.document["client_secret_expires_at"] == issued + 10 + LIFETIME
    read = await expiring.read(rotated.uri, rotated.token)
    assert read.json()["client_secret_expires_at"] == issued + 10 + LIFETIME


async def test_an_overlap_prolongs_no_secret(expiring: Registrant) -> None:
    client = await expiring.register()
    expiring.clock.seconds += LIFETIME - 1
    rotated = await rotate(expiring, client, {"overlap": 60})
    assert await accepted(expiring, client, rotated) == [True, True]
    expiring.clock.seconds += 1
    assert await accepted(expiring, client, rotated) == [False, True]


@pytest.mark.parametrize(
    ("age", "renewed", "before"),
    [
        pytest.param(LIFETIME * 2 // 3 - 1, False, True, id="too early"),
        pytest.param(LIFETIME * 2 // 3, True, True, id="in the last third, both are good"),
        pytest.param(LIFETIME + 5, True, False, id="after its end"),
    ],
)
async def test_s142_an_update_in_time_renews_a_secret_that_expires(
    expiring: Registrant, *, age: int, renewed: bool, before: bool
) -> None:
    client = await expiring.register()
    expiring.clock.seconds += age
    updated = Registered((await expiring.put(client)).json())
    assert ("client_secret" in updated.document) == renewed
    assert await accepted(expiring, client) == [before]
    if renewed:
        assert await accepted(expiring, updated, client) == [True, before]
        ends = int(expiring.clock()) + LIFETIME
        assert updated.document["client_secret_expires_at"] == ends


async def test_s143_with_an_expired_secret_the_client_still_manages_itself(
    expiring: Registrant,
) -> None:
    client = await expiring.register()
    expiring.clock.seconds += LIFETIME
    assert await accepted(expiring, client) == [False]
    assert (await expiring.read(client.uri, client.token)).status_code == 200
    assert await accepted(expiring, await rotate(expiring, client)) == [True]


async def test_an_update_to_a_method_without_secret_ends_the_overlap(
    registrant: Registrant,
) -> None:
    client = await registrant.register()
    rotated = await rotate(registrant, client, {"overlap": 600})
    public: dict[str, JsonValue] = {
        "token_endpoint_auth_method": "none",
        "redirect_uris": ["https://app.example.com/callback"],
    }
    public_client = Registered((await registrant.put(rotated, public)).json())
    back = Registered((await registrant.put(public_client, MACHINE)).json())
    assert await accepted(registrant, client, rotated, back) == [False, False, True]


@pytest.mark.parametrize("member", ["client_lifetime", "unused_client_lifetime"])
async def test_a_client_beyond_its_lifetime_is_unknown(tmp_path: Path, member: str) -> None:
    policy = EVERYTHING.model_copy(update={member: 60})
    async with registrant_at(tmp_path, policies={"default": policy}) as registrant:
        client = await registrant.register()
        registrant.clock.seconds += 59
        assert (await registrant.read(client.uri, client.token)).status_code == 200
        registrant.clock.seconds += 1
        assert (await registrant.read(client.uri, client.token)).status_code == 401
        assert (await registrant.put(client)).status_code == 401
        assert (await ask(registrant, client)).status_code == 401
        assert await accepted(registrant, client) == [False]


async def test_a_client_that_authenticated_is_not_unused(tmp_path: Path) -> None:
    policy = EVERYTHING.model_copy(update={"unused_client_lifetime": 60})
    async with registrant_at(tmp_path, policies={"default": policy}) as registrant:
        client = await registrant.register()
        assert await accepted(registrant, client) == [True]
        registrant.clock.seconds += 600
        assert await accepted(registrant, client) == [True]


async def test_s112_whoever_lost_the_answer_reads_when_the_secret_before_ends(
    registrant: Registrant,
) -> None:
    client = await registrant.register()
    started = int(registrant.clock())
    await rotate(registrant, client, {"overlap": 600})
    read = (await registrant.read(client.uri, client.token)).json()
    assert read["client_secret_expires_at"] == started + 600
    # The last of several, too; and what has ended is not said to last for ever.
    registrant.clock.seconds += 601
    await rotate(registrant, client, {"overlap": 600})
    read = (await registrant.read(client.uri, client.token)).json()
    assert "client_secret_expires_at" not in read
    assert await accepted(registrant, client) == [False]
