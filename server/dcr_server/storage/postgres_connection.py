"""Connections to PostgreSQL that are made when they are needed, and again after they were lost.

No statement waits for ever, whatever becomes of the server or the network between:

    connecting      patience, then a back-off that all connections share
    a statement     the server ends it after the same time (locks that others hold);
                    a second later the connection is given up (the server hangs)
"""

import asyncio
import contextlib
from collections.abc import Awaitable
from typing import Final, TypeAlias, TypeVar
from urllib.parse import unquote, urlsplit

import asyncpg

from dcr_server.storage.protocol import StorageUnavailable

WRITERS: Final = 0x6463722D
"""The key of the advisory lock that everybody takes first who writes or migrates: `dcr-`."""

_SHORTEST_WAIT: Final = 0.1
_LONGEST_WAIT: Final = 2.0
# What the server is given to say itself that a statement took too long.
_SECONDS_FOR_AN_ANSWER: Final = 1.0
_CACHED_STATEMENTS: Final = 200
# "off" would answer before the disk has it; what else is set waits for more than the disk.
_BE_DURABLE: Final = """SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') = 'off'"""

T = TypeVar("T")

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

LOST: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)
"""What a statement raises when the connection is gone, or not to be used any more."""


def without_password(url: str) -> str:
    """Name the database to people: user, host, port and name."""
    parts = urlsplit(url)
    user, at, where = parts.netloc.rpartition("@")
    return f"postgresql://{user.partition(':')[0]}{at}{where}{unquote(parts.path)}"


def what_it_said(error: Exception) -> str:
    """Give the message alone: details may show what a row holds, and others a part of the URL."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, asyncpg.PostgresError | asyncpg.InterfaceError):
        return str(error.args[0])
    return str(error) if isinstance(error, OSError) else "its URL cannot be understood"


class Connector:
    """Connects; after a failure not again for a while, so that everybody is told at once."""

    def __init__(self, url: str, *, patience: float) -> None:
        self.patience = patience
        self._url = url
        self._name = without_password(url)
        self._wait = 0.0
        self._not_before = 0.0
        self._last_failure = ""

    async def connect(self) -> Connection:
        """Raises StorageUnavailable."""
        loop = asyncio.get_running_loop()
        if self._wait and loop.time() < self._not_before:
            raise StorageUnavailable(self._last_failure)
        if self._wait:
            # Until it is known how this try ends, the others are told of the last one.
            self._not_before = loop.time() + self.patience
        try:
            connection = await self._connect()
        except (*LOST, asyncpg.PostgresError, ValueError) as error:
            self._wait = min(max(2 * self._wait, _SHORTEST_WAIT), _LONGEST_WAIT)
            self._not_before = loop.time() + self._wait
            reason = what_it_said(error)
            self._last_failure = f"the database {self._name} cannot be reached: {reason}"
            raise StorageUnavailable(self._last_failure) from error
        self._wait = 0.0
        return connection

    async def _connect(self) -> Connection:
        milliseconds = str(int(self.patience * 1000))
        async with asyncio.timeout(self.patience):
            connection: Connection = await asyncpg.connect(
                self._url,
                timeout=self.patience,
                statement_cache_size=_CACHED_STATEMENTS,
                max_cached_statement_lifetime=0,
                server_settings={
                    "application_name": "dcr-server",
                    "statement_timeout": milliseconds,
                    # A process that hangs amid a transaction must not stop the others.
                    "idle_in_transaction_session_timeout": milliseconds,
                },
            )
            try:
                await connection.fetch(_BE_DURABLE)
            except BaseException:
                connection.terminate()
                raise
        return connection


class Session:
    """One connection at a time, for one user at a time."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._connection: Connection | None = None

    async def connected(self) -> Connection:
        """Raises StorageUnavailable."""
        if self._connection is None or self._connection.is_closed():
            self._connection = None
            self._connection = await self._connector.connect()
        return self._connection

    async def within_patience(self, connection: Connection, statement: Awaitable[T]) -> T:
        """Await it; raise TimeoutError if no answer comes, others of LOST as they come."""
        # asyncpg's own timeout would ask the server, which hangs, to cancel the statement.
        seconds = self._connector.patience + _SECONDS_FOR_AN_ANSWER
        timer = asyncio.get_running_loop().call_later(seconds, self.give_up)
        try:
            return await statement
        except LOST as error:
            if self._connection is not connection:
                raise TimeoutError from error
            raise
        finally:
            timer.cancel()

    def give_up(self) -> None:
        """Connect anew next time, to another server perhaps."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def close(self) -> None:
        if self._connection is not None and not self._connection.is_closed():
            with contextlib.suppress(*LOST, TimeoutError):
                await self._connection.close(timeout=_SECONDS_FOR_AN_ANSWER)
        self.give_up()
