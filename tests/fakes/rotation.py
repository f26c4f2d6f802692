"""A provider that rotates secrets as our server does, and the person who asks for it."""

from dcr_operator.kube import OAUTH_CLIENTS, JsonObject, member
from tests.fakes.operator_world import NAME, NAMESPACE, World
from tests.fakes.provider import FakeProvider

OVERLAP = 3600.0  # seconds, where nothing is said


def rotating(*, idempotent: bool = True, lifetime: int = 0) -> FakeProvider:
    return FakeProvider(idempotent=idempotent, rotates=True, lifetime=lifetime)


def ask_for_rotation(world: World, value: str = "now") -> None:
    def annotate(each: JsonObject) -> None:
        member(each, "metadata")["annotations"] = {"dcr-operator.dev/rotate-requested-at": value}

    world.cluster.edit(OAUTH_CLIENTS, NAMESPACE, NAME, annotate)
