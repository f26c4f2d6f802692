"""Idempotency-Key: a repeated request yields the same client; nothing that may be in use dies."""

import asyncio
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

KEY = "d3b07384-8f1b-4c57-9a44-0c1f2ad1e0a1"
WEB: Mapping[str, JsonValue] = {"redirect_uris": ["https://a.example/cb"]}
PUBLIC: Mapping[str, JsonValue] = {**WEB, "token_endpoint_auth_method": "none"}


async def test_a_repeat_yields_the_same_client_with_fresh_credentials(
    registrant: Registrant,
) -> None:
    first = await registrant.register(Idempotency_Key=KEY)
    again = await registrant.register(Idempotency_Key=KEY)
    assert again["client_id"] == first["client_id"]
    assert again["client_secret"] != first["client_secret"]
    assert again.token != first.token
    assert again["scope"] == first["scope"]


async def test_the_first_use_of_either_token_retires_the_other_pair(
    registrant: Registrant,
) -> None:
    first = await registrant.register(Idempotency_Key=KEY)
    again = await registrant.register(Idempotency_Key=KEY)
    assert (await registrant.read(first.uri, first.token)).status_code == 200
    assert (await registrant.read(first.uri, again.token)).status_code == 401
    assert (await registrant.get_token(first.basic)).status_code == 200
    assert (await registrant.get_token(again.basic)).status_code == 401


async def test_the_first_use_of_either_secret_retires_the_other_pair(
    registrant: Registrant,
) -> None:
    first = await registrant.register(Idempotency_Key=KEY)
    again = await registrant.register(Idempotency_Key=KEY)
    assert (await registrant.get_token(again.basic)).status_code == 200
    assert (await registrant.get_token(first.basic)).status_code == 401
    assert (await registrant.read(first.uri, first.token)).status_code == 401
    assert (await registrant.read(first.uri, again.token)).status_code == 200


async def test_a_deletion_needs_any_of_the_tokens(registrant: Registrant) -> None:
    first = await registrant.register(Idempotency_Key=KEY)
    await registrant.register(Idempotency_Key=KEY)
    assert (await registrant.delete(first.uri, first.token)).status_code == 204


async def test_another_body_is_422(registrant: Registrant) -> None:
    await registrant.register(Idempotency_Key=KEY)
    response = await registrant.post({**MACHINE, "scope": "a"}, Idempotency_Key=KEY)
    assert (response.status_code, response.json()["error"]) == (422, "invalid_request")


async def test_a_replay_costs_no_use_and_works_with_a_spent_token(registrant: Registrant) -> None:
    token = (await registrant.mint(max_uses=1)).get_secret_value()
    first = await registrant.post(token=token, Idempotency_Key=KEY)
    again = await registrant.post(token=token, Idempotency_Key=KEY)
    assert first.json()["client_id"] == again.json()["client_id"]
    assert (await registrant.post(token=token, Idempotency_Key="other")).status_code == 401
    assert (await registrant.post(token=token)).status_code == 401


async def test_an_expired_token_replays_nothing(registrant: Registrant) -> None:
    token = (await registrant.mint(lifetime=60)).get_secret_value()
    await registrant.post(token=token, Idempotency_Key=KEY)
    registrant.clock.seconds += 60
    assert (await registrant.post(token=token, Idempotency_Key=KEY)).status_code == 401


async def test_another_token_of_the_same_subject_replays(registrant: Registrant) -> None:
    tokens = [(await registrant.mint(subject="operator")).get_secret_value() for _ in range(2)]
    first, again = [await registrant.post(token=t, Idempotency_Key=KEY) for t in tokens]
    assert first.json()["client_id"] == again.json()["client_id"]


async def test_another_subject_has_keys_of_its_own(registrant: Registrant) -> None:
    tokens = [(await registrant.mint(subject=name)).get_secret_value() for name in ("a", "b")]
    first, other = [await registrant.post(token=t, Idempotency_Key=KEY) for t in tokens]
    assert first.json()["client_id"] != other.json()["client_id"]


async def test_concurrent_repeats_make_one_client(registrant: Registrant) -> None:
    responses = await asyncio.gather(*(registrant.register(Idempotency_Key=KEY) for _ in range(12)))
    assert len({response["client_id"] for response in responses}) == 1
    # Whichever of them was received works.
    assert (await registrant.read(responses[0].uri, responses[7].token)).status_code == 200


async def test_a_key_lives_as_long_as_its_client(tmp_path: Path) -> None:
    async with registrant_at(tmp_path) as registrant:
        first = await registrant.register(Idempotency_Key=KEY)
        token = registrant.initial_access_token
    async with registrant_at(tmp_path) as registrant:
        registrant.clock.seconds += 5 * 365 * 86400
        again = await registrant.post(token=token, Idempotency_Key=KEY)
        assert again.json()["client_id"] == first["client_id"]


async def test_after_a_deletion_a_late_repeat_makes_no_second_client_for_a_day(
    registrant: Registrant,
) -> None:
    client = await registrant.register(Idempotency_Key=KEY)
    await registrant.delete(client.uri, client.token)
    assert (await registrant.post(Idempotency_Key=KEY)).status_code == 409
    registrant.clock.seconds += 86400
    assert (await registrant.post(Idempotency_Key=KEY)).status_code == 201


async def test_a_repeated_update_yields_the_same_update_with_a_fresh_token(
    registrant: Registrant,
) -> None:
    client = await registrant.register()
    body = {**MACHINE, "scope": "a"}
    lost = await registrant.put(client, body, Idempotency_Key=KEY)
    seen = await registrant.put(client, body, Idempotency_Key=KEY)
    assert seen.json()["scope"] == "a"
    assert seen.json()["registration_access_token"] != lost.json()["registration_access_token"]
    read = await registrant.read(client.uri, seen.json()["registration_access_token"])
    assert read.status_code == 200


