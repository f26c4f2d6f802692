"""clientPolicy over a life: before anything is sent, on what comes back, when it is narrowed."""

import pytest

from dcr_operator.kube import JsonObject
from dcr_operator.outcomes import NotSupported, RegistrationAccessTokenRejected, Unreachable
from dcr_operator.ports import Place
from tests.fakes.faults import Fault, FaultAt
from tests.fakes.operator_world import ELSEWHERE, METADATA, World, new_world
from tests.fakes.provider import FakeProvider

ALLOWED: JsonObject = {
    "grantTypes": ["authorization_code", "refresh_token"],
    "tokenEndpointAuthMethods": ["client_secret_basic"],
    "redirectUris": ["https://*.example.com/*"],
    "scopes": ["openid"],
}
OUTSIDE: JsonObject = {**METADATA, "redirectUris": ["https://evil.example.net/callback"]}
OVERRIDE: JsonObject = {"redirect_uris": ["https://evil.example.net/callback"]}


def limited_world(provider: FakeProvider | None = None, **spec: object) -> World:
    return new_world(provider, clientPolicy=ALLOWED, **spec)


async def test_what_is_allowed_is_registered() -> None:
    world = limited_world()
    await world.settle()
    assert world.condition() == ("True", "Ready")


async def test_nothing_is_sent_of_what_is_not_allowed() -> None:
    world = limited_world()
    world.set_client(clientMetadata=OUTSIDE)
    await world.run_pass()
    assert world.condition("Registered") == ("False", "PolicyDenied")
    assert not world.wire.requests
    # Nothing was begun: neither finalizer nor record nor a look at the initial access token.
    assert world.wire.writes == ["patch_status oauthclients"]
    world.set_client()
    await world.settle()
    assert world.condition() == ("True", "Ready")


async def test_an_edit_that_is_not_allowed_leaves_the_client_as_it_was() -> None:
    world = limited_world()
    await world.settle()
    before = world.secret()
    world.set_client(clientMetadata=OUTSIDE)
    await world.run_pass()
    assert world.condition() == ("False", "PolicyDenied")
    assert not world.wire.requests
    assert world.secret() == before
    (client,) = world.provider.clients.values()
    assert client.metadata["redirect_uris"] == METADATA["redirectUris"]


async def test_a_policy_that_is_narrowed_takes_no_client_away() -> None:
    world = new_world()
    await world.settle()
    before = world.secret()
    world.set_provider(clientPolicy={"redirectUris": ["https://other.example.org/*"]})
    await world.settle()
    assert world.condition() == ("False", "PolicyDenied")
    assert world.secret() == before
    assert len(world.provider.clients) == 1
    world.set_provider()
    await world.settle()
    assert world.condition() == ("True", "Ready")


async def test_what_the_provider_adds_beyond_the_policy_does_not_stay() -> None:
    world = limited_world()
    world.provider.overrides = dict(OVERRIDE)
    await world.settle()
    assert world.condition("Registered") == ("False", "PolicyDenied")
    assert not world.provider.clients
    assert world.secret() is None
    assert "PolicyDenied" in world.events.reasons
    assert "clientId" not in world.status


async def test_what_was_taken_away_is_not_registered_again_before_something_changes() -> None:
    world = limited_world()
    world.provider.overrides = dict(OVERRIDE)
    await world.settle()
    world.advance(10 * 86400)
    await world.run_pass()
    assert not world.wire.requests
    assert not world.wire.writes
    world.provider.overrides = {}
    world.set_client(clientMetadata={**METADATA, "clientName": "Another"})
    await world.settle()
    assert world.condition() == ("True", "Ready")


async def test_a_wider_policy_lets_it_be_registered_again() -> None:
    world = limited_world()
    world.provider.overrides = dict(OVERRIDE)
    await world.settle()
    world.set_provider(clientPolicy={**ALLOWED, "redirectUris": ["*"]})
    await world.run_pass()
    # What is in force is not what was asked for, which the policy has no say in.
    assert world.condition() == ("False", "MetadataNotAccepted")
    assert len(world.provider.clients) == 1


async def test_an_update_that_ends_beyond_the_policy_takes_client_and_secret_away() -> None:
    world = limited_world()
    await world.settle()
    assert world.secret() is not None
    world.provider.overrides = dict(OVERRIDE)
    world.set_client(clientMetadata={**METADATA, "clientName": "New name"})
    await world.settle()
    assert world.condition() == ("False", "PolicyDenied")
    assert not world.provider.clients
    assert world.secret() is None


