"""One provider among twenty never answers: its own clients wait, and nobody else's."""

import asyncio

import pytest

from dcr_operator.backoff import Backoff
from dcr_operator.kube import Key
from dcr_operator.metrics import Metrics
from dcr_operator.ports import Context, Result
from dcr_operator.provider_lanes import provider_lanes
from dcr_operator.watchdog import Watchdog
from dcr_operator.work_queue import WorkQueue
from dcr_operator.workers import Workers
from tests.unit.operator.test_workers import NoContext

WORKERS, PROVIDERS, CLIENTS = 16, 20, 10
DEAD = 0
PATIENCE = 30.0  # seconds; nothing in here takes any


def client(provider: int, number: int) -> Key:
    return Key("OAuthClient", f"of-{provider}", f"app-{number}")


def provider_of(key: Key) -> Key:
    return Key("ClusterOAuthProvider", "", key.namespace)


@pytest.mark.parametrize("dead_first", [True, False])
async def test_the_clients_of_the_others_are_done_while_it_is_waited_for(
    *, dead_first: bool
) -> None:
    done: set[Key] = set()
    others = {client(p, n) for p in range(1, PROVIDERS) for n in range(CLIENTS)}
    waiting = {client(DEAD, n) for n in range(10 * CLIENTS)}
    all_done = asyncio.Event()

    async def reconcile(key: Key, context: Context) -> Result:
        assert isinstance(context, NoContext)
        if key in waiting:
            await asyncio.Event().wait()
        done.add(key)
        if done == others:
            all_done.set()
        return Result("Ready")

    loop = asyncio.get_running_loop()
    queue: WorkQueue[Key] = WorkQueue(
        loop, Backoff(lambda: 0.0), lanes=provider_lanes(WORKERS, provider_of)
    )
    workers = Workers(queue, reconcile, NoContext(), Metrics(), Watchdog(loop.time))
    running = workers.start(WORKERS)
    for key in [*waiting, *others] if dead_first else [*others, *waiting]:
        queue.add(key)
    await asyncio.wait_for(all_done.wait(), PATIENCE)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    assert done == others
