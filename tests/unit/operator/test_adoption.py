"""spec.adopt: a client that exists is taken over, by one OAuthClient, and by whoever has access."""

from dataclasses import replace

import pytest

from dcr_operator.kube import OAUTH_CLIENTS, SECRETS, JsonObject, Key
from dcr_operator.outcomes import Malformed, NotSupported
from dcr_operator.record import read_record_secret, record_secret
from dcr_operator.state import IntentKind, StoredRecord
from tests.fakes.adoptable import ACCESS, access_of, adoptable_client, give_access
from tests.fakes.faults import Fault, FaultAt
from tests.fakes.operator_states import orphan
from tests.fakes.operator_world import NAMESPACE, World, client_spec, document
from tests.fakes.provider import FakeProvider

SECOND = Key("OAuthClient", NAMESPACE, "second")


def world_to_adopt_in(provider: FakeProvider | None = None, **spec: object) -> World:
    world = World(provider or FakeProvider())
    world.add_provider(**spec)
    return world


async def test_an_adopted_client_keeps_its_credentials_and_gets_what_is_declared() -> None:
    world = world_to_adopt_in()
    world.add_client(adopt=adoptable_client(world))
    await world.settle()
    assert world.condition() == ("True", "Ready")
    (client,) = world.provider.clients.values()
    assert client.metadata["client_name"] == "Dashboard"
    secret = world.secret()
    assert secret is not None
    assert secret["client_id"] == client.client_id
    assert world.opens(secret)
    assert world.record.intent is None


async def test_nothing_is_registered_and_no_initial_access_token_is_needed() -> None:
    world = world_to_adopt_in(initialAccessToken=None)
    world.add_client(adopt=adoptable_client(world))
    await world.run_pass()
    assert world.condition() == ("True", "Ready")
    assert world.wire.requests == ["provider read", "provider update"]
    assert len(world.provider.clients) == 1


async def test_a_deletion_removes_the_adopted_client() -> None:
    world = world_to_adopt_in()
    world.add_client(adopt=adoptable_client(world))
    await world.settle()
    world.delete_client()
    await world.settle()
    assert world.client is None
    assert not world.provider.clients


REFUSED: list[tuple[str, dict[str, str], str]] = [
    ("no token", {"registration_access_token": ""}, "must hold"),
    ("a token that no header takes", {"registration_access_token": "a b"}, "must hold"),
    ("no URI", {"registration_client_uri": " "}, "must hold"),
    (
        "a URI that is not the provider's",
        {"registration_client_uri": "https://evil.example.net/register/client-1"},
        "is not the provider's",
    ),
    ("a token that is wrong", {"registration_access_token": "guessed"}, "refuses the registration"),
    ("a secret that is wrong", {"client_secret": "guessed"}, "is not that of the client"),
]


@pytest.mark.parametrize(("_name", "values", "words"), REFUSED, ids=[row[0] for row in REFUSED])
async def test_what_is_wrong_with_the_access_refuses_and_leaves_nothing(
    _name: str, values: dict[str, str], words: str
) -> None:
    world = world_to_adopt_in(FakeProvider(shows_secret=False))
    world.add_client(adopt=adoptable_client(world))
    before = access_of(world)
    give_access(world, **{**before, **values})
    await world.run_pass()
    assert world.condition() == ("False", "AdoptionRefused")
    assert words in str(world.status["conditions"])
    assert not world.records()
    assert world.secret() is None
    give_access(world, **before, client_secret="secret-2")
    await world.settle()
    assert world.condition() == ("True", "Ready")


async def test_a_secret_that_does_not_exist_refuses() -> None:
    world = world_to_adopt_in()
    world.add_client(adopt=adoptable_client(world))
    world.cluster.delete(SECRETS, NAMESPACE, ACCESS)
    await world.run_pass()
    assert world.condition() == ("False", "AdoptionRefused")
    assert not world.wire.requests


async def test_a_uri_that_leads_to_another_client_refuses() -> None:
    world = world_to_adopt_in()
    adopt = adoptable_client(world)
    world.add_client(adopt={**adopt, "clientId": "another"})
    await world.run_pass()
    assert world.condition() == ("False", "AdoptionRefused")
    assert not world.records()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(NotSupported(404), "AdoptionRefused"), (Malformed("?", False), "ProviderUnavailable")],
)
async def test_an_answer_that_shows_no_client_adopts_none(answer: object, reason: str) -> None:
    world = world_to_adopt_in()
    world.add_client(adopt=adoptable_client(world))
    world.provider.instead = answer  # type: ignore[assignment]  # one of the two
    await world.run_pass()
    assert world.condition() == ("False", reason)
    assert not world.records()


