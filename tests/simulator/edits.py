"""What others may do between any two calls of the operator, and what that changes in the end."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from dcr_operator.kube import OAUTH_CLIENTS, SECRETS, JsonObject, Resource, object_meta
from dcr_operator.record import record_name
from tests.fakes.kubernetes_api import member_of
from tests.fakes.operator_world import (
    ELSEWHERE,
    NAME,
    NAMESPACE,
    SYSTEM,
    World,
    client_spec,
    document,
)
from tests.simulator.scenarios import (
    BY_POST,
    DEAD,
    DENIED,
    METADATA,
    Ending,
    Life,
    Scenario,
    lose_token,
    providers,
    set_spec,
)

THIRD_NAME: Final[JsonObject] = {**METADATA, "clientName": "Third name"}


@dataclass(frozen=True, slots=True)
class Edit:
    name: str
    do: Callable[[World], object]
    # From that of the scenario to that with the edit; None where the edit has no place.
    ending: Callable[[Ending], Ending | None]
    # What it changes: it may as well come after a call that has nothing to do with these.
    touches: frozenset[str]
    loses_tokens: bool = False
    # What a person does when everything has come to rest, where it cannot heal by itself.
    mend: Callable[[World], object] | None = None


_RESOURCE: Final = frozenset({"oauthclients"})
_SECRETS: Final = frozenset({"secrets"})
_PROVIDER: Final = frozenset({"provider"})
_GARBAGE: Final = _RESOURCE | _SECRETS  # what a resource owns goes with it


def edits_of(scenario: Scenario, edits: Iterable["Edit"]) -> list["Edit"]:
    """Return those that have a place in the operation."""
    return [
        edit
        for edit in edits
        if edit.name not in scenario.without and edit.ending(scenario.ending) is not None
    ]


def _same(ending: Ending) -> Ending:
    return ending


def _if_live(live: Callable[[Ending], Ending]) -> Callable[[Ending], Ending]:
    """Nobody brings back to life what is being deleted."""
    gone = (Life.DEAD, Life.RETAINED)
    return lambda ending: ending if ending.life in gone else live(ending)


def _edit_to(metadata: JsonObject) -> Callable[[World], None]:
    def do(world: World) -> None:
        client = world.client
        if client is not None:
            spec = client["spec"]
            assert isinstance(spec, dict)
            set_spec(world, {**spec, "clientMetadata": metadata})

    return do


def _delete_and_create(world: World) -> None:
    """Create it anew at the very moment when the old one is gone."""
    renewed = document(OAUTH_CLIENTS, NAMESPACE, NAME, spec=client_spec(clientMetadata=METADATA))
    world.delete_client()
    world.cluster.when_gone(OAUTH_CLIENTS, renewed)


def _move(world: World) -> None:
    client = world.client
    if client is not None:
        spec = client["spec"]
        assert isinstance(spec, dict)
        set_spec(world, {**spec, "providerRef": ELSEWHERE})


def _moved(ending: Ending) -> Ending:
    # What the policy of the other provider denies is nothing.
    return Ending({**ending.spec, "providerRef": ELSEWHERE})


def _secret_name(world: World) -> str:
    named = world.status.get("secretName")
    return named if isinstance(named, str) else NAME


def _edit_secret(change: Callable[[JsonObject], object]) -> Callable[[World], None]:
    def do(world: World) -> None:
        name = _secret_name(world)
        if world.cluster.get(SECRETS, NAMESPACE, name) is not None:
            world.cluster.edit(SECRETS, NAMESPACE, name, change)

    return do


def _other_password(secret: JsonObject) -> None:
    member_of(secret, "data")["client_secret"] = "dGFtcGVyZWQ="


def _delete_secret(world: World) -> None:
    world.cluster.delete(SECRETS, NAMESPACE, _secret_name(world))


def _foreign_secret(world: World) -> None:
    """Put a Secret of somebody else in the place of ours."""
    name = _secret_name(world)
    world.cluster.delete(SECRETS, NAMESPACE, name)
    body = document(SECRETS, NAMESPACE, name, data={"mine": "eA=="}, type="Opaque")
    world.cluster.create(SECRETS, body)
    world.foreign.append(name)


def _remove_foreign_secret(world: World) -> None:
    for name in world.foreign:
        found = world.cluster.get(SECRETS, NAMESPACE, name)
        assert found is not None
        assert found["data"] == {"mine": "eA=="}, "O5: a Secret of somebody else was changed"
        world.cluster.delete(SECRETS, NAMESPACE, name)
    world.foreign.clear()


def _touch(resource: Resource, namespace: str, name: str, world: World) -> None:
    if world.cluster.get(resource, namespace, name) is not None:
        world.cluster.edit(
            resource,
            namespace,
            name,
            lambda each: member_of(member_of(each, "metadata"), "annotations").update(by="others"),
        )


def _touch_record(world: World) -> None:
    _touch(SECRETS, SYSTEM, record_name(world.uid), world)


def _touch_client(world: World) -> None:
    _touch(OAUTH_CLIENTS, NAMESPACE, NAME, world)


def _remove_finalizer(world: World) -> None:
    client = world.client
    if client is not None and object_meta(client).deletion_timestamp is None:
        world.cluster.edit(
            OAUTH_CLIENTS,
            NAMESPACE,
            NAME,
            lambda each: member_of(each, "metadata").update(finalizers=[]),
        )


def _unless_retained(ending: Ending) -> Ending | None:
    """What is retained is no longer the operator's to look after."""
    return None if ending.life is Life.RETAINED else ending


