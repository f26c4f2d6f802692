"""Whole passes over a client whose secret is rotated: on request, by the calendar, at its end."""

from datetime import timedelta

import pytest

from dcr_operator.conditions import timestamp
from dcr_operator.outcomes import NotSupported, Outcome, RateLimited, Refused, Unreachable
from tests.fakes.operator_world import World, ready_world
from tests.fakes.provider import FakeProvider
from tests.fakes.rotation import OVERLAP, ask_for_rotation, rotating

DAY = 86_400


async def test_an_annotation_rotates_the_secret_once() -> None:
    world = await ready_world(rotating())
    before = world.secret() or {}
    ask_for_rotation(world, "now")
    await world.run_pass()
    assert world.wire.requests == ["provider rotate"]
    assert world.status["lastHandledRotateAt"] == "now"
    after = world.secret() or {}
    assert after["client_secret"] != before["client_secret"]
    assert after["previous_client_secret"] == before["client_secret"]
    await world.run_pass()
    assert (world.wire.writes, world.wire.requests) == ([], [])
    ask_for_rotation(world, "again")
    await world.run_pass()
    assert world.wire.requests == ["provider rotate"]


async def test_a_rotation_takes_four_writes() -> None:
    world = await ready_world(rotating())
    ask_for_rotation(world)
    await world.run_pass()
    assert world.wire.writes == [
        "replace secrets",
        "replace secrets",
        "apply secrets",
        "patch_status oauthclients",
    ]


async def test_both_secrets_work_during_the_overlap_and_one_after_it() -> None:
    world = await ready_world(rotating())
    before = world.secret() or {}
    ask_for_rotation(world)
    result = await world.run_pass()
    after = world.secret() or {}
    assert opens(world, after["client_secret"])
    assert opens(world, before["client_secret"])
    assert world.status["previousCredentialsValidUntil"] == "2026-01-01T01:06:40Z"
    assert result.requeue_after is not None
    assert result.requeue_after <= OVERLAP
    world.advance(OVERLAP)
    await world.run_pass()
    assert "previous_client_secret" not in (world.secret() or {})
    assert "previousCredentialsValidUntil" not in world.status
    assert world.record.registration is not None
    assert world.record.registration.previous_client_secret is None
    assert opens(world, after["client_secret"])
    assert not opens(world, before["client_secret"])
    assert world.condition() == ("True", "Ready")


def opens(world: World, secret: str) -> bool:
    return world.provider.opens(str(world.status["clientId"]), secret)


async def test_without_an_overlap_the_secret_before_ends_at_once_and_people_are_told() -> None:
    world = await ready_world(rotating())
    world.set_client(rotation={"overlap": "0s"})
    before = world.secret() or {}
    ask_for_rotation(world)
    await world.run_pass()
    after = world.secret() or {}
    assert "previous_client_secret" not in after
    assert not opens(world, before["client_secret"])
    assert opens(world, after["client_secret"])
    (message,) = [text for _, reason, text in world.events.seen if reason == "Rotated"]
    assert (
        message == "the client secret of client-1 was rotated; the one before is not valid any more"
    )


async def test_the_calendar_rotates_at_the_moment_it_names() -> None:
    world = await ready_world(rotating(), resyncEvery="0s")
    world.set_client(rotation={"every": "30d"})
    result = await world.run_pass()
    assert world.wire.requests == []
    assert world.status["nextRotationTime"] == "2026-01-31T00:00:00Z"
    assert result.requeue_after is not None
    world.advance(result.requeue_after)
    await world.run_pass()
    assert world.wire.requests == ["provider rotate"]
    assert world.status["lastRotationTime"] == "2026-01-31T00:00:00Z"
    assert world.status["nextRotationTime"] == "2026-03-02T00:00:00Z"
    assert world.metrics.rotations == {"rotated": 1}


async def test_a_secret_is_rotated_before_it_expires() -> None:
    world = await ready_world(rotating(lifetime=90 * DAY), resyncEvery="0s")
    world.set_client(rotation={"beforeExpiry": "1d"})
    result = await world.run_pass()
    assert result.requeue_after == pytest.approx(89 * DAY, abs=DAY / 10)
    world.advance(result.requeue_after or 0)
    await world.run_pass()
    assert world.wire.requests == ["provider rotate"]
    assert opens(world, (world.secret() or {})["client_secret"])


async def test_a_short_lived_secret_is_rotated_in_the_last_third_of_its_life() -> None:
    world = await ready_world(rotating(lifetime=600), resyncEvery="0s")
    issued = world.now
    world.set_client(rotation={"beforeExpiry": "1d"})
    await world.run_pass()
    await world.run_pass()
    assert world.wire.requests == []
    assert world.status["nextRotationTime"] == timestamp(issued + timedelta(seconds=400))