async def test_a_secret_that_the_provider_does_not_show_is_taken_from_the_reference() -> None:
    world = world_to_adopt_in(FakeProvider(shows_secret=False))
    world.add_client(adopt=adoptable_client(world))
    (client,) = world.provider.clients.values()
    give_access(world, **access_of(world), client_secret=client.secrets[-1])
    await world.settle()
    assert world.condition() == ("True", "Ready")
    secret = world.secret()
    assert secret is not None
    assert world.opens(secret)


async def test_a_secret_that_nobody_tells_is_waited_for_and_nothing_is_published() -> None:
    world = world_to_adopt_in(FakeProvider(shows_secret=False))
    world.add_client(adopt=adoptable_client(world))
    await world.run_pass()
    assert world.condition() == ("False", "ClientSecretUnknown")
    assert world.condition("SecretPublished") == ("False", "ClientSecretUnknown")
    assert world.secret() is None
    (client,) = world.provider.clients.values()
    give_access(world, **access_of(world), client_secret=client.secrets[-1])
    await world.settle()
    assert world.condition() == ("True", "Ready")


async def test_a_public_client_needs_no_secret() -> None:
    world = world_to_adopt_in(FakeProvider(shows_secret=False))
    public: JsonObject = {"token_endpoint_auth_method": "none"}
    metadata = {"redirectUris": ["https://a.example.com/cb"], "tokenEndpointAuthMethod": "none"}
    world.add_client(adopt=adoptable_client(world, **public), clientMetadata=metadata)
    await world.settle()
    assert world.condition() == ("True", "Ready")


def add_second(world: World, adopt: JsonObject) -> None:
    spec = client_spec(adopt=adopt, secret={"name": "second"})
    world.cluster.create(OAUTH_CLIENTS, document(OAUTH_CLIENTS, NAMESPACE, "second", spec=spec))


async def test_a_client_that_is_on_record_is_not_adopted_by_another() -> None:
    world = world_to_adopt_in()
    world.add_client(adopt=adoptable_client(world))
    await world.settle()
    add_second(world, {**_adopt(world), "registrationRef": {"name": ACCESS}})
    result = await world.run_pass(SECOND)
    assert result.reason == "AdoptionRefused"
    assert not world.wire.requests
    assert len(world.records()) == 1
    world.cluster.delete(OAUTH_CLIENTS, NAMESPACE, "second")
    await world.run_pass(SECOND)
    assert len(world.provider.clients) == 1


async def test_a_client_that_was_registered_here_is_not_adopted_by_another() -> None:
    world = world_to_adopt_in()
    world.add_client()
    await world.settle()
    held = world.record.registration
    assert held is not None
    assert held.registration_access_token is not None
    give_access(
        world,
        registration_access_token=held.registration_access_token.get_secret_value(),
        registration_client_uri=held.registration_client_uri or "",
    )
    add_second(world, {"clientId": held.client_id, "registrationRef": {"name": ACCESS}})
    assert (await world.run_pass(SECOND)).reason == "AdoptionRefused"


async def test_of_two_that_adopt_at_the_same_moment_the_later_look_steps_back() -> None:
    world = world_to_adopt_in()
    adopt = adoptable_client(world)
    world.add_client(adopt=adopt)
    # The first is cut off when it has claimed the client; the second sees the claim.
    await world.run_pass_with(FaultAt(Fault.CRASH_AFTER, "create secrets"))
    (claim,) = world.records()
    assert claim.intent is not None
    assert claim.intent.kind is IntentKind.ADOPT
    add_second(world, adopt)
    assert (await world.run_pass(SECOND)).reason == "AdoptionRefused"
    await world.settle()
    assert world.condition() == ("True", "Ready")
    assert len(world.records()) == 1


async def test_a_claim_that_two_have_written_is_given_up_by_the_one_that_looks() -> None:
    world = world_to_adopt_in()
    adopt = adoptable_client(world)
    world.add_client(adopt=adopt)
    add_second(world, adopt)
    await world.run_pass_with(FaultAt(Fault.CRASH_AFTER, "create secrets"))
    first = next(body for place, body in world.cluster.objects.items() if "uid" in place[2])
    # As if the other had looked before this claim was written.
    twin = document(SECRETS, "dcr-system", "oauthclient-twin")
    twin |= {"type": first["type"], "data": first["data"]}
    twin["metadata"]["labels"] = first["metadata"]["labels"]  # type: ignore[index,call-overload]  # as built
    world.cluster.create(SECRETS, twin)
    await world.run_pass()
    assert world.condition() == ("False", "AdoptionRefused")
    assert len(world.records()) == 1
    assert world.provider.clients


