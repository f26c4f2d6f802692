"""The ceiling of one process of Python: what a registration costs with nothing but its essence.

A bare ASGI handler on uvicorn with uvloop and httptools: the metadata of RFC 7591 §2 validated by
Pydantic, credentials minted and hashed, one row in SQLite with `synchronous=FULL`, an fsync shared
by those that wait. No tokens, policies, rules, replay, audit trail, log or metrics.

    python -m tests.bench.reference_handler DATABASE PORT
"""

import asyncio
import hashlib
import json
import secrets
import sqlite3
import sys
import time
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import uvicorn
from pydantic import AnyUrl, BaseModel, ConfigDict

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Row = tuple[str, bytes, bytes, str]

_SCHEMA = """CREATE TABLE clients (
    client_id TEXT PRIMARY KEY, token_hash BLOB NOT NULL, secret_hash BLOB NOT NULL,
    metadata TEXT NOT NULL)"""
_INSERT = "INSERT INTO clients VALUES (?, ?, ?, ?)"


class Metadata(BaseModel):
    """RFC 7591 §2."""

    model_config = ConfigDict(extra="ignore")

    redirect_uris: list[AnyUrl] = []
    token_endpoint_auth_method: str = "client_secret_basic"
    grant_types: list[str] = ["authorization_code"]
    response_types: list[str] = ["code"]
    client_name: str | None = None
    client_uri: AnyUrl | None = None
    logo_uri: AnyUrl | None = None
    scope: str | None = None
    contacts: list[str] | None = None
    tos_uri: AnyUrl | None = None
    policy_uri: AnyUrl | None = None
    jwks_uri: AnyUrl | None = None
    jwks: dict[str, Any] | None = None
    software_id: str | None = None
    software_version: str | None = None


class GroupCommit:
    """While one batch waits for the disk, the next one gathers."""

    def __init__(self, database: str) -> None:
        self._connection = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute(_SCHEMA)
        self._thread = ThreadPoolExecutor(1)
        self._waiting: list[tuple[Row, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def insert(self, row: Row) -> None:
        loop = asyncio.get_running_loop()
        durable: asyncio.Future[None] = loop.create_future()
        self._waiting.append((row, durable))
        if self._writing is None:
            self._writing = loop.create_task(self._write_all())
        await durable

    async def _write_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting, []
            await loop.run_in_executor(self._thread, self._commit, [row for row, _ in batch])
            for _, durable in batch:
                durable.set_result(None)
        self._writing = None

    def _commit(self, rows: list[Row]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany(_INSERT, rows)
        self._connection.execute("COMMIT")


class Handler:
    def __init__(self, database: str, url: str) -> None:
        self._database = database
        self._url = url
        self._store: GroupCommit | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["method"] == "GET":
            await _answer(send, 200, b"{}")
            return
        metadata = Metadata.model_validate_json(await _body(receive))
        client_id = f"{int(time.time() * 1000):012x}{secrets.token_hex(10)}"
        secret, token = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        document = metadata.model_dump(mode="json", exclude_none=True)
        row = (client_id, _hash(token), _hash(secret), json.dumps(document))
        if self._store is None:
            self._store = GroupCommit(self._database)
        await self._store.insert(row)
        answer = {
            "client_id": client_id,
            "client_secret": secret,
            "client_id_issued_at": int(time.time()),
            "client_secret_expires_at": 0,
            "registration_access_token": token,
            "registration_client_uri": f"{self._url}/connect/register/{client_id}",
            **document,
        }
        await _answer(send, 201, json.dumps(answer).encode())


async def _body(receive: Receive) -> bytes:
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def _answer(send: Send, status: int, body: bytes) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def main(database: str, port: int) -> None:
    uvicorn.run(
        Handler(database, f"http://127.0.0.1:{port}"),
        port=port,
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
