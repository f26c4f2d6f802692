"""Whom a provider serves, and how it is to be reached."""

from dataclasses import dataclass, replace

import pytest

from dcr_operator.kube import NAMESPACES, OAUTH_PROVIDERS, SECRETS, Key, Resource
from dcr_operator.observe_provider import observe_provider
from dcr_operator.outcomes import Discovered, DiscoveryOutcome, DiscoveryRefused
from dcr_operator.ports import ProviderConnection
from dcr_operator.reasons import Reason
from dcr_operator.reconcile import reconcile
from dcr_operator.state import ProviderState, ProviderUnusable, ProviderUsable, SecretKeyRef
from dcr_protocol.server_metadata import AuthorizationServerMetadata
from tests.fakes.kubernetes_api import FakeKubernetesApi, member_of
from tests.fakes.operator_world import CLIENT, NAMESPACE, PROVIDER, World, document, encoded
from tests.fakes.provider import ISSUER, FakeProvider

OWN = Key("OAuthProvider", NAMESPACE, "own")
SELECTOR: dict[str, object] = {"selector": {"matchLabels": {"tier": "web"}}}


@dataclass(slots=True)
class Discovering(FakeProvider):
    answer: DiscoveryOutcome | None = None

    async def discover(self, connection: ProviderConnection) -> DiscoveryOutcome:
        return self.answer or await FakeProvider.discover(self, connection)


async def seen(world: World, key: Key = PROVIDER) -> ProviderState:
    return await observe_provider(key, NAMESPACE, world.context)