async def test_a_claim_that_was_not_confirmed_is_dropped_with_its_resource() -> None:
    world = world_to_adopt_in()
    world.add_client(adopt=adoptable_client(world))
    await world.run_pass_with(FaultAt(Fault.CRASH_AFTER, "create secrets"))
    world.delete_client()
    await world.settle()
    assert world.client is None
    assert not world.records()
    # It was never ours.
    assert len(world.provider.clients) == 1


async def test_what_the_policy_does_not_allow_is_not_adopted() -> None:
    world = world_to_adopt_in(clientPolicy={"redirectUris": ["https://other.example.org/*"]})
    world.add_client(adopt=adoptable_client(world))
    await world.run_pass()
    assert world.condition() == ("False", "PolicyDenied")
    assert not world.wire.requests


async def test_a_client_that_was_there_before_us_is_not_taken_away_by_a_policy() -> None:
    provider = FakeProvider(overrides={"grant_types": ["implicit"]})
    world = world_to_adopt_in(provider, clientPolicy={"grantTypes": ["authorization_code"]})
    world.add_client(adopt=adoptable_client(world))
    for _ in range(3):
        await world.run_pass()
        world.advance(400)
    assert world.condition() == ("False", "PolicyDenied")
    assert "was adopted, so it stays" in str(world.status["conditions"])
    assert len(world.provider.clients) == 1
    assert world.opens(world.secret() or {})
    await world.run_pass()
    assert not world.wire.writes
    provider.overrides.clear()
    world.advance(7200)
    await world.settle()
    assert world.condition() == ("True", "Ready")


async def test_one_that_took_the_place_of_an_adopted_client_goes_like_any_other() -> None:
    world = world_to_adopt_in(clientPolicy={"grantTypes": ["authorization_code"]})
    world.add_client(adopt=adoptable_client(world))
    await world.settle()
    world.provider.clients.clear()
    world.provider.overrides["grant_types"] = ["implicit"]
    world.advance(7200)
    for _ in range(3):
        await world.run_pass()
        world.advance(400)
    assert world.condition() == ("False", "PolicyDenied")
    assert not world.provider.clients
    assert world.secret() is None


async def test_the_provider_may_be_corrected_before_the_adoption_is_done() -> None:
    world = world_to_adopt_in()
    adopt = adoptable_client(world)
    world.add_client(adopt=adopt)
    await world.run_pass_with(FaultAt(Fault.CRASH_AFTER, "create secrets"))
    world.add_other_provider()
    world.set_client(adopt=adopt, providerRef={"kind": "ClusterOAuthProvider", "name": "other"})
    await world.run_pass()
    assert world.condition() == ("False", "AdoptionRefused")
    assert not world.records()
    world.set_client(adopt=adopt)
    await world.settle()
    assert world.condition() == ("True", "Ready")


async def test_the_access_of_the_tenant_is_nowhere_in_status_or_events() -> None:
    world = world_to_adopt_in()
    world.add_client(adopt=adoptable_client(world))
    token = access_of(world)["registration_access_token"]
    await world.settle()
    assert token not in str(world.status)
    assert token not in str(world.events.seen)


def _adopt(world: World) -> JsonObject:
    held = world.record.registration
    assert held is not None
    return {"clientId": held.client_id}


async def test_a_claim_that_is_given_up_leaves_what_else_is_on_record() -> None:
    world = world_to_adopt_in()
    adopt = adoptable_client(world)
    world.add_client(adopt=adopt)
    await world.run_pass_with(FaultAt(Fault.CRASH_AFTER, "create secrets"))
    first = next(body for place, body in world.cluster.objects.items() if "uid" in place[2])
    twin = document(SECRETS, "dcr-system", "oauthclient-twin")
    twin |= {"type": first["type"], "data": first["data"]}
    twin["metadata"]["labels"] = first["metadata"]["labels"]  # type: ignore[index,call-overload]  # as built
    world.cluster.create(SECRETS, twin)
    stored = read_record_secret(first)
    assert isinstance(stored, StoredRecord)
    left = replace(stored.record, orphans=(orphan(),))
    world.cluster.update(SECRETS, record_secret(left, "dcr-system", stored))
    await world.run_pass()
    assert world.condition() == ("False", "AdoptionRefused")
    kept = next(each for each in world.records() if each.orphans)
    assert (kept.registration, kept.intent) == (None, None)
