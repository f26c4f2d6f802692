"""A tenant names providers that are not for it: nothing is read for it, nothing is sent."""

import pytest

from dcr_operator.kube import (
    CLUSTER_OAUTH_PROVIDERS,
    OAUTH_CLIENTS,
    OAUTH_PROVIDERS,
    SECRETS,
    JsonObject,
    object_meta,
)
from tests.fakes.kubernetes_api import member_of
from tests.fakes.operator_world import (
    CLIENT,
    NAME,
    NAMESPACE,
    PROVIDER,
    SYSTEM,
    World,
    document,
    encoded,
    new_world,
)
from tests.fakes.provider import INITIAL_ACCESS_TOKEN, ISSUER

VICTIM = "team-b"
DEFAULT = "dcr-operator.dev/is-default-provider"


def add_own_provider(world: World, namespace: str, *, name: str = "own") -> None:
    body = document(OAUTH_PROVIDERS, namespace, name, spec={"issuer": ISSUER})
    world.cluster.create(OAUTH_PROVIDERS, body)


def nothing_came_of_it(world: World) -> None:
    assert not world.provider.clients
    assert not world.wire.requests
    assert world.secret() is None
    assert world.records() == []
    assert object_meta(world.client or {}).finalizers == ()
    assert [call for call in world.wire.writes if call != "patch_status oauthclients"] == []


async def test_the_provider_of_another_namespace_is_not_found() -> None:
    world = World()
    add_own_provider(world, VICTIM)
    world.add_client(providerRef={"kind": "OAuthProvider", "name": "own"})
    await world.run_pass()
    assert world.condition() == ("False", "ProviderNotFound")
    nothing_came_of_it(world)


@pytest.mark.parametrize(
    "ref",
    [
        {"kind": "OAuthProvider", "name": "own", "namespace": VICTIM},
        {"kind": "OAuthProvider", "name": f"../{VICTIM}/own"},
        {"kind": "OAuthProvider", "name": f"{VICTIM}/own"},
        {"kind": "Secret", "name": "iat"},
        {"kind": "ClusterOAuthProvider", "name": "main\n"},
        {"kind": "ClusterOAuthProvider", "name": "main?dryRun=All"},
        {"kind": "ClusterOAuthProvider", "name": "a" * 254},
    ],
    ids=lambda ref: str(ref)[:60],
)
async def test_a_reference_that_leads_elsewhere_is_no_reference(ref: JsonObject) -> None:
    world = World()
    add_own_provider(world, VICTIM)
    world.add_provider()
    world.add_client(providerRef=ref)
    await world.run_pass()
    assert world.client is not None
    nothing_came_of_it(world)


@pytest.mark.parametrize(
    "allowed", [{"names": [VICTIM]}, {"names": ["team-"]}, {"names": ["TEAM-A"]}]
)
async def test_a_provider_that_does_not_allow_the_namespace_gives_nothing(
    allowed: JsonObject,
) -> None:
    world = new_world(allowedNamespaces=allowed)
    await world.run_pass()
    assert world.condition("ProviderReady")[0] == "False"
    nothing_came_of_it(world)
    # Not even its token was looked at.
    assert world.wire.calls.count("get secrets") == 2


async def test_labels_of_the_client_are_not_those_of_its_namespace() -> None:
    world = new_world(allowedNamespaces={"selector": {"matchLabels": {"oauth": "yes"}}})
    world.cluster.edit(
        OAUTH_CLIENTS,
        NAMESPACE,
        NAME,
        lambda each: member_of(each, "metadata").update(labels={"oauth": "yes"}),
    )
    await world.run_pass()
    assert world.condition() == ("False", "NamespaceNotAllowed")
    nothing_came_of_it(world)


async def test_a_provider_of_the_same_name_in_the_namespace_gets_no_token_of_the_cluster() -> None:
    world = World()
    world.add_provider()
    add_own_provider(world, NAMESPACE, name="main")
    world.add_client(providerRef={"kind": "OAuthProvider", "name": "main"})
    await world.run_pass()
    # The provider asks for a token, and the tenant's has none.
    assert world.condition() == ("False", "InitialAccessTokenRejected")
    assert not world.provider.clients


@pytest.mark.parametrize(
    ("member", "value"),
    [
        (
            "initialAccessToken",
            {"secretRef": {"namespace": SYSTEM, "name": "iat", "key": "token"}},
        ),
        ("tls", {"caRef": {"namespace": SYSTEM, "name": "iat", "key": "token"}}),
        ("backchannelOrigin", "http://vault.vault.svc:8200"),
        ("allowedNamespaces", {"names": ["*"]}),
    ],
)
async def test_what_only_administrators_may_say_makes_a_tenants_provider_invalid(
    member: str, value: object
) -> None:
    world = World()
    world.add_provider()
    spec: JsonObject = {"issuer": ISSUER, member: value}  # type: ignore[dict-item]  # JSON
    world.cluster.create(OAUTH_PROVIDERS, document(OAUTH_PROVIDERS, NAMESPACE, "own", spec=spec))
    world.add_client(providerRef={"kind": "OAuthProvider", "name": "own"})
    await world.run_pass()
    assert world.condition("ProviderReady")[0] == "False"
    assert INITIAL_ACCESS_TOKEN not in str(world.status)
    nothing_came_of_it(world)


async def test_a_tenants_provider_does_not_become_the_default_of_others() -> None:
    world = World()
    add_own_provider(world, NAMESPACE)
    world.cluster.edit(
        OAUTH_PROVIDERS,
        NAMESPACE,
        "own",
        lambda each: member_of(each, "metadata").update(annotations={DEFAULT: "true"}),
    )
    world.add_client()
    world.cluster.edit(
        OAUTH_CLIENTS, NAMESPACE, NAME, lambda each: member_of(each, "spec").pop("providerRef")
    )
    await world.run_pass()
    assert world.condition() == ("False", "ProviderNotFound")
    nothing_came_of_it(world)


async def test_a_forged_status_chooses_no_provider_and_no_client() -> None:
    world = new_world(allowedNamespaces={"names": [VICTIM]})
    forged: JsonObject = {
        "clientId": "client-of-another",
        "issuer": ISSUER,
        "providerRef": {"kind": PROVIDER.kind, "name": PROVIDER.name},
        "secretName": "iat",
        "registrationClientUri": f"{ISSUER}/register/client-of-another",
    }
    world.cluster.edit(
        OAUTH_CLIENTS, NAMESPACE, NAME, lambda each: each.update(status=dict(forged))
    )
    world.cluster.create(
        SECRETS, document(SECRETS, NAMESPACE, "iat", data=encoded({"token": "of another"}))
    )
    await world.run_pass()
    assert world.condition() == ("False", "RecordMissing")
    assert not world.wire.requests
    world.delete_client()
    await world.run_pass(CLIENT)
    assert world.secret("iat") == {"token": "of another"}
    assert world.cluster.get(CLUSTER_OAUTH_PROVIDERS, None, "main") is not None
