"""Whole passes when the cluster, and not the provider, stands in the way."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from dcr_operator.kube import (
    SECRETS,
    ApiError,
    ApiForbidden,
    ApiInvalid,
    ApiUnavailable,
    JsonObject,
    Key,
    Resource,
    object_meta,
)
from dcr_operator.ports import Result
from dcr_operator.reconcile import reconcile
from tests.fakes.faults import Wire
from tests.fakes.kubernetes_api import FakeKubernetesApi, member_of
from tests.fakes.operator_world import (
    CLIENT,
    NAME,
    NAMESPACE,
    PROVIDER,
    SYSTEM,
    World,
    encoded,
    new_world,
    ready_world,
)

QUOTA = 'secrets "dashboard" is forbidden: exceeded quota: q, used: secrets=5, limited: secrets=5'


@dataclass(slots=True)
class Admitting(FakeKubernetesApi):
    """An API server with opinions about tenants' Secrets and about who may read which."""

    refusal: ApiError | None = None
    mutation: Callable[[JsonObject], object] | None = None
    unreadable: frozenset[str] = field(default_factory=frozenset)

    async def get(self, resource: Resource, namespace: str | None, name: str) -> JsonObject | None:
        if resource is SECRETS and name in self.unreadable:
            raise ApiForbidden(403, "Forbidden", f"secrets {name} is forbidden")
        return await FakeKubernetesApi.get(self, resource, namespace, name)

    async def create(
        self, resource: Resource, namespace: str | None, body: JsonObject
    ) -> JsonObject:
        if namespace == NAMESPACE and self.refusal is not None:
            raise self.refusal
        answer = await FakeKubernetesApi.create(self, resource, namespace, body)
        return self._admitted(answer) if namespace == NAMESPACE else answer

    async def apply(
        self, resource: Resource, namespace: str | None, body: JsonObject, *, force: bool = True
    ) -> JsonObject:
        return self._admitted(
            await FakeKubernetesApi.apply(self, resource, namespace, body, force=force)
        )

    def _admitted(self, answer: JsonObject) -> JsonObject:
        if self.mutation is None:
            return answer
        return self.cluster.edit(SECRETS, NAMESPACE, NAME, self.mutation)


async def a_pass(
    world: World,
    *,
    refusal: ApiError | None = None,
    mutation: Callable[[JsonObject], object] | None = None,
    unreadable: str = "",
    key: Key = CLIENT,
) -> Result:
    world.wire = Wire()
    api = Admitting(world.cluster, world.wire, refusal, mutation, frozenset({unreadable}))
    return await reconcile(key, replace(world.context, kubernetes=api, references=api))


REFUSALS = [
    ApiForbidden(403, "Forbidden", QUOTA),
    ApiInvalid(422, "Invalid", "metadata.labels: Invalid value"),
    ApiError(400, "BadRequest", "admission webhook denied the request"),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda error: error.reason)
async def test_what_the_cluster_has_against_the_secret_is_told_in_its_words(
    refusal: ApiError,
) -> None:
    world = new_world()
    await a_pass(world, refusal=refusal)
    result = await a_pass(world, refusal=refusal)
    assert (result.reason, result.failed) == ("SecretRefused", True)
    assert world.condition("SecretPublished") == ("False", "SecretRefused")
    assert world.events.reasons == ["SecretRefused"]
    assert refusal.message in world.events.seen[0][2]
    assert world.wire.writes == []
    await world.settle()
    assert world.condition() == ("True", "Ready")
    assert list(world.provider.clients) == ["client-1"]


async def test_a_refusal_that_quotes_the_secret_is_told_without_it() -> None:
    world = new_world()
    await a_pass(world, refusal=ApiInvalid(422, "Invalid", "stringData: secret-2 is too weak"))
    assert "too weak" in world.events.seen[0][2]
    assert "secret-2" not in f"{world.status} {world.events.seen}"


async def test_a_refusal_that_quotes_a_file_with_the_secret_is_told_without_it() -> None:
    world = new_world()
    world.set_client(secret={"template": {"pair": "${client_id}:${client_secret}"}})
    whole = base64.b64encode(b"client-1:secret-2").decode()
    await a_pass(world, refusal=ApiInvalid(422, "Invalid", f"no: client-1:secret-2 {whole}"))
    told = f"{world.status} {world.events.seen}"
    assert "secret-2" not in told
    assert whole not in told


INVALID = {"template": {"config.ini": "token=${registration_access_token}"}}


async def test_an_invalid_template_keeps_a_client_from_being_registered() -> None:
    world = new_world()
    world.set_client(secret=INVALID)
    await world.settle()
    assert world.condition("SecretPublished") == ("False", "TemplateInvalid")
    assert world.condition("Stalled") == ("True", "TemplateInvalid")
    assert "registration_access_token" in world.events.seen[0][2]
    assert not world.provider.clients
    world.set_client(secret={"template": {"config.ini": "id=${client_id}"}})
    await world.settle()
    assert world.condition() == ("True", "Ready")
    assert (world.secret() or {})["config.ini"] == "id=client-1"


