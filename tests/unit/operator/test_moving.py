"""Another provider: registered and published there first, the old registration goes later."""

from datetime import timedelta

import pytest

from dcr_operator.conditions import timestamp
from dcr_operator.first_look import next_moment_in_status
from dcr_operator.kube import CLUSTER_OAUTH_PROVIDERS, SECRETS
from dcr_operator.orphans import OrphanCause
from dcr_operator.outcomes import Refused
from dcr_operator.state import SHORTEST_OVERLAP
from tests.fakes.faults import Fault, FaultAt
from tests.fakes.operator_world import ELSEWHERE, NAME, NAMESPACE, World, ready_world
from tests.fakes.provider import FakeProvider

OVERLAP = SHORTEST_OVERLAP.total_seconds()
DAY = timedelta(hours=24).total_seconds()


async def moved_world(**changes: object) -> World:
    """Return a world in which the client has just been moved, and both registrations work."""
    world = await ready_world(resyncEvery="0s")
    world.add_other_provider(resyncEvery="0s")
    world.set_client(providerRef=ELSEWHERE, **changes)
    await world.run_pass()
    return world


async def test_the_new_registration_is_published_while_the_old_one_still_works() -> None:
    world = await ready_world(resyncEvery="0s")
    before = world.secret()
    world.add_other_provider(resyncEvery="0s")
    world.set_client(providerRef=ELSEWHERE)
    await world.run_pass()
    after = world.secret()
    assert before is not None
    assert after is not None
    assert after["issuer"] == world.other.issuer
    assert world.opens(before)
    assert world.opens(after)
    assert world.condition() == ("True", "Ready")
    assert world.status["issuer"] == world.other.issuer
    assert world.status["previousCredentialsValidUntil"] == timestamp(world.now + SHORTEST_OVERLAP)


async def test_an_old_secret_that_expires_before_the_overlap_is_over_is_valid_no_longer() -> None:
    world = await ready_world(FakeProvider(lifetime=3000), resyncEvery="0s")
    end = world.status["clientSecretExpiresAt"]
    world.add_other_provider(resyncEvery="0s")
    world.set_client(providerRef=ELSEWHERE, rotation={"overlap": "1h"})
    await world.run_pass()
    assert world.status["previousCredentialsValidUntil"] == end


async def test_the_queue_wakes_the_client_when_the_overlap_is_over() -> None:
    world = await moved_world()
    result = await world.run_pass()
    assert result.requeue_after == OVERLAP
    world.advance(OVERLAP - 1)
    await world.run_pass()
    assert world.provider.clients
    world.advance(1)
    await world.run_pass()
    assert not world.provider.clients
    assert not world.record.retiring
    assert "previousCredentialsValidUntil" not in world.status
    assert not (await world.run_pass()).failed
    assert not world.wire.writes


async def test_a_move_costs_five_writes_and_rest_costs_none() -> None:
    world = await moved_world()
    # Intent, answer, Secret, when the old one may go, status.
    assert world.wire.writes == [
        "replace secrets",
        "replace secrets",
        "apply secrets",
        "replace secrets",
        "patch_status oauthclients",
    ]
    await world.run_pass()
    assert not world.wire.writes
    assert not world.wire.requests


async def test_a_new_provider_that_is_down_leaves_the_old_credentials_in_the_secret() -> None:
    world = await ready_world(resyncEvery="0s")
    before = world.secret()
    world.add_other_provider(resyncEvery="0s")
    world.other.down = True
    world.set_client(providerRef=ELSEWHERE)
    await world.run_pass()
    assert world.condition() == ("False", "ProviderUnavailable")
    assert world.condition("Registered")[0] == "Unknown"
    assert world.secret() == before
    world.cluster.delete(SECRETS, NAMESPACE, NAME)
    await world.run_pass()
    assert world.secret() == before


async def test_a_refusal_of_the_new_provider_is_not_asked_for_again_and_again() -> None:
    world = await ready_world(resyncEvery="0s")
    world.add_other_provider(resyncEvery="0s")
    world.other.refuses = Refused(400, "invalid_redirect_uri", "no")
    world.set_client(providerRef=ELSEWHERE)
    await world.run_pass()
    assert world.wire.requests == ["provider register"]
    await world.run_pass()
    assert not world.wire.requests
    assert world.condition() == ("False", "RegistrationRejected")
    assert world.status["clientId"] in world.provider.clients


async def test_a_move_that_is_taken_back_before_it_was_done_leaves_all_as_it_was() -> None:
    world = await ready_world(resyncEvery="0s")
    before = world.secret()
    world.add_other_provider(resyncEvery="0s")
    world.other.down = True
    world.set_client(providerRef=ELSEWHERE)
    await world.run_pass()
    world.set_client()
    await world.settle()
    assert world.condition() == ("True", "Ready")
    assert world.secret() == before
    assert not world.other.clients


@pytest.mark.parametrize("idempotent", [True, False])
async def test_a_move_taken_back_after_its_answer_was_lost_leaves_no_client_unheard_of(
    *, idempotent: bool
) -> None:
    world = await ready_world(resyncEvery="0s")
    before = world.secret()
    world.add_other_provider(resyncEvery="0s")
    world.other.idempotent = idempotent
    world.set_client(providerRef=ELSEWHERE)
    await world.run_pass_with(FaultAt(Fault.CRASH_AFTER, "provider register"))
    world.restart()
    world.set_client()
    await world.settle()
    assert world.condition() == ("True", "Ready")
    assert world.secret() == before
    assert bool(world.other.clients) is not idempotent
    causes = [orphan.cause for orphan in world.record.orphans]
    assert causes == ([] if idempotent else [OrphanCause.AMBIGUOUS_CREATE])


