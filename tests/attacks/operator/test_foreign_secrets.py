"""A tenant has the operator write to, read or delete Secrets that are not its own: they stay."""

import pytest

from dcr_operator.kube import OAUTH_CLIENTS, OAUTH_PROVIDERS, SECRETS, JsonObject, Key
from dcr_operator.record import record_name
from tests.fakes.kubernetes_api import member_of
from tests.fakes.operator_world import (
    CLIENT,
    NAME,
    NAMESPACE,
    PROVIDER,
    SYSTEM,
    World,
    client_spec,
    document,
    encoded,
    new_world,
    ready_world,
)
from tests.fakes.provider import ISSUER

VICTIM = Key("OAuthClient", NAMESPACE, "victim")
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQifQ.c2ln"

FOREIGN: dict[str, JsonObject] = {
    "of a person": {"type": "Opaque", "data": encoded({"password": "p"})},
    "a token of a ServiceAccount": {
        "type": "kubernetes.io/service-account-token",
        "data": encoded({"token": JWT}),
    },
    "a certificate": {"type": "kubernetes.io/tls", "data": encoded({"tls.key": "k"})},
    "with the operator's label": {
        "type": "Opaque",
        "data": encoded({"client_secret": "s"}),
        "labels": {"app.kubernetes.io/managed-by": "dcr-operator"},
    },
    "of another owner": {
        "type": "Opaque",
        "data": encoded({"client_secret": "s"}),
        "owners": [{"uid": "another", "kind": "OAuthClient", "name": "other", "controller": True}],
    },
}


def add_foreign(world: World, secret: JsonObject, name: str = "foreign") -> JsonObject:
    body = document(SECRETS, NAMESPACE, name, type=secret["type"], data=secret["data"])
    metadata = member_of(body, "metadata")
    metadata["labels"] = secret.get("labels", {})
    owners = secret.get("owners", [])
    if isinstance(owners, list) and owners:
        # It is there, else the Secret would go with it.
        other = document(OAUTH_CLIENTS, NAMESPACE, "other", spec=client_spec())
        uid = member_of(world.cluster.create(OAUTH_CLIENTS, other), "metadata")["uid"]
        owners = [{**each, "uid": uid} for each in owners if isinstance(each, dict)]
    metadata["ownerReferences"] = owners
    return world.cluster.create(SECRETS, body)


def there(world: World, name: str = "foreign") -> JsonObject | None:
    return world.cluster.get(SECRETS, NAMESPACE, name)


@pytest.mark.parametrize("kind", FOREIGN)
async def test_a_secret_that_is_not_the_clients_is_not_written(kind: str) -> None:
    world = new_world()
    before = add_foreign(world, FOREIGN[kind])
    world.set_client(secret={"name": "foreign"})
    await world.settle()
    assert world.condition("SecretPublished") == ("False", "SecretConflict")
    assert there(world) == before
    assert not world.provider.clients
    world.delete_client()
    await world.settle()
    assert there(world) == before


@pytest.mark.parametrize("kind", FOREIGN)
async def test_renaming_onto_a_foreign_secret_leaves_both_as_they_are(kind: str) -> None:
    world = await ready_world()
    own = world.secret()
    before = add_foreign(world, FOREIGN[kind])
    world.set_client(secret={"name": "foreign"})
    await world.settle()
    assert world.condition() == ("False", "SecretConflict")
    assert (there(world), world.secret()) == (before, own)


@pytest.mark.parametrize("kind", FOREIGN)
async def test_a_forged_status_does_not_have_a_foreign_secret_deleted(kind: str) -> None:
    world = await ready_world()
    before = add_foreign(world, FOREIGN[kind])
    world.cluster.edit(
        OAUTH_CLIENTS,
        NAMESPACE,
        NAME,
        lambda each: member_of(each, "status").update(secretName="foreign"),
    )
    await world.settle()
    assert world.condition() == ("True", "Ready")
    assert there(world) == before


async def test_the_secret_of_another_client_is_not_taken_over() -> None:
    world = await ready_world()
    published = there(world, NAME)
    spec = client_spec(secret={"name": NAME})
    world.cluster.create(OAUTH_CLIENTS, document(OAUTH_CLIENTS, NAMESPACE, "victim", spec=spec))
    await world.run_pass(VICTIM)
    assert there(world, NAME) == published
    assert len(world.provider.clients) == 1


