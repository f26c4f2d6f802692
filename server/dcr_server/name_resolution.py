"""Names are resolved by the system, in threads of its own.

A name server that hangs, and every attacker can have one, must not occupy the threads that others
work with, nor hold up the end.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
LookUp = Callable[[str, int], Sequence[str]]

MOST_THREADS: Final = 16


class SystemResolver:
    """Resolves at most `most_threads` names at a time; beyond that a name does not resolve."""

    def __init__(self, most_threads: int = MOST_THREADS, look_up: LookUp | None = None) -> None:
        self._look_up = look_up or _look_up
        self._free = threading.BoundedSemaphore(most_threads)

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses in the order of preference, none where there are none."""
        if not self._free.acquire(blocking=False):
            return ()
        loop = asyncio.get_running_loop()
        found: asyncio.Future[Sequence[str]] = loop.create_future()

        def tell(addresses: Sequence[str]) -> None:
            if not found.done():
                found.set_result(addresses)

        def work() -> None:
            try:
                addresses = self._look_up(host, port)
            finally:
                self._free.release()
            # Nobody waits any more when the loop is closed.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(tell, addresses)

        threading.Thread(target=work, name="resolve", daemon=True).start()
        return await found


def _look_up(host: str, port: int) -> Sequence[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # a label that is empty or too long
        return ()
    return [str(entry[4][0]) for entry in found]