async def test_a_repeated_update_does_not_undo_a_later_one(registrant: Registrant) -> None:
    client = await registrant.register()
    first = {**MACHINE, "scope": "a"}
    await registrant.put(client, first, Idempotency_Key=KEY)
    await registrant.put(client, {**MACHINE, "scope": "b"})
    late = await registrant.put(client, first, Idempotency_Key=KEY)
    assert late.json()["scope"] == "b"


async def test_an_update_with_another_body_is_422(registrant: Registrant) -> None:
    client = await registrant.register()
    await registrant.put(client, Idempotency_Key=KEY)
    response = await registrant.put(client, {**MACHINE, "scope": "a"}, Idempotency_Key=KEY)
    assert response.status_code == 422


async def test_a_lost_secret_of_an_update_comes_with_the_repeat(registrant: Registrant) -> None:
    public = await registrant.register(PUBLIC)
    lost = (await registrant.put(public, WEB, Idempotency_Key=KEY)).json()
    seen = Registered((await registrant.put(public, WEB, Idempotency_Key=KEY)).json())
    assert seen["client_secret"] != lost["client_secret"]


async def test_a_late_repeat_of_an_update_that_ended_the_secret_leaves_a_later_one_alone(
    registrant: Registrant,
) -> None:
    client = await registrant.register(WEB)
    public = Registered((await registrant.put(client, PUBLIC, Idempotency_Key=KEY)).json())
    machine = Registered((await registrant.put(client, MACHINE, token=public.token)).json())
    late = await registrant.put(client, PUBLIC, token=machine.token, Idempotency_Key=KEY)
    assert late.json()["token_endpoint_auth_method"] == "client_secret_basic"
    assert (await registrant.get_token(machine.basic)).status_code == 200


async def test_a_late_repeat_of_an_update_that_issued_a_secret_issues_none_to_a_public_client(
    registrant: Registrant,
) -> None:
    client = await registrant.register(PUBLIC)
    basic = Registered((await registrant.put(client, WEB, Idempotency_Key=KEY)).json())
    public = Registered((await registrant.put(client, PUBLIC, token=basic.token)).json())
    late = (await registrant.put(client, WEB, token=public.token, Idempotency_Key=KEY)).json()
    assert late["token_endpoint_auth_method"] == "none"
    assert "client_secret" not in late
    assert "client_secret_expires_at" not in late


async def test_a_late_repeat_of_a_registration_comes_with_a_secret_when_one_is_needed_now(
    registrant: Registrant,
) -> None:
    public = await registrant.register(PUBLIC, Idempotency_Key=KEY)
    machine = Registered((await registrant.put(public, MACHINE)).json())
    late = await registrant.register(PUBLIC, Idempotency_Key=KEY)
    assert late["token_endpoint_auth_method"] == "client_secret_basic"
    assert (await registrant.get_token(late.basic)).status_code == 200
    # The first use of either pair retires the other.
    assert (await registrant.get_token(machine.basic)).status_code == 401


async def test_a_late_repeat_of_a_registration_has_no_secret_when_none_is_needed_any_more(
    registrant: Registrant,
) -> None:
    client = await registrant.register(WEB, Idempotency_Key=KEY)
    await registrant.put(client, PUBLIC)
    assert "client_secret" not in (await registrant.register(WEB, Idempotency_Key=KEY)).document


async def test_a_hundred_lost_answers_do_not_lock_the_client_out(registrant: Registrant) -> None:
    client = await registrant.register(Idempotency_Key=KEY)
    for _ in range(50):
        assert (await registrant.put(client)).status_code == 200
        await registrant.post(Idempotency_Key=KEY)
    assert (await registrant.read(client.uri, client.token)).status_code == 200
    assert (await registrant.get_token(client.basic)).status_code == 200


async def test_a_policy_that_was_narrowed_does_not_stand_in_the_way_of_a_repeat(
    tmp_path: Path,
) -> None:
    async with registrant_at(tmp_path) as registrant:
        client = await registrant.register(Idempotency_Key=KEY)
        updated = Registered((await registrant.put(client, Idempotency_Key="update")).json())
        token = registrant.initial_access_token
    async with registrant_at(tmp_path, policies={"default": Policy()}) as registrant:
        again = await registrant.post(token=token, Idempotency_Key=KEY)
        assert again.json()["client_id"] == client["client_id"]
        once_more = await registrant.put(updated, Idempotency_Key="update")
        assert once_more.status_code == 200
        assert (await registrant.post(token=token, Idempotency_Key="new")).status_code == 400
        assert (await registrant.put(updated, Idempotency_Key="new")).status_code == 400


async def test_keys_of_one_subject_under_two_policies_are_apart(tmp_path: Path) -> None:
    policies = {"one": EVERYTHING, "other": EVERYTHING}
    async with registrant_at(tmp_path, policies=policies) as registrant:
        tokens = [
            (await registrant.mint(name, subject="s")).get_secret_value() for name in policies
        ]
        first, other = [await registrant.post(token=t, Idempotency_Key=KEY) for t in tokens]
        assert first.json()["client_id"] != other.json()["client_id"]


async def test_a_key_that_is_none_is_refused(registrant: Registrant) -> None:
    for key in ("", "x" * 256, "a\tb"):
        assert (await registrant.post(Idempotency_Key=key)).status_code == 400