def _take_away(world: World) -> None:
    world.cluster.take_away(OAUTH_CLIENTS, NAMESPACE, NAME)


def _unless_owned(ending: Ending) -> Ending | None:
    """A Secret that has its owner still goes with it, whatever was to be retained."""
    return None if ending.life is Life.RETAINED else DEAD


def _made_again(ending: Ending) -> Ending | None:
    # The retained Secret is in the way, as documented.
    if ending.life is Life.RETAINED:
        return None
    return DENIED if ending.life is Life.DENIED else Ending()


def _delete_at_the_provider(world: World) -> None:
    for provider in providers(world):
        for client_id in list(provider.clients):
            provider.forget(client_id)


EDITS: Final = (
    Edit(
        "the spec is edited",
        _edit_to(THIRD_NAME),
        _if_live(lambda ending: ending.with_metadata(THIRD_NAME)),
        _RESOURCE,
    ),
    Edit(
        "the spec is edited back",
        _edit_to(METADATA),
        _if_live(lambda ending: ending.with_metadata(METADATA)),
        _RESOURCE,
    ),
    Edit(
        "the authentication method is edited",
        _edit_to(BY_POST),
        _if_live(lambda ending: ending.with_metadata(BY_POST)),
        _RESOURCE,
    ),
    Edit("another provider is named", _move, _if_live(_moved), _RESOURCE),
    Edit("it is deleted", World.delete_client, _if_live(lambda _: DEAD), _GARBAGE),
    Edit("a deletion overtakes the finalizer", _take_away, _unless_owned, _GARBAGE),
    Edit("it is deleted and made again", _delete_and_create, _made_again, _GARBAGE),
    Edit("the Secret is tampered with", _edit_secret(_other_password), _unless_retained, _SECRETS),
    Edit("the Secret is deleted", _delete_secret, _unless_retained, _SECRETS),
    Edit(
        "the Secret is replaced by a foreign one",
        _foreign_secret,
        _unless_retained,
        _SECRETS,
        mend=_remove_foreign_secret,
    ),
    Edit("the record is written by another", _touch_record, _same, _SECRETS),
    Edit("the resource is written by another", _touch_client, _same, _RESOURCE),
    Edit("the finalizer is removed by hand", _remove_finalizer, _same, _RESOURCE),
    Edit(
        "the client is deleted at the provider",
        _delete_at_the_provider,
        _unless_retained,
        _PROVIDER,
    ),
    Edit("the token is reset at the provider", lose_token, _same, _PROVIDER, loses_tokens=True),
)
# What a person does who sees that something went wrong.
REACTIONS: Final = tuple(
    edit for edit in EDITS if edit.name in {"the spec is edited back", "it is deleted"}
)
