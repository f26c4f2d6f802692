"""What the reference handler remembers: one row per client, an fsync shared by those that wait."""

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

_SCHEMA = """CREATE TABLE clients (
    client_id TEXT PRIMARY KEY, token_hash BLOB NOT NULL, secret_hash BLOB NOT NULL,
    metadata TEXT NOT NULL)"""
_INSERT = "INSERT INTO clients VALUES (?, ?, ?, ?)"
_UPDATE = "UPDATE clients SET token_hash = ?, metadata = ? WHERE client_id = ?"
_SELECT = "SELECT client_id, token_hash, secret_hash, metadata FROM clients WHERE client_id = ?"


class Row(NamedTuple):
    client_id: str
    token_hash: bytes
    secret_hash: bytes
    metadata: str


Statement = tuple[str, tuple[str | bytes, ...]]


class ReferenceStorage:
    """While one batch waits for the disk, the next one gathers; reads see what is committed."""

    def __init__(self, database: str) -> None:
        self._writer = _connect(database)
        self._writer.execute("PRAGMA journal_mode = WAL")
        self._writer.execute("PRAGMA synchronous = FULL")
        self._writer.execute(_SCHEMA)
        self._reader = _connect(database)
        self._thread = ThreadPoolExecutor(1)
        self._waiting: list[tuple[Statement, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    def find(self, client_id: str) -> Row | None:
        row = self._reader.execute(_SELECT, (client_id,)).fetchone()
        return None if row is None else Row(*row)

    async def insert(self, row: Row) -> None:
        await self._write((_INSERT, row))

    async def update(self, client_id: str, token_hash: bytes, metadata: str) -> None:
        await self._write((_UPDATE, (token_hash, metadata, client_id)))

    def close(self) -> None:
        self._thread.shutdown()
        self._writer.close()
        self._reader.close()

    async def _write(self, statement: Statement) -> None:
        loop = asyncio.get_running_loop()
        durable: asyncio.Future[None] = loop.create_future()
        self._waiting.append((statement, durable))
        if self._writing is None:
            self._writing = loop.create_task(self._write_all())
        await durable

    async def _write_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting, []
            await loop.run_in_executor(self._thread, self._commit, [each for each, _ in batch])
            for _, durable in batch:
                durable.set_result(None)
        self._writing = None

    def _commit(self, statements: list[Statement]) -> None:
        self._writer.execute("BEGIN IMMEDIATE")
        for sql, parameters in statements:
            self._writer.execute(sql, parameters)
        self._writer.execute("COMMIT")


def _connect(database: str) -> sqlite3.Connection:
    return sqlite3.connect(database, isolation_level=None, check_same_thread=False)