async def test_a_move_back_within_the_overlap_ends_with_one_client() -> None:
    world = await moved_world()
    world.set_client()
    await world.run_pass()
    assert world.condition() == ("True", "Ready")
    assert len(world.record.retiring) == 2
    world.advance(OVERLAP)
    await world.settle()
    secret = world.secret()
    assert secret is not None
    assert world.opens(secret)
    assert len(world.provider.clients) == 1
    assert not world.other.clients


async def test_a_deletion_within_the_overlap_removes_both_at_once() -> None:
    world = await moved_world()
    world.delete_client()
    await world.settle()
    assert world.client is None
    assert not world.provider.clients
    assert not world.other.clients
    assert not world.records()


async def test_a_deletion_waits_for_the_old_provider_too() -> None:
    world = await moved_world()
    world.provider.down = True
    world.delete_client()
    await world.run_pass()
    assert world.condition() == ("False", "DeletionBlocked")
    assert world.record.retiring
    world.provider.down = False
    await world.settle()
    assert world.client is None
    assert not world.provider.clients


async def test_an_old_provider_that_is_down_keeps_the_client_ready_and_is_left_in_peace() -> None:
    world = await moved_world()
    world.provider.down = True
    world.advance(OVERLAP)
    result = await world.run_pass()
    assert world.condition() == ("True", "Ready")
    assert not world.wire.writes
    assert not world.wire.requests
    assert result.requeue_after == 300.0


async def test_an_old_provider_that_stays_down_for_a_day_leaves_an_orphan_that_can_be_removed() -> (
    None
):
    world = await moved_world()
    world.provider.down = True
    world.advance(OVERLAP + DAY)
    await world.run_pass()
    (orphan,) = world.record.orphans
    assert orphan.cause is OrphanCause.ABANDONED
    assert orphan.client_id in world.provider.clients
    assert orphan.management
    assert orphan.connection is not None
    assert not world.record.retiring
    assert "DeletionBlocked" in world.events.reasons
    assert world.condition() == ("True", "Ready")


async def test_the_old_registration_goes_although_its_provider_object_is_gone() -> None:
    world = await moved_world()
    world.cluster.delete(CLUSTER_OAUTH_PROVIDERS, "", "main")
    world.advance(OVERLAP)
    await world.run_pass()
    assert not world.provider.clients
    assert not world.record.retiring


async def test_an_edit_that_comes_with_the_move_is_registered_at_the_new_provider_alone() -> None:
    metadata = {"clientName": "New name", "redirectUris": ["https://dashboard.example.com/cb"]}
    world = await moved_world(clientMetadata=metadata)
    (new,) = world.other.clients.values()
    (old,) = world.provider.clients.values()
    assert new.metadata["client_name"] == "New name"
    assert old.metadata["client_name"] == "Dashboard"


async def test_retaining_leaves_the_client_in_force_and_removes_the_one_before() -> None:
    world = await moved_world(deletionPolicy="Retain")
    world.delete_client()
    await world.settle()
    assert world.client is None
    assert not world.provider.clients
    assert len(world.other.clients) == 1
    assert world.record.registration is not None


async def test_retaining_does_not_wait_for_the_provider_before() -> None:
    world = await moved_world(deletionPolicy="Retain")
    world.provider.down = True
    world.delete_client()
    await world.settle()
    assert world.client is None
    (orphan,) = world.record.orphans
    assert orphan.client_id in world.provider.clients


async def test_retaining_leaves_the_client_whose_credentials_are_still_in_the_secret() -> None:
    world = await ready_world(resyncEvery="0s")
    published = world.secret()
    assert published is not None
    world.add_other_provider(resyncEvery="0s")
    world.set_client(providerRef=ELSEWHERE, deletionPolicy="Retain")
    assert await world.run_pass_with(FaultAt(Fault.CRASH_BEFORE, "apply secrets"))
    world.restart()
    world.delete_client()
    await world.settle()
    assert world.client is None
    assert world.secret() == published
    assert world.opens(published)
    (former,) = world.record.retiring
    assert former.registration is not None


async def test_a_provider_made_anew_with_another_issuer_moves_nobody() -> None:
    world = await ready_world(resyncEvery="0s")
    world.set_provider(issuer=world.other.issuer)
    await world.run_pass()
    assert world.condition() == ("False", "InvalidSpec")
    assert not world.wire.requests


async def test_an_answer_that_the_new_provider_s_policy_denies_leaves_the_old_one_in_force() -> (
    None
):
    world = await ready_world(resyncEvery="0s")
    before = world.secret()
    world.add_other_provider(clientPolicy={"redirectUris": ["https://*.example.com/*"]})
    world.other.overrides = {"redirect_uris": ["https://evil.example.net/callback"]}
    world.set_client(providerRef=ELSEWHERE)
    await world.settle()
    assert world.condition() == ("False", "PolicyDenied")
    assert world.secret() == before
    assert not world.other.clients
    assert not world.record.retiring
    world.set_client()
    await world.settle()
    assert world.condition() == ("True", "Ready")
    assert world.secret() == before


async def test_a_start_sees_that_a_registration_without_an_answer_is_to_go() -> None:
    world = await ready_world(resyncEvery="0s")
    world.other.idempotent = True
    world.add_other_provider(resyncEvery="0s")
    world.set_client(providerRef=ELSEWHERE)
    assert await world.run_pass_with(FaultAt(Fault.ANSWER_LOST, "provider register"))
    world.other.down = True
    world.set_client()
    await world.run_pass()
    assert world.condition() == ("True", "Ready")
    assert len(world.record.retiring) == 1
    assert next_moment_in_status(world.client or {}, world.now) == 0