async def test_an_expired_secret_is_rotated_unasked() -> None:
    world = await ready_world(rotating(lifetime=DAY), resyncEvery="0s")
    result = await world.run_pass()
    assert result.requeue_after is not None
    world.advance(result.requeue_after)
    await world.run_pass()
    assert world.wire.requests == ["provider rotate"]
    assert opens(world, (world.secret() or {})["client_secret"])
    assert world.condition() == ("True", "Ready")


async def test_an_expired_secret_is_renewed_by_an_update_where_the_provider_does_that() -> None:
    world = await ready_world(FakeProvider(renews=True, lifetime=DAY), resyncEvery="0s")
    world.advance(DAY)
    await world.run_pass()
    assert world.wire.requests == ["provider update"]
    assert opens(world, (world.secret() or {})["client_secret"])
    assert world.condition() == ("True", "Ready")


async def test_a_secret_that_nobody_renews_is_told_of_after_one_update() -> None:
    world = await ready_world(FakeProvider(lifetime=DAY), resyncEvery="0s")
    world.advance(DAY)
    await world.run_pass()
    assert world.wire.requests == ["provider update"]
    assert world.condition() == ("False", "ClientSecretExpired")
    for _ in range(3):
        await world.run_pass()
        assert world.wire.requests == ["provider read"]
    assert world.wire.writes == []


async def test_an_expired_secret_is_no_proof_that_the_client_is_gone() -> None:
    world = await ready_world(FakeProvider(lifetime=DAY))
    world.provider.clients["client-1"].tokens = ["another"]
    world.advance(DAY)
    for _ in range(3):
        await world.run_pass()
    assert world.wire.writes == []
    assert world.condition() == ("False", "RegistrationAccessTokenRejected")
    assert list(world.provider.clients) == ["client-1"]


@pytest.mark.parametrize("asked", ["annotation", "every"])
async def test_a_provider_that_cannot_rotate_is_told_of(asked: str) -> None:
    world = await ready_world()
    if asked == "annotation":
        ask_for_rotation(world)
    else:
        world.set_client(rotation={"every": "30d"})
    await world.run_pass()
    assert world.condition() == ("False", "RotationNotSupported")
    assert world.wire.requests == []
    await world.run_pass()
    assert world.wire.writes == []


async def test_where_nothing_rotates_another_client_takes_the_place_of_this_one() -> None:
    world = await ready_world()
    world.set_client(rotation={"every": "30d", "strategy": "Reregister"})
    before = world.secret() or {}
    await world.settle()
    world.advance(30 * DAY)
    await world.run_pass()
    after = world.secret() or {}
    assert after["client_id"] != before["client_id"]
    for secret in (before, after):
        assert world.provider.opens(secret["client_id"], secret["client_secret"])
    assert world.condition() == ("True", "Ready")
    assert {"lastRotationTime", "previousCredentialsValidUntil"} <= world.status.keys()
    assert world.metrics.rotations == {"rotated": 1}
    (told,) = [text for _, reason, text in world.events.seen if reason == "Rotated"]
    assert told.startswith(f"{after['client_id']} takes the place of {before['client_id']}, which")
    world.advance(OVERLAP)
    await world.settle()
    assert list(world.provider.clients) == [after["client_id"]]
    assert world.record.orphans == ()


async def test_a_request_is_answered_by_another_client_where_that_is_wanted() -> None:
    world = await ready_world()
    world.set_client(rotation={"strategy": "Reregister"})
    await world.settle()
    ask_for_rotation(world)
    await world.run_pass()
    assert world.status["lastHandledRotateAt"] == "now"
    await world.run_pass()
    assert (world.wire.writes, len(world.provider.clients)) == ([], 2)


async def test_a_wish_to_rotate_before_an_expiry_that_never_comes_is_fulfilled() -> None:
    world = await ready_world()
    world.set_client(rotation={"beforeExpiry": "1d"})
    await world.settle()
    assert world.condition() == ("True", "Ready")


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (NotSupported(404), "RotationNotSupported"),
        (Refused(403, "insufficient_scope", "no"), "RegistrationRejected"),
    ],
)
async def test_a_refused_rotation_is_told_of_and_holds_up_no_edit(
    outcome: Outcome, reason: str
) -> None:
    world = await ready_world(rotating())
    ask_for_rotation(world)
    world.set_client(clientMetadata={"redirectUris": ["https://new.example.com/cb"]})
    world.provider.instead, world.provider.instead_once = outcome, True
    await world.run_pass()
    assert world.wire.requests == ["provider rotate", "provider update"]
    assert world.condition() == ("False", reason)
    assert world.metrics.rotations == {"refused": 1}
    await world.settle()
    assert world.condition() == ("True", "Ready")


