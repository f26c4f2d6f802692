"""What must be so when an operation has come to its end: O1 to O6, each with its sentence."""

import json
import re
from dataclasses import dataclass, field
from typing import Final

from dcr_operator.conditions import conditions_of
from dcr_operator.kube import (
    CLUSTER_OAUTH_PROVIDERS,
    OAUTH_CLIENTS,
    SECRETS,
    JsonObject,
    member,
    object_meta,
    text,
)
from dcr_operator.reconcile_request import ROTATION_ANNOTATION
from dcr_operator.record import record_name
from tests.fakes.kubernetes_api import Place
from tests.fakes.operator_world import NAME, NAMESPACE, RESYNC, SYSTEM, World
from tests.fakes.provider import FakeProvider, RegisteredClient
from tests.simulator.scenarios import Ending, Life

# Where the answer with the only name of a client, or with the only token that manages it, can get
# lost at a provider that does not honour the key.
_WINDOW: Final = re.compile(
    r"provider (register|update|read|rotate)|replace secrets|create secrets"
)


@dataclass(slots=True)
class Run:
    """An operation that has been gone through, with what happened on the way."""

    world: World
    ending: Ending
    struck: list[str] = field(default_factory=list)  # the calls at which something happened
    loses_tokens: bool = False  # somebody took our tokens away: orphans by name are right
    overlapping: bool = False  # two operators at once: each may take the other for a dead one
    calls: list[str] = field(default_factory=list)  # until nothing more was to do
    reached: bool = True
    said: list[str] = field(default_factory=list)  # the lines of the log


def client_of_record(world: World) -> str | None:
    """Return the client_id on the record of the resource that is there."""
    records = [record for record in world.records() if record.resource.uid == world.uid]
    registration = records[0].registration if records else None
    return registration.client_id if registration else None


def clients_of(world: World) -> dict[str, RegisteredClient]:
    """Return the clients of all providers."""
    return world.provider.clients | world.other.clients


def provider_of(world: World, client_id: str) -> FakeProvider:
    return world.other if client_id in world.other.clients else world.provider


def o1_one_client_for_each_live_uid(run: Run) -> None:
    """O1: exactly one client per live uid, none for dead ones; what is left is on record."""
    world, clients = run.world, clients_of(run.world)
    managed = client_of_record(world)
    if run.ending.life is Life.LIVE:
        assert managed in clients, f"O1: no client at the provider, on record {managed}"
    if run.ending.life is Life.RETAINED:
        (record,) = world.records()
        managed = record.registration.client_id if record.registration else None
        assert managed in clients, "O1: the retained client is gone"
    orphans = [orphan for record in world.records() for orphan in record.orphans]
    named = {orphan.client_id for orphan in orphans if orphan.client_id}
    nameless = len([orphan for orphan in orphans if not orphan.client_id])
    left = clients.keys() - {managed}
    unknown = left - named
    assert len(unknown) <= nameless, f"O1: {sorted(unknown)} left behind, on record {orphans}"
    assert managed not in named, f"O1: {managed} is managed and on record as left behind"
    assert nameless <= len(run.struck), f"O1: more orphans on record than faults: {orphans}"
    if world.provider.idempotent or run.overlapping:
        assert not unknown, f"O1: {sorted(unknown)} left where nothing has to be"
        assert not orphans or run.loses_tokens, f"O1: orphans were invented: {orphans}"
    if left and not run.loses_tokens and not run.overlapping:
        assert any(_WINDOW.match(call) for call in run.struck), (
            f"O1: {sorted(left)} left behind, and no answer was lost: {run.struck}"
        )


def o2_the_secret_opens_the_client(run: Run) -> None:
    """O2: authenticate with what is in the Secret."""
    world = run.world
    if run.ending.life in (Life.DEAD, Life.DENIED):
        for name in (NAME, "renamed"):
            assert world.secret(name) is None or name in world.foreign, "O2: a Secret is left"
        return
    secret = world.secret(_secret_name(run.ending))
    assert secret is not None, "O2: there is no Secret"
    managed = client_of_record(world)
    assert managed in (secret["client_id"], None), f"O2: the Secret is for another than {managed}"
    method = secret["token_endpoint_auth_method"]
    provider = provider_of(world, secret["client_id"])
    opens = provider.opens(secret["client_id"], secret["client_secret"], method)
    assert opens, f"O2: {secret['client_id']} refuses what is in the Secret"


def _secret_name(ending: Ending) -> str:
    named = member(ending.spec, "secret").get("name")
    return named if isinstance(named, str) else NAME


async def o3_silence(run: Run) -> None:
    """O3: nothing is written and nothing asked; a resync reads, and writes nothing either."""
    world = run.world
    await world.run_pass()
    calls = world.wire.writes + world.wire.requests
    assert not calls, f"O3: still busy: {calls}"
    world.advance(RESYNC + 100)
    await world.run_pass()
    if not world.provider.token_changes_on_read:
        assert not world.wire.writes, f"O3: a resync writes: {world.wire.writes}"
    asked = [call for call in world.wire.requests if call != "provider read"]
    assert not asked, f"O3: a resync asks for more than a read: {asked}"


