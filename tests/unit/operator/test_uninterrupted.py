"""A pass that is cut short, or ended with the process, still stores what was answered."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from dcr_operator.kube import OAUTH_CLIENTS, SECRETS, ApiUnavailable, JsonObject, Resource, member
from dcr_operator.reconcile import reconcile
from dcr_operator.state import Registration
from dcr_operator.uninterrupted import GRACE, uninterrupted
from dcr_operator.watchdog import LONGEST_PASS
from dcr_operator.workers import LONGEST
from tests.fakes.kubernetes_api import FakeKubernetesApi
from tests.fakes.operator_world import (
    CLIENT,
    METADATA,
    NAME,
    NAMESPACE,
    SYSTEM,
    World,
    new_world,
    ready_world,
)
from tests.fakes.provider import RegisteredClient


class Held(FakeKubernetesApi):
    """An API server that takes no record once the provider has been asked, until it may."""

    down = True

    async def replace(
        self, resource: Resource, namespace: str | None, body: JsonObject
    ) -> JsonObject:
        if self.down and resource is SECRETS and namespace == SYSTEM and self.wire.requests:
            raise ApiUnavailable(503, "ServiceUnavailable", "no answer")
        return await FakeKubernetesApi.replace(self, resource, namespace, body)


async def cut_while_storing(world: World, *, recovers: bool) -> None:
    """Cancel a pass twice between an answer and its record."""
    world.wire.calls.clear()
    api, storing, go_on = Held(world.cluster, world.wire), asyncio.Event(), asyncio.Event()

    async def sleep(_seconds: float) -> None:
        storing.set()
        await go_on.wait()

    context = replace(world.context, kubernetes=api, sleep=sleep)
    making = asyncio.create_task(reconcile(CLIENT, context))
    await storing.wait()
    for _ in range(2):
        making.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert not making.done()
    api.down = not recovers
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await making


async def test_a_registration_that_was_answered_is_stored() -> None:
    world = new_world()
    await cut_while_storing(world, recovers=True)
    assert world.record.registration is not None
    assert world.record.registration.client_id in world.provider.clients
    assert world.record.intent is None


async def test_a_registration_that_cannot_be_stored_is_undone() -> None:
    world = new_world()
    with capture_logs() as logs:
        await cut_while_storing(world, recovers=False)
    assert not world.provider.clients
    assert "RecordNotWrittenError" in [each.get("error") for each in logs]


def _edit(world: World) -> None:
    world.set_client(clientMetadata={**METADATA, "clientName": "Other"})


def _ask_with_a_rotated_token(world: World) -> None:
    (client,) = world.provider.clients.values()
    client.tokens.append("rat-rotated")
    world.cluster.edit(
        OAUTH_CLIENTS,
        NAMESPACE,
        NAME,
        lambda each: member(each, "metadata").update(
            annotations={"dcr-operator.dev/reconcile-requested-at": "now"}
        ),
    )


@pytest.mark.parametrize("how", [_edit, _ask_with_a_rotated_token])
async def test_a_token_that_was_rotated_is_stored(how: Callable[[World], None]) -> None:
    world = await ready_world()
    how(world)
    await cut_while_storing(world, recovers=True)
    (client,) = world.provider.clients.values()
    assert _token(world.record.registration) == _newest(client)


def _token(registration: Registration | None) -> str:
    token = registration.registration_access_token if registration else None
    return token.get_secret_value() if token else ""


def _newest(client: RegisteredClient) -> str:
    return client.tokens[-1]


async def test_work_that_comes_to_no_end_is_cut_all_the_same() -> None:
    started = asyncio.Event()

    async def work() -> None:
        started.set()
        await asyncio.Event().wait()

    doing = asyncio.create_task(uninterrupted(work(), grace=0.001))
    await started.wait()
    doing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await doing
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_what_the_work_raises_is_raised() -> None:
    async def work() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await uninterrupted(work())


def test_a_pass_ends_before_the_watchdog_ends_the_process() -> None:
    assert LONGEST + GRACE < LONGEST_PASS