@pytest.mark.parametrize(
    "outcome", [RateLimited(30.0), Unreachable("no connection", may_have_arrived=False)]
)
async def test_a_client_stays_ready_when_its_rotation_has_to_wait(outcome: Outcome) -> None:
    world = await ready_world(rotating())
    ask_for_rotation(world)
    world.provider.instead, world.provider.instead_once = outcome, True
    result = await world.run_pass()
    assert world.condition() == ("True", "Ready")
    assert world.condition("ProviderReady") == ("False", "ProviderUnavailable")
    assert result.requeue_after == 300
    await world.settle()
    assert world.status["lastHandledRotateAt"] == "now"


async def test_a_new_client_answers_the_request_that_stands() -> None:
    world = await ready_world(rotating())
    world.provider.clients.clear()
    ask_for_rotation(world)
    await world.settle()
    assert world.status["lastHandledRotateAt"] == "now"
    assert world.metrics.rotations["rotated"] == 0
    assert len(world.provider.clients) == 1


async def stays_rejected(world: World) -> None:
    """See the refusal told, and the same not asked for again."""
    for _ in range(3):
        world.advance(400)
        await world.run_pass()
        assert world.condition() == ("False", "RegistrationRejected")
        assert not world.wire.writes
        assert not {"provider rotate", "provider update"} & {*world.wire.requests}


async def test_a_refused_rotation_is_told_of_until_it_is_asked_for_again() -> None:
    world = await ready_world(rotating())
    ask_for_rotation(world)
    refused = Refused(400, "invalid_client_metadata", "no")
    world.provider.instead, world.provider.instead_once = refused, True
    await world.run_pass()
    await stays_rejected(world)
    world.advance(3600)
    await world.run_pass()
    assert world.condition() == ("True", "Ready")
    assert world.status["lastHandledRotateAt"] == "now"


@pytest.mark.parametrize("outcome", [NotSupported(404), Refused(403, "insufficient_scope", "no")])
async def test_a_rotation_that_a_gateway_refuses_is_not_tried_again_before_the_next_resync(
    outcome: Outcome,
) -> None:
    world = await ready_world(rotating(), resyncEvery="0s")
    ask_for_rotation(world)
    world.provider.instead = outcome
    tries = []
    for _ in range(11):
        await world.run_pass()
        tries.append((len(world.wire.writes), world.wire.requests.count("provider rotate")))
        world.advance(320)
    # Written ahead, what came of it, and the status; then ProviderReady at most, once.
    assert tries[0] == (3, 1)
    assert sum(writes for writes, _ in tries[1:]) <= 1
    assert not any(rotations for _, rotations in tries[1:])
    ask_for_rotation(world, "again")
    world.provider.instead = None
    await world.run_pass()
    assert world.status["lastHandledRotateAt"] == "again"
    assert world.condition() == ("True", "Ready")


async def test_a_refused_rotation_is_tried_at_once_when_it_is_asked_for_anew() -> None:
    world = await ready_world(rotating())
    ask_for_rotation(world)
    refused = Refused(400, "invalid_client_metadata", "no")
    world.provider.instead, world.provider.instead_once = refused, True
    await world.run_pass()
    ask_for_rotation(world, "again")
    await world.run_pass()
    assert world.wire.requests == ["provider read", "provider rotate"]
    assert world.condition() == ("True", "Ready")
    assert world.status["lastHandledRotateAt"] == "again"


async def test_a_refused_update_and_a_refused_rotation_are_both_remembered() -> None:
    world = await ready_world(rotating())
    ask_for_rotation(world)
    world.set_client(clientMetadata={"redirectUris": ["https://new.example.com/cb"]})
    world.provider.instead = Refused(400, "invalid_client_metadata", "no")
    await world.run_pass()
    assert world.wire.requests == ["provider rotate", "provider update"]
    await stays_rejected(world)


async def test_what_a_provider_cannot_rotate_is_told_of_also_while_it_does_not_answer() -> None:
    world = await ready_world(FakeProvider(lifetime=90 * DAY))
    world.set_client(rotation={"every": "30d"})
    await world.run_pass()
    assert world.condition() == ("False", "RotationNotSupported")
    assert "nextRotationTime" not in world.status
    world.provider.down = True
    world.advance(400)
    await world.run_pass()
    assert world.condition() == ("False", "RotationNotSupported")
    assert "nextRotationTime" not in world.status
