"""Bring a request to the provider to its end: sent, answered, and the answer on record.

A pass is cancelled when it takes too long, and when the process ends. Between an answer and its
record that would lose credentials that are shown once, so it has to wait for that moment.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

import structlog

# After workers.LONGEST nothing new is begun. What was begun then takes at most: the intent's write
# (30 s), the wait for the provider's turn (60 s), the exchange (60 s) and the pauses of
# record_store (31 s). Together below watchdog.LONGEST_PASS. Only an API server that hangs in each
# request takes longer; it is then cut all the same, which is no worse than a crash.
GRACE: Final = 185.0

Answer = TypeVar("Answer")
log = structlog.get_logger("dcr_operator")


async def uninterrupted(work: Coroutine[Any, Any, Answer], *, grace: float = GRACE) -> Answer:
    """Do the work; a cancellation is raised when the work is done, or after `grace` seconds."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        await _finish(task, asyncio.get_running_loop().time() + grace)
        raise
    return task.result()


async def _finish(task: asyncio.Task[Any], until: float) -> None:
    clock = asyncio.get_running_loop().time
    while not task.done() and clock() < until:
        try:
            await asyncio.wait({task}, timeout=until - clock())
        except asyncio.CancelledError:  # once more, by the end of the process
            continue
    if not task.done():
        task.cancel()
        await asyncio.wait({task})
    if not task.cancelled() and (error := task.exception()) is not None:
        log.warning("failed after its pass was cut short", error=type(error).__name__)