def o4_the_status_tells_the_truth(run: Run) -> None:
    """O4: Ready for this very generation, with the client that the Secret opens."""
    world, status = run.world, run.world.status
    if run.ending.life is Life.DENIED:
        assert world.condition() == ("False", "PolicyDenied"), f"O4: {status}"
        return
    if run.ending.life is not Life.LIVE:
        assert world.client is None, f"O4: the resource is still there: {status}"
        assert not world.metrics.ready, "O4: the metrics still count it"
        return
    conditions = conditions_of(status)
    states = {text(each, "type"): text(each, "status") for each in conditions}
    expected = dict.fromkeys(("Ready", "ProviderReady", "Registered", "SecretPublished"), "True")
    assert states == expected, f"O4: {conditions}"
    asked = object_meta(world.client or {}).annotations.get(ROTATION_ANNOTATION)
    assert status.get("lastHandledRotateAt") == asked, "O4: a request to rotate is not answered"
    generation = object_meta(world.client or {}).generation
    assert status["observedGeneration"] == generation, "O4: an older generation was observed"
    assert status["clientId"] == client_of_record(world), "O4: another client_id"
    assert status["secretName"] == _secret_name(run.ending), "O4: another Secret"
    assert not world.metrics.intents, "O4: an intent is counted as pending"


# The values that the provider in memory gives out.
_CREDENTIAL: Final = re.compile(r"\b(secret|rat|reset)-\d+|iat-of-the-tests")


def o5_nothing_of_others_is_touched_and_nothing_is_told(run: Run) -> None:
    """O5: no write outside our ownership; no credential in Events, status, metrics or logs."""
    world = run.world
    foreign = {place for place in world.cluster.written if not _ours(place)}
    assert not foreign, f"O5: written by the operator: {foreign}"
    if world.client is not None:
        assert world.client["spec"] == run.ending.spec, "O5: the spec was written"
        assert not object_meta(world.client).labels, "O5: labels were written"
    told = f"{world.events.seen} {json.dumps(world.status)} {world.metrics} {run.said}"
    leak = _CREDENTIAL.search(told)
    assert leak is None, f"O5: {leak} is told to everybody"


def _ours(place: Place) -> bool:
    plural, namespace, name = place
    if plural == SECRETS.plural:
        record = namespace == SYSTEM and name.startswith(record_name(""))
        return record or (namespace == NAMESPACE and name in (NAME, "renamed"))
    assert plural != CLUSTER_OAUTH_PROVIDERS.plural, "O5: a provider was written"
    return place == (OAUTH_CLIENTS.plural, NAMESPACE, NAME)


def o6_the_same_end_by_any_history(run: Run, reference: JsonObject) -> None:
    """O6: what is there is what a resource of this spec would have, made without any trouble."""
    found = fingerprint(run.world)
    differing = [name for name in reference if found.get(name) != reference[name]]
    assert not differing, (
        f"O6: {differing}: {[(found.get(name), reference[name]) for name in differing]}"
    )


_NUMBERED: Final = re.compile(r"\b(client|secret|rat|uid|intent)-\d+")


def fingerprint(world: World) -> JsonObject:
    """Describe all that is there, apart from what differs from one client to the next."""
    (record,) = [each for each in world.records() if each.resource.uid == world.uid]
    assert record.registration is not None
    history = ("observedGeneration", "lastRotationTime", "lastHandledRotateAt")
    status = {name: value for name, value in world.status.items() if name not in history}
    described: JsonObject = {
        "status": _without_times(status),
        "secrets": _tenant_secrets(world),
        "client": clients_of(world)[record.registration.client_id].metadata,
        "record": {
            "spec": record.registration.spec_hash,
            "metadata": dict(record.registration.metadata),
            "uncertain": record.registration.uncertain,
            "provider": repr(record.provider),
            "intent": repr(record.intent),
            "refusal": repr((record.refusal, record.rotation_refusal)),
            "unanswered": record.unanswered,
            "retiring": repr(record.retiring),
        },
        "finalizers": list(object_meta(world.client or {}).finalizers),
    }
    plain: JsonObject = json.loads(_NUMBERED.sub(r"\1-N", json.dumps(described)))
    return plain


def _without_times(status: JsonObject) -> JsonObject:
    kept = ("type", "status", "reason", "message")
    plain = [{name: each[name] for name in kept} for each in conditions_of(status)]
    return {**status, "conditions": [*plain]}


def _tenant_secrets(world: World) -> JsonObject:
    found: JsonObject = {}
    for (plural, namespace, name), body in world.cluster.objects.items():
        if (plural, namespace) == (SECRETS.plural, NAMESPACE):
            meta = object_meta(body)
            owners = [f"{each.kind} {each.name}" for each in meta.owners]
            values = dict(world.secret(name) or {})
            found[name] = {
                "data": {**values},
                "labels": dict(meta.labels),
                "owners": [*owners],
                "type": body.get("type"),
            }
    return found