UNLABELLED: dict[str, object] = {
    "selector": {"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}
}


@pytest.mark.parametrize(
    ("selector", "labels", "allowed"),
    [
        (SELECTOR, {"tier": "web"}, True),
        (SELECTOR, {}, False),
        (UNLABELLED, {}, True),
        (UNLABELLED, {"tier": "web"}, False),
    ],
)
async def test_a_selector_decides_by_the_labels_of_the_namespace(
    selector: dict[str, object], labels: dict[str, str], *, allowed: bool
) -> None:
    world = World()
    world.add_provider(allowedNamespaces=selector)
    namespace = document(NAMESPACES, "", NAMESPACE)
    member_of(namespace, "metadata")["labels"] = dict(labels)
    world.cluster.create(NAMESPACES, namespace)
    state = await seen(world)
    assert isinstance(state, ProviderUsable) is allowed
    assert allowed or (isinstance(state, ProviderUnusable) and "team-a" in state.message)


async def test_a_namespaced_provider_is_hardened_and_reads_secrets_at_home_only() -> None:
    world = World()
    spec = {
        "issuer": ISSUER,
        "initialAccessToken": {"secretRef": {"name": "iat", "key": "token"}},
        "tls": {"caRef": {"name": "ca", "key": "ca.crt"}},
    }
    world.cluster.create(OAUTH_PROVIDERS, document(OAUTH_PROVIDERS, NAMESPACE, "own", spec=spec))
    world.cluster.create(SECRETS, document(SECRETS, NAMESPACE, "ca", data=encoded({"ca.crt": "x"})))
    state = await seen(world, OWN)
    assert isinstance(state, ProviderUsable)
    connection = state.snapshot.connection
    assert (connection.hardened, connection.ca_bundle) == (True, "x")
    assert connection.provider == "OAuthProvider/team-a/own"
    assert state.policy.initial_access_token == SecretKeyRef(NAMESPACE, "iat", "token")


async def test_what_the_spec_says_about_reaching_it_is_passed_on() -> None:
    world = World()
    limits = {"requestsPerSecond": 5, "maxConcurrent": 3, "timeout": "2s"}
    world.add_provider(limits=limits, resyncEvery="30s", initialAccessToken=None)
    state = await seen(world)
    assert isinstance(state, ProviderUsable)
    connection = state.snapshot.connection
    assert (connection.timeout, connection.max_concurrent) == (2.0, 3)
    assert (connection.requests_per_second, connection.burst) == (5.0, 10.0)
    assert (state.policy.resync_every, state.policy.initial_access_token) == (30.0, None)


ELSEWHERE = AuthorizationServerMetadata(
    issuer=ISSUER, registration_endpoint="https://elsewhere.example.com/register"
)
UNUSABLE = [
    (Discovered(ELSEWHERE), Reason.DISCOVERY_FAILED),
    (DiscoveryRefused("it names another issuer"), Reason.DISCOVERY_FAILED),
    (Discovered(AuthorizationServerMetadata(issuer=ISSUER)), Reason.REGISTRATION_NOT_SUPPORTED),
]


@pytest.mark.parametrize(("answer", "reason"), UNUSABLE, ids=lambda value: str(value)[:30])
async def test_a_document_that_is_no_use_has_its_reason(
    answer: DiscoveryOutcome, reason: Reason
) -> None:
    world = World(Discovering(answer=answer))
    world.add_provider()
    state = await seen(world)
    assert isinstance(state, ProviderUnusable)
    assert state.reason is reason


async def test_an_endpoint_elsewhere_may_be_allowed() -> None:
    world = World(Discovering(answer=Discovered(ELSEWHERE)))
    world.add_provider(allowedOrigins=["https://elsewhere.example.com"])
    assert isinstance(await seen(world), ProviderUsable)


async def test_our_own_words_about_a_tenants_provider_are_shown_and_its_own_are_not() -> None:
    for answer, shown in (
        (DiscoveryRefused("look here"), False),
        (DiscoveryRefused("look here", ours=True), True),
        (Discovered(ELSEWHERE), True),
    ):
        world = World(Discovering(answer=answer))
        spec = {"issuer": ISSUER}
        own = document(OAUTH_PROVIDERS, NAMESPACE, "own", spec=spec)
        world.cluster.create(OAUTH_PROVIDERS, own)
        state = await seen(world, OWN)
        assert isinstance(state, ProviderUnusable)
        assert ("look here" in state.message or "allowedOrigins" in state.message) is shown


async def test_an_endpoint_in_the_spec_stands_in_for_one_in_the_document() -> None:
    metadata = AuthorizationServerMetadata(issuer=ISSUER, token_endpoint=f"{ISSUER}/token")
    world = World(Discovering(answer=Discovered(metadata)))
    world.add_provider(registrationEndpoint=f"{ISSUER}/clients")
    state = await seen(world)
    assert isinstance(state, ProviderUsable)
    assert state.snapshot.registration_endpoint == f"{ISSUER}/clients"


async def test_a_provider_that_cannot_be_read_is_not_used() -> None:
    world = World()
    world.add_provider(issuer=7)
    state = await seen(world)
    assert isinstance(state, ProviderUnusable)
    assert "spec.issuer" in state.message


@dataclass(slots=True)
class Faulty(FakeKubernetesApi):
    async def json_patch(self, resource: Resource, *_arguments: object) -> dict[str, object]:  # type: ignore[override]  # it never answers
        raise RuntimeError(f"a fault in patching {resource.plural}")


async def test_a_fault_of_ours_is_in_status_and_goes_to_the_log_of_the_worker() -> None:
    world = World()
    world.add_provider()
    world.add_client()
    context = replace(world.context, kubernetes=Faulty(world.cluster))  # type: ignore[arg-type]  # as above
    with pytest.raises(RuntimeError, match="a fault in patching oauthclients"):
        await reconcile(CLIENT, context)
    assert world.condition() == ("False", "InternalError")


def add_own_provider(world: World) -> None:
    body = document(OAUTH_PROVIDERS, NAMESPACE, "own", spec={"issuer": ISSUER})
    world.cluster.create(OAUTH_PROVIDERS, body)


async def test_where_namespaced_providers_are_switched_off_none_is_even_read() -> None:
    world = World(namespaced_providers=False)
    add_own_provider(world)
    world.add_client(providerRef={"kind": "OAuthProvider", "name": "own"})
    await world.run_pass()
    assert world.condition("ProviderReady") == ("False", "ProviderNotFound")
    assert "switched them off" in str(world.status["conditions"])
    assert "get oauthproviders" not in world.wire.calls
    assert not world.wire.requests


async def test_a_client_of_a_namespaced_provider_is_deleted_also_when_those_are_switched_off() -> (
    None
):
    world = World(FakeProvider(initial_access_token=None))
    add_own_provider(world)
    world.add_client(providerRef={"kind": "OAuthProvider", "name": "own"})
    await world.settle()
    assert world.condition() == ("True", "Ready")
    world.namespaced_providers = False
    world.delete_client()
    await world.settle()
    assert world.client is None
    assert not world.provider.clients
