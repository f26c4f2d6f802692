"""Whole passes where it is not known what became of a client: nothing is lost without a trace."""

from dataclasses import dataclass

import pytest

from dcr_operator.kube import CLUSTER_OAUTH_PROVIDERS, SECRETS
from dcr_operator.outcomes import (
    CannotTell,
    Malformed,
    Outcome,
    ProbeOutcome,
    RateLimited,
    Refused,
)
from dcr_operator.record import record_name
from tests.fakes.faults import Fault, FaultAt
from tests.fakes.operator_world import (
    METADATA,
    RESYNC,
    SYSTEM,
    World,
    document,
    new_world,
    provider_spec,
    ready_world,
)
from tests.fakes.provider import FakeProvider

BY_POST = {**METADATA, "tokenEndpointAuthMethod": "client_secret_post"}


async def lost_change_of_method(**spec: object) -> World:
    world = await ready_world(FakeProvider(), **spec)
    world.set_client(clientMetadata=BY_POST)
    assert await world.run_pass_with(FaultAt(Fault.CRASH_AFTER, "provider update"))
    world.restart()
    world.events.seen.clear()
    return world


async def test_credentials_that_a_lost_update_may_have_changed_prove_nothing() -> None:
    world = await lost_change_of_method()
    for _ in range(3):
        await world.run_pass()
    assert world.condition() == ("False", "RegistrationAccessTokenRejected")
    assert list(world.provider.clients) == ["client-1"]
    assert "ClientVanished" not in world.events.reasons


async def test_the_client_of_a_lost_update_is_on_record_when_another_takes_its_place() -> None:
    world = await lost_change_of_method(onLostRegistrationAccessToken="Reregister")
    await world.settle()
    assert world.condition() == ("True", "Ready")
    assert [orphan.client_id for orphan in world.record.orphans] == ["client-1"]


async def test_deletion_after_a_lost_update_does_not_take_the_client_for_gone() -> None:
    world = await lost_change_of_method()
    world.delete_client()
    for _ in range(3):
        await world.run_pass()
    assert world.condition() == ("False", "DeletionBlocked")
    assert world.wire.writes == []


async def test_deletion_after_a_lost_token_and_a_crash_does_not_take_the_client_for_gone() -> None:
    world = await ready_world()
    world.provider.clients["client-1"].tokens = ["reset"]
    world.delete_client()
    assert await world.run_pass_with(FaultAt(Fault.CRASH_AFTER, "provider delete"))
    world.restart()
    for _ in range(3):
        await world.run_pass()
    assert world.condition() == ("False", "DeletionBlocked")
    assert list(world.provider.clients) == ["client-1"]


def _renew_provider(world: World) -> None:
    world.cluster.delete(CLUSTER_OAUTH_PROVIDERS, "", "main")
    spec = provider_spec(issuer="https://other.example.com")
    body = document(CLUSTER_OAUTH_PROVIDERS, "", "main", spec=spec)
    world.cluster.create(CLUSTER_OAUTH_PROVIDERS, body)


async def test_deletion_goes_to_the_issuer_on_record_whoever_has_its_name_now() -> None:
    world = await ready_world()
    _renew_provider(world)
    world.delete_client()
    await world.settle()
    assert (world.client, world.provider.clients) == (None, {})


async def test_an_open_registration_is_never_repeated_at_another_issuer() -> None:
    world = new_world(FakeProvider(idempotent=True))
    await world.run_pass_with(FaultAt(Fault.CRASH_AFTER, "provider register"))
    world.restart()
    _renew_provider(world)
    world.delete_client()
    await world.run_pass()
    assert world.wire.requests == []
    assert world.client is None
    assert len(world.record.orphans) == 1


def _lose_record(world: World) -> None:
    world.cluster.delete(SECRETS, SYSTEM, record_name(world.uid))


async def test_a_missing_record_is_no_reason_for_a_second_client() -> None:
    world = await ready_world()
    before, kept = world.secret(), world.cluster.need(SECRETS, SYSTEM, record_name(world.uid))
    _lose_record(world)
    for _ in range(3):
        await world.settle()
    assert world.condition() == ("False", "RecordMissing")
    assert world.status["clientId"] == "client-1"
    assert list(world.provider.clients) == ["client-1"]
    assert world.secret() == before
    assert f"{SYSTEM}/{record_name(world.uid)}" in world.events.seen[-1][2]
    world.cluster.create(SECRETS, kept)
    await world.settle()
    assert world.condition() == ("True", "Ready")


async def test_deleting_without_the_record_names_the_client_that_is_left() -> None:
    world = await ready_world()
    _lose_record(world)
    world.events.seen.clear()
    world.delete_client()
    await world.run_pass()
    assert world.client is None
    ((_, reason, message),) = world.events.seen
    assert reason == "RecordMissing"
    assert "client-1" in message


async def test_a_crash_after_the_record_went_accuses_nobody() -> None:
    world = await ready_world()
    world.delete_client()
    assert await world.run_pass_with(FaultAt(Fault.CRASH_BEFORE, "json_patch oauthclients"))
    world.restart()
    world.events.seen.clear()
    await world.run_pass()
    assert world.client is None
    ((_, _, message),) = world.events.seen
    assert "unless this deletion has unregistered it already" in message


@dataclass(slots=True)
class Unreadable(FakeProvider):
    def _register(self, body: bytes, token: str | None, key: str) -> Outcome:
        FakeProvider._register(self, body, token, key)
        return Malformed("a success without a JSON object", may_have_arrived=True)


