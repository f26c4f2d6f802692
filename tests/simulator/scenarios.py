"""The operations that are gone through: one entry each, what comes before, and how each ends."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Final

from dcr_operator.kube import OAUTH_CLIENTS, JsonObject
from tests.fakes.operator_world import ELSEWHERE, NAME, NAMESPACE, RESYNC, World, client_spec
from tests.fakes.provider import FakeProvider
from tests.fakes.rotation import OVERLAP, ask_for_rotation

METADATA: Final[JsonObject] = {
    "clientName": "Dashboard",
    "redirectUris": ["https://dashboard.example.com/callback"],
}
NEW_NAME: Final[JsonObject] = {**METADATA, "clientName": "New name"}
BY_POST: Final[JsonObject] = {**METADATA, "tokenEndpointAuthMethod": "client_secret_post"}

# The choices under which everything heals by itself.
HEALING: Final[Mapping[str, object]] = {"onLostRegistrationAccessToken": "Reregister"}


class Life(Enum):
    LIVE = auto()
    DEAD = auto()  # nothing is left of it
    RETAINED = auto()  # the resource is gone; client, record and Secret stay
    DENIED = auto()  # the resource waits for another policy; nothing of it is registered


@dataclass(frozen=True, slots=True)
class Ending:
    """What must be so in the end, whatever happened on the way."""

    spec: JsonObject = field(default_factory=lambda: client_spec(clientMetadata=METADATA))
    life: Life = Life.LIVE

    def with_metadata(self, metadata: JsonObject) -> "Ending":
        return replace(self, spec={**self.spec, "clientMetadata": metadata})


DENIED: Final = Ending(life=Life.DENIED)
DEAD: Final = Ending(life=Life.DEAD)


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    prepare: Callable[[World], Awaitable[None]]
    begin: Callable[[World], object]  # after it the operator's first call can come
    ending: Ending
    seamless: bool = False  # at every moment a Secret opens a client
    loses_tokens: bool = False  # somebody takes our tokens away: the old client is left
    # Edits after which the end depends on whether the operation had begun.
    without: frozenset[str] = frozenset()


def providers(world: World) -> tuple[FakeProvider, FakeProvider]:
    return (world.provider, world.other)


def set_spec(world: World, spec: JsonObject) -> None:
    """Edit the resource, if it is there and not being deleted for good."""
    if world.client is not None:
        world.cluster.edit(OAUTH_CLIENTS, NAMESPACE, NAME, lambda each: each.update(spec=spec))


async def nothing(_world: World) -> None:
    """Begin with a provider and no client."""


async def ready(world: World) -> None:
    world.add_client(clientMetadata=METADATA)
    await world.settle()
    assert world.condition() == ("True", "Ready")
    # As after a workload's first request: the credentials of the Secret are in use.
    secret = world.secret()
    assert secret is not None
    assert world.provider.opens(secret["client_id"], secret["client_secret"])


_POLICY: Final[Mapping[str, object]] = {"clientPolicy": {"scopes": ["openid"]}}


async def _limited(world: World) -> None:
    """Have a provider that puts more in force than its policy allows."""
    world.set_provider(**HEALING, **_POLICY)
    world.provider.overrides = {"scope": "openid admin"}


async def _limited_from_now_on(world: World) -> None:
    world.set_provider(**HEALING, **_POLICY)
    await ready(world)
    world.provider.overrides = {"scope": "openid admin"}


def _create(world: World) -> None:
    world.add_client(clientMetadata=METADATA)


def _edited_to(metadata: JsonObject) -> Callable[[World], None]:
    return lambda world: set_spec(world, client_spec(clientMetadata=metadata))


def _vanish(world: World) -> None:
    for client_id in list(world.provider.clients):
        world.provider.forget(client_id)
    world.advance(RESYNC + 100)


def lose_token(world: World) -> None:
    """Have every registration access token replaced at the provider by its owner."""
    for provider in providers(world):
        for client in provider.clients.values():
            client.tokens = [f"reset-{client.client_id}"]


def _lose_token_and_edit(world: World) -> None:
    lose_token(world)
    _edited_to(NEW_NAME)(world)


def _drift(world: World) -> None:
    for client in world.provider.clients.values():
        client.metadata = {**client.metadata, "client_name": "Edited at the provider"}
    world.advance(RESYNC + 100)


RENAMED: Final = client_spec(clientMetadata=METADATA, secret={"name": "renamed"})
OF_TYPE: Final = client_spec(clientMetadata=METADATA, secret={"type": "kubernetes.io/basic-auth"})
RETAINING: Final = client_spec(clientMetadata=METADATA, deletionPolicy="Retain")


MOVED: Final = client_spec(clientMetadata=METADATA, providerRef=ELSEWHERE)


async def _moved(world: World) -> None:
    await ready(world)
    set_spec(world, MOVED)
    await world.run_pass()
    assert world.condition() == ("True", "Ready")
    assert world.provider.clients


async def _rotated(world: World) -> None:
    await ready(world)
    ask_for_rotation(world)
    await world.run_pass()
    secret = world.secret()
    assert secret is not None
    assert "previous_client_secret" in secret


def _retain(world: World) -> None:
    set_spec(world, RETAINING)
    world.delete_client()


SCENARIOS: Final = (
    Scenario("create", nothing, _create, Ending()),
    Scenario("update", ready, _edited_to(NEW_NAME), Ending().with_metadata(NEW_NAME), True),
    Scenario(
        "update how it authenticates", ready, _edited_to(BY_POST), Ending().with_metadata(BY_POST)
    ),
    Scenario("repair drift", ready, _drift, Ending(), True),
    Scenario("register again a client that vanished", ready, _vanish, Ending()),
    Scenario(
        "register again after a lost token",
        ready,
        _lose_token_and_edit,
        Ending().with_metadata(NEW_NAME),
        loses_tokens=True,
    ),
    Scenario(
        "rename the Secret", ready, lambda world: set_spec(world, RENAMED), Ending(RENAMED), True
    ),
    Scenario(
        "change the Secret's type", ready, lambda world: set_spec(world, OF_TYPE), Ending(OF_TYPE)
    ),
    Scenario(
        "move to another provider", ready, lambda world: set_spec(world, MOVED), Ending(MOVED), True
    ),
    Scenario("move back", _moved, _edited_to(METADATA), Ending(), True),
    Scenario(
        "end the registration that was left",
        _moved,
        lambda world: world.advance(RESYNC),
        Ending(MOVED),
        True,
    ),
    Scenario("rotate the secret", ready, ask_for_rotation, Ending(), seamless=True),
    Scenario(
        "end the overlap of a rotation",
        _rotated,
        lambda world: world.advance(OVERLAP),
        Ending(),
        seamless=True,
    ),
    Scenario("create what the answer shows to be denied", _limited, _create, DENIED),
    Scenario(
        "update what the answer shows to be denied",
        _limited_from_now_on,
        _edited_to(NEW_NAME),
        DENIED.with_metadata(NEW_NAME),
        # What was admitted once stays; only an update is asked anew.
        without=frozenset({"the spec is edited back"}),
    ),
    Scenario("delete", ready, World.delete_client, DEAD),
    Scenario("delete and retain", ready, _retain, Ending(RETAINING, Life.RETAINED)),
)