async def test_an_invalid_template_leaves_the_secret_of_a_client_as_it_was() -> None:
    world = await ready_world()
    before = world.secret()
    world.set_client(secret=INVALID)
    await world.settle()
    assert world.condition() == ("False", "TemplateInvalid")
    assert world.secret() == before


async def test_another_preset_takes_the_keys_of_the_one_before_away() -> None:
    world = await ready_world()
    world.set_client(secret={"preset": "EnvoyGateway"})
    await world.settle()
    assert world.secret() == {"client-id": "client-1", "client-secret": "secret-2"}
    world.set_client(secret={"preset": "ArgoCD"})
    await world.settle()
    assert set(world.secret() or {}) == {"oidc.clientID", "oidc.clientSecret", "oidc.issuer"}
    found = world.cluster.need(SECRETS, NAMESPACE, NAME)
    assert object_meta(found).labels["app.kubernetes.io/part-of"] == "argocd"


async def test_an_api_server_without_an_answer_is_no_refusal() -> None:
    world = new_world()
    error = ApiUnavailable(429, "TooManyRequests", "slow down", retry_after=9e9)
    assert (await a_pass(world, refusal=error)).requeue_after == 3600.0


def _relabel(body: JsonObject) -> None:
    labels = member_of(member_of(body, "metadata"), "labels")
    labels["app.kubernetes.io/managed-by"] = "someone-else"


async def test_a_secret_that_others_change_at_once_is_written_once_in_a_pass() -> None:
    world = new_world()
    await a_pass(world, mutation=_relabel)
    result = await a_pass(world, mutation=_relabel)
    assert result.reason == "SecretRefused"
    assert "labels app.kubernetes.io/managed-by" in world.events.seen[0][2]
    assert len(world.wire.writes) == 1
    await world.settle()
    assert world.condition() == ("True", "Ready")


async def test_a_secret_that_finalizers_hold_is_waited_for() -> None:
    world = await ready_world()

    def hold(body: JsonObject) -> None:
        member_of(body, "metadata")["finalizers"] = ["example.com/hold"]

    world.cluster.edit(SECRETS, NAMESPACE, NAME, hold)
    world.set_client(secret={"type": "kubernetes.io/basic-auth"})
    await world.settle()
    assert world.condition() == ("False", "SecretRefused")

    def release(body: JsonObject) -> None:
        member_of(body, "metadata")["finalizers"] = []

    world.cluster.edit(SECRETS, NAMESPACE, NAME, release)
    await world.settle()
    assert world.condition() == ("True", "Ready")
    assert (world.secret() or {})["username"] == "client-1"


UNREADABLE = [("iat", "InitialAccessTokenMissing"), ("ca", "CertificateAuthorityMissing")]


@pytest.mark.parametrize(("name", "reason"), UNREADABLE)
@pytest.mark.parametrize("key", [CLIENT, PROVIDER], ids=["client", "provider"])
async def test_a_secret_of_the_provider_that_may_not_be_read_is_named(
    name: str, reason: str, key: Key
) -> None:
    world = new_world(tls={"caRef": {"namespace": SYSTEM, "name": "ca", "key": "ca.crt"}})
    if name == "iat":
        world.set_provider()
    result = await a_pass(world, unreadable=name, key=key)
    assert result.reason == reason
    assert "may not be read" in world.events.seen[0][2]


@pytest.mark.parametrize("token", ["\ufeffabc", "two words", "ключ", " \n"])
async def test_what_cannot_be_a_token_is_never_sent(token: str) -> None:
    world = new_world()
    data = encoded({"token": token})
    world.cluster.edit(SECRETS, SYSTEM, "iat", lambda each: each.update(data=data))
    for key in (CLIENT, PROVIDER):
        assert (await world.run_pass(key)).reason == "InitialAccessTokenMissing"
    assert world.wire.requests == []
    assert world.records() == []
    assert "iat" in world.events.seen[0][2]


async def test_an_internal_error_is_one_event() -> None:
    world = new_world()
    for _ in range(2):
        world.wire = Wire()
        api = Admitting(world.cluster, world.wire, unreadable=frozenset({NAME}))
        await reconcile(CLIENT, replace(world.context, kubernetes=api))
    assert world.events.reasons == ["InternalError"]


async def test_a_client_that_goes_without_a_last_pass_is_not_counted() -> None:
    world = World()
    world.add_client()
    await world.run_pass()
    assert world.metrics.ready
    world.delete_client()
    await world.run_pass()
    assert not world.metrics.ready


async def test_a_start_with_a_dead_provider_leaves_ready_clients_ready() -> None:
    world = await ready_world()
    world.restart()
    world.provider.down = True
    writes = []
    for outage in ("no connection", "no connection; not asked again for 2 s", "no answer"):
        world.provider.outage = outage
        await world.run_pass()
        writes += world.wire.writes
        assert world.condition() == ("True", "Ready")
        world.advance(300)
    assert writes == ["patch_status oauthclients"]
    assert world.condition("ProviderReady") == ("False", "ProviderUnavailable")
    world.provider.down = False
    await world.settle()
    assert world.condition("ProviderReady") == ("True", "ProviderReady")
