"""The server under test and its database, which can be killed and started again."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from dcr_server.minting import TokenRequest, mint_initial_access_token, new_subject
from dcr_server.records import Owner
from dcr_server.storage.opening import open_database
from dcr_server.tokens import system_entropy
from tests.processes.dcr_server import DcrServerSettings
from tests.processes.postgresql import Postgresql, running_postgresql, start_postgresql
from tests.processes.postgresql_programs import postgresql_programs
from tests.soak.ledger import Row
from tests.soak.warm_start import WarmServer, start_warm_server, wait_until_ready

_POLICY = "default"


@dataclass(slots=True)
class Stage:
    settings: DcrServerSettings
    url: str
    """Of the database."""
    server: WarmServer
    postgresql: Postgresql | None = None
    restart_seconds: list[float] = field(default_factory=list)

    def kill_server(self) -> None:
        self.server.kill_9()

    def kill_database(self) -> None:
        if self.postgresql is not None:
            self.postgresql.kill_9()

    def start_again(self) -> None:
        """Start what was killed, the database first."""
        if self.postgresql is not None and not self.postgresql.process.running:
            self.postgresql = start_postgresql(self.postgresql.settings)
        if self.server.running:
            # It has to find the database again by itself.
            wait_until_ready(self.settings.issuer, self.server)
            return
        started = time.monotonic()
        self.server = start_warm_server(self.settings)
        self.restart_seconds.append(time.monotonic() - started)

    async def mint(self, *, max_uses: int | None = None) -> str:
        """Mint beside the server, as `dcr-server token create` does; each has its own subject."""
        storage = await open_database(self.url)
        try:
            owner = Owner(_POLICY, new_subject(system_entropy))
            wanted = TokenRequest(owner=owner, max_uses=max_uses)
            minted = await mint_initial_access_token(
                wanted, storage.initial_access_tokens, system_entropy, now=int(time.time())
            )
        finally:
            await storage.close()
        return minted.get_secret_value()

    async def rows(self, sql: str) -> list[Row]:
        """Look at the database itself."""
        if self.postgresql is None:
            return await asyncio.to_thread(
                _rows_in_sqlite, self.url.removeprefix("sqlite:///"), sql
            )
        connection = await asyncpg.connect(self.url)
        try:
            return [tuple(record) for record in await connection.fetch(sql)]
        finally:
            await connection.close()


def _rows_in_sqlite(path: str, sql: str) -> list[Row]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA query_only = ON")
        return connection.execute(sql).fetchall()


@contextmanager
def running_stage(directory: Path, database: str) -> Iterator[Stage]:
    """Have a server on an empty database, `sqlite` or `postgresql`."""
    with contextlib.ExitStack() as stack:
        postgresql = None
        url = f"sqlite:///{directory / 'dcr-server.db'}"
        if database == "postgresql":
            postgresql = stack.enter_context(running_postgresql(postgresql_programs()))
            url = postgresql.fresh_database()
        settings = DcrServerSettings(
            directory,
            extra={"DCR_SERVER_DATABASE": url, "DCR_SERVER_LOG_LEVEL": "warning"},
        )
        stage = Stage(settings, url, start_warm_server(settings), postgresql)
        try:
            yield stage
        finally:
            stage.kill_server()
            if stage.postgresql is not None and stage.postgresql.process.running:
                stage.postgresql.abandon()
