"""Removes what has expired: once a minute, in batches so small that no request waits for one.

Nothing rests on it: what has expired is refused, removed or not.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import structlog

from dcr_server.server import Server
from dcr_server.storage.protocol import StorageUnavailable

BATCH: Final = 50
SECONDS_BETWEEN: Final = 60.0
_SECONDS_BETWEEN_BATCHES: Final = 0.05
_JITTER_BYTES: Final = 2

Sleep = Callable[[float], Awaitable[None]]
Removed = Callable[[str, int], None]

log = structlog.get_logger()


@contextlib.asynccontextmanager
async def cleaning(server: Server, removed: Removed) -> AsyncIterator[None]:
    """Clean up while the context is open."""
    task = asyncio.create_task(clean_regularly(server, removed))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def clean_regularly(server: Server, removed: Removed, sleep: Sleep = asyncio.sleep) -> None:
    """Go on for ever; an outage is waited out. Servers of one database do not do it in step."""
    while True:
        await sleep(SECONDS_BETWEEN * _around_one(server))
        try:
            counts = await clean_once(server, removed, sleep)
        except StorageUnavailable as error:
            log.warning("clean_up_failed", detail=str(error))
            continue
        except Exception:
            # A bug of ours: told, and no reason to let everything grow from now on.
            log.exception("clean_up_failed", detail="this is a bug: please report it")
            continue
        if counts:
            log.info("cleaned_up", **counts)


async def clean_once(server: Server, removed: Removed, sleep: Sleep) -> Counter[str]:
    """Remove all that has expired by now. Raises StorageUnavailable."""
    total: Counter[str] = Counter()
    now, retention = server.now(), server.audit_retention
    kept_from = None if retention is None else now - retention
    while True:
        counts = await server.storage.clean_up(now=now, limit=BATCH, audit_kept_from=kept_from)
        for kind, count in counts.items():
            if count:
                removed(kind, count)
                total[kind] += count
        if max(counts.values()) < BATCH:
            return total
        await sleep(_SECONDS_BETWEEN_BATCHES)


def _around_one(server: Server) -> float:
    """Return something from 0.75 to 1.25."""
    return 0.75 + int.from_bytes(server.entropy(_JITTER_BYTES)) / (2 << 8 * _JITTER_BYTES)
