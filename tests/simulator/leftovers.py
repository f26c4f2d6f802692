"""What the queue of an operator does about clients that went, by an event or at its start."""

from dcr_operator.kube import OAUTH_CLIENTS, ApiError, object_meta
from dcr_operator.left_records import LeftRecords
from dcr_operator.ports import Result
from dcr_operator.reconcile import reconcile
from dcr_operator.resource_gone import is_retained
from tests.fakes.operator_world import CLIENT, World


async def pass_over(world: World) -> Result:
    """Make a pass over the client, then over the records of those that went."""
    hear(world)
    result = await reconcile(CLIENT, world.context)
    while hear(world):
        # The event has put the key into the queue once more.
        result = await reconcile(CLIENT, world.context)
    pending, world.queue[:] = dict.fromkeys(world.queue), []
    for key in pending:
        left = await reconcile(key, world.context)
        if left.failed:
            world.queue.append(key)
            result = left
    return result


def hear(world: World) -> bool:
    """Take note of what DELETED events say; whether there were any."""
    events = world.cluster.gone[world.heard :]
    world.heard = len(world.cluster.gone)
    world.use.gone += [object_meta(each).uid for each in events if not is_retained(each)]
    return bool(events)


def forget(world: World) -> None:
    """Events that came while no process was there are told to nobody."""
    world.heard = len(world.cluster.gone)
    world.use.gone.clear()
    world.queue.clear()


async def look_at_start(world: World) -> None:
    live = {object_meta(each).uid for each in world.cluster.all_of(OAUTH_CLIENTS, None)}
    if live >= {record.resource.uid for record in world.records()}:
        return  # it would list them, and find nothing
    look = LeftRecords(
        world.context, lambda: True, lambda: live, lambda _key, uid: world.use.gone.append(uid)
    )
    try:
        await look.look()
    except ApiError:
        await look_at_start(world)