async def test_a_policy_widened_during_the_removal_lets_the_client_stay() -> None:
    world = limited_world()
    world.provider.overrides = {"scope": "openid profile"}
    world.provider.deletes = Unreachable("no answer", may_have_arrived=False)
    await world.run_pass()
    assert world.condition() == ("False", "PolicyDenied")
    assert world.secret() is None
    world.set_provider(clientPolicy={**ALLOWED, "scopes": ["openid", "profile"]})
    await world.settle()
    assert world.condition() == ("True", "Ready")
    assert world.record.registration is not None
    assert world.record.registration.admitted


async def test_without_a_way_to_remove_it_the_client_is_on_record() -> None:
    world = limited_world(FakeProvider(manages=False))
    world.provider.overrides = dict(OVERRIDE)
    await world.settle()
    assert world.condition() == ("False", "PolicyDenied")
    assert [each.client_id for each in world.record.orphans] == ["client-1"]
    assert world.secret() is None
    assert world.metrics.orphans.total() == 1


@pytest.mark.parametrize(
    ("answer", "orphans"),
    [
        (NotSupported(405), 1),
        (Unreachable("no answer", may_have_arrived=True), 0),
        (RegistrationAccessTokenRejected(), 0),
        (NotSupported(404), 0),
    ],
)
async def test_a_removal_that_does_not_succeed_publishes_nothing(
    answer: NotSupported | Unreachable | RegistrationAccessTokenRejected, orphans: int
) -> None:
    world = limited_world()
    world.provider.overrides = dict(OVERRIDE)
    world.provider.deletes = answer
    await world.run_pass()
    await world.run_pass()
    assert world.condition() == ("False", "PolicyDenied")
    assert world.secret() is None
    assert len(world.record.orphans) == orphans
    assert len(world.provider.clients) == 1


async def test_a_provider_that_cannot_be_judged_publishes_nothing() -> None:
    world = limited_world()
    world.provider.overrides = dict(OVERRIDE)
    world.provider.deletes = Unreachable("no answer", may_have_arrived=False)
    await world.run_pass()
    world.provider.down = True
    await world.run_pass()
    assert world.condition() == ("False", "ProviderUnavailable")
    assert world.secret() is None


async def test_a_client_that_must_not_stay_is_deleted_like_any_other() -> None:
    world = limited_world()
    world.provider.overrides = dict(OVERRIDE)
    world.provider.deletes = Unreachable("no answer", may_have_arrived=False)
    await world.run_pass()
    world.provider.deletes = None
    world.delete_client()
    await world.settle()
    assert world.client is None
    assert not world.provider.clients


async def test_the_deletion_of_what_was_denied_leaves_nothing() -> None:
    world = limited_world()
    world.provider.overrides = dict(OVERRIDE)
    await world.settle()
    world.delete_client()
    await world.settle()
    assert world.client is None
    assert world.records() == []


async def test_a_client_beyond_the_limit_of_its_namespace_waits_and_holds_nothing() -> None:
    world = new_world(clientPolicy={"maxClientsPerNamespace": 3})
    world.use.place = Place.FULL
    await world.run_pass()
    assert world.condition("Registered") == ("False", "ClientLimitReached")
    assert "allows 3 clients" in str(world.status["conditions"])
    assert not world.wire.requests
    assert world.wire.writes == ["patch_status oauthclients"]
    world.use.place = Place.TAKEN
    await world.settle()
    assert world.condition() == ("True", "Ready")


async def test_a_client_that_has_its_place_is_not_asked_again() -> None:
    world = new_world(clientPolicy={"maxClientsPerNamespace": 1})
    await world.settle()
    world.use.place = Place.FULL
    world.provider.clients.clear()
    world.advance(3700)
    await world.settle()
    assert world.condition() == ("True", "Ready")
    assert len(world.provider.clients) == 1


async def test_until_the_clients_are_counted_nobody_is_let_in() -> None:
    world = new_world(clientPolicy={"maxClientsPerNamespace": 1})
    world.use.place = Place.UNKNOWN
    result = await world.run_pass()
    assert (result.reason, result.requeue_after) == ("Progressing", 2.0)
    assert not world.wire.requests


@pytest.mark.parametrize("name", ["other", "absent"])
async def test_what_may_not_stay_goes_from_its_own_provider_when_another_one_is_named(
    name: str,
) -> None:
    world = limited_world()
    world.add_other_provider(clientPolicy=ALLOWED)
    world.provider.overrides = dict(OVERRIDE)
    assert await world.run_pass_with(FaultAt(Fault.NOT_SENT, "provider delete"))
    (denied,) = world.provider.clients
    world.set_client(providerRef={**ELSEWHERE, "name": name})
    await world.settle()
    assert not world.provider.clients
    assert len(world.other.clients) == (1 if name == "other" else 0)
    secret = world.secret()
    assert secret is None or secret["issuer"] == world.other.issuer
    assert all(
        orphan.client_id != denied for record in world.records() for orphan in record.orphans
    )