async def test_a_client_in_the_operators_namespace_cannot_have_a_record_overwritten() -> None:
    world = await ready_world(allowedNamespaces={"names": ["*"]})
    record = world.cluster.get(SECRETS, SYSTEM, record_name(world.uid))
    spec = client_spec(secret={"name": record_name(world.uid)})
    world.cluster.create(OAUTH_CLIENTS, document(OAUTH_CLIENTS, SYSTEM, "thief", spec=spec))
    await world.run_pass(Key("OAuthClient", SYSTEM, "thief"))
    assert world.cluster.get(SECRETS, SYSTEM, record_name(world.uid)) == record
    assert len(world.provider.clients) == 1


async def test_nor_its_own_record() -> None:
    world = new_world(allowedNamespaces={"names": ["*"]})
    thief = Key("OAuthClient", SYSTEM, "thief")
    made = world.cluster.create(
        OAUTH_CLIENTS, document(OAUTH_CLIENTS, SYSTEM, "thief", spec=client_spec())
    )
    own_record = record_name(str(member_of(made, "metadata")["uid"]))
    world.cluster.edit(
        OAUTH_CLIENTS,
        SYSTEM,
        "thief",
        lambda each: each.update(spec=client_spec(secret={"name": own_record})),
    )
    await world.run_pass(thief)
    await world.run_pass(thief)
    seen = world.cluster.need(OAUTH_CLIENTS, SYSTEM, "thief")
    assert "SecretConflict" in str(seen["status"])
    kept = world.cluster.need(SECRETS, SYSTEM, own_record)
    assert kept["type"] == "dcr-operator.dev/registration"
    assert set(member_of(kept, "data")) == {"record.json"}


@pytest.mark.parametrize(
    "kind", ["kubernetes.io/service-account-token", "dcr-operator.dev/registration"]
)
async def test_a_token_of_the_cluster_is_not_sent_as_an_initial_access_token(kind: str) -> None:
    world = World()
    add_foreign(world, {"type": kind, "data": encoded({"token": JWT})})
    ref: JsonObject = {"secretRef": {"name": "foreign", "key": "token"}}
    spec: JsonObject = {"issuer": ISSUER, "initialAccessToken": ref}
    world.cluster.create(OAUTH_PROVIDERS, document(OAUTH_PROVIDERS, NAMESPACE, "own", spec=spec))
    world.add_client(providerRef={"kind": "OAuthProvider", "name": "own"})
    await world.run_pass()
    assert world.condition() == ("False", "InitialAccessTokenMissing")
    assert JWT not in str(world.status)
    assert not world.wire.requests


@pytest.mark.parametrize("kind", ["kubernetes.io/service-account-token", "Opaque"])
async def test_nor_as_a_software_statement_unless_it_is_one(kind: str) -> None:
    world = new_world()
    token = JWT if kind != "Opaque" else "a password of the namespace"
    add_foreign(world, {"type": kind, "data": encoded({"token": token})})
    world.set_client(softwareStatementRef={"name": "foreign", "key": "token"})
    await world.run_pass()
    assert world.condition()[0] == "False"
    assert token not in str(world.status)
    assert not world.wire.requests


async def test_a_private_key_beside_a_certificate_does_not_get_into_the_secrets_of_tenants() -> (
    None
):
    certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    key = "-----BEGIN PRIVATE KEY-----\nBBBB\n-----END PRIVATE KEY-----\n"
    world = new_world(tls={"caRef": {"namespace": SYSTEM, "name": "ca", "key": "all.pem"}})
    bundle = encoded({"all.pem": f"password: CCCC\n{key}{certificate}{key}{certificate}"})
    world.cluster.create(SECRETS, document(SECRETS, SYSTEM, "ca", data=bundle))
    await world.settle()
    assert (world.secret() or {})["ca.crt"] == f"{certificate}{certificate}"
    assert PROVIDER.name in str(world.status)
    assert CLIENT.name == NAME