async def test_a_success_that_cannot_be_read_is_not_asked_for_again() -> None:
    world = new_world(Unreadable())
    for _ in range(6):
        await world.run_pass()
        world.advance(RESYNC)
    assert world.condition() == ("False", "CreationOutcomeUnknown")
    assert len(world.provider.clients) == 1
    assert (world.wire.writes, world.wire.requests) == ([], [])
    world.delete_client()
    await world.run_pass()
    assert len(world.record.orphans) == 1


async def test_registrations_without_an_answer_come_ever_less_often_until_one_is_answered() -> None:
    world = new_world()
    tries = []
    for minute in range(140):
        await world.run_pass_with(FaultAt(Fault.ANSWER_LOST, "provider register"))
        tries += [minute for call in world.wire.requests if call == "provider register"]
        world.advance(60)
    assert tries == [0, 1, 2, 12, 72, 132]
    assert world.condition() == ("False", "CreationOutcomeUnknown")
    assert len(world.record.orphans) == len(world.provider.clients) - 1
    world.advance(3600)
    await world.settle()
    assert world.condition() == ("True", "Ready")


async def test_a_registration_without_an_answer_is_followed_by_one_that_is_counted() -> None:
    world = new_world()
    await world.run_pass_with(FaultAt(Fault.ANSWER_LOST, "provider register"))
    await world.settle()
    assert world.condition() == ("True", "Ready")
    assert (world.record.unanswered, len(world.record.orphans)) == (0, 1)


REFUSAL = Refused(400, "invalid_redirect_uri", "no")


async def quiet(world: World, passes: int) -> bool:
    calls = []
    for _ in range(passes):
        await world.run_pass()
        calls += world.wire.writes + world.wire.requests
        world.advance(300)
    return not calls


async def test_a_refused_registration_is_not_sent_again_before_the_resync() -> None:
    world = new_world(FakeProvider(refuses=REFUSAL))
    await world.run_pass()
    assert await quiet(world, 10)
    world.advance(RESYNC)
    world.provider.refuses = None
    await world.settle()
    assert world.condition() == ("True", "Ready")


@pytest.mark.parametrize("change", ["spec", "provider"])
async def test_a_change_lifts_a_refusal(change: str) -> None:
    world = new_world(FakeProvider(refuses=REFUSAL))
    await world.run_pass()
    world.provider.refuses = None
    if change == "spec":
        world.set_client(clientMetadata={**METADATA, "clientName": "Other"})
    else:
        world.set_provider(allowedOrigins=["https://more.example.com"])
    await world.run_pass()
    assert world.condition() == ("True", "Ready")


async def test_a_refusal_that_is_not_about_the_metadata_is_not_remembered() -> None:
    world = new_world(FakeProvider(refuses=Refused(403, "insufficient_scope", "no")))
    await world.run_pass()
    assert world.condition() == ("False", "RegistrationRejected")
    world.provider.refuses = None
    world.advance(300)
    await world.run_pass()
    assert world.condition() == ("True", "Ready")


async def test_a_refused_update_is_not_sent_again_before_the_resync() -> None:
    world = await ready_world()
    world.provider.refuses = REFUSAL
    world.set_client(clientMetadata=BY_POST)
    await world.run_pass()
    assert world.condition() == ("False", "RegistrationRejected")
    assert await quiet(world, 10)
    world.set_client()
    await world.settle()
    assert world.condition() == ("True", "Ready")


PUBLIC = {**METADATA, "tokenEndpointAuthMethod": "none"}


@pytest.mark.parametrize(
    ("why", "metadata"),
    [("down", METADATA), ("down", PUBLIC), ("refuses the token", METADATA)],
)
async def test_a_blocked_deletion_writes_no_more_than_its_intent(
    why: str, metadata: dict[str, object]
) -> None:
    world = new_world()
    world.set_client(clientMetadata=metadata)
    await world.settle()
    world.provider.down = why == "down"
    if why != "down":
        world.provider.clients["client-1"].tokens = ["reset"]
    world.delete_client()
    await world.run_pass()
    for _ in range(3):
        world.advance(300)
        await world.run_pass()
        assert not world.wire.writes
    assert world.condition() == ("False", "DeletionBlocked")
    assert not world.metrics.intents


class Silent(FakeProvider):
    """Its token endpoint tells nothing about credentials."""

    async def probe(self, *_given: object, **_named: object) -> ProbeOutcome:
        return CannotTell("unauthorized_client")


@pytest.mark.parametrize("first", [None, RateLimited(None)], ids=["at once", "after a 429"])
async def test_a_deletion_whose_answer_was_lost_comes_to_its_end(first: Outcome | None) -> None:
    world = await ready_world(Silent())
    world.delete_client()
    if first is not None:
        world.provider.instead, world.provider.instead_once = first, True
        await world.run_pass()
        assert world.condition() == ("False", "DeletionBlocked")
    assert await world.run_pass_with(FaultAt(Fault.CRASH_AFTER, "provider delete"))
    world.restart()
    await world.run_pass()
    assert world.client is None
    assert not world.provider.clients


async def test_a_token_that_was_refused_before_is_never_proof_of_a_deletion() -> None:
    world = await ready_world(Silent())
    world.provider.clients["client-1"].tokens = ["reset"]
    world.delete_client()
    await world.run_pass()
    assert await world.run_pass_with(FaultAt(Fault.CRASH_AFTER, "provider delete"))
    world.restart()
    await world.run_pass()
    assert world.condition() == ("False", "DeletionBlocked")
    assert world.client is not None


async def test_an_identifier_of_any_length_fits_a_message() -> None:
    world = new_world(FakeProvider(client_id="x" * 40_000))
    await world.run_pass()
    conditions = world.status["conditions"]
    assert isinstance(conditions, list)
    assert max(len(str(each)) for each in conditions) < 1000
    assert max(len(message) for _, _, message in world.events.seen) < 1000
