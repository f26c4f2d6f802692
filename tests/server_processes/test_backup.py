"""What docs/backup.md says, done while clients register: the copy serves those of before."""

import asyncio
import contextlib
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest

from tests.processes.dcr_server import DcrServer, DcrServerSettings, running_dcr_server
from tests.processes.postgresql import Postgresql
from tests.soak.ledger import Row, broken_rules

MACHINE = {"grant_types": ["client_credentials"]}
DOCUMENTED = Path("docs/backup.md").read_text(encoding="utf-8")
KEY = "Wl5PPjT0d2VdCx7vsDg2oqDZ0IcJ2R4cB2ylAv8UXmo="


@dataclass(frozen=True)
class Backup:
    database: str
    take: Callable[[], None]
    restored: str
    """The URL of the copy."""


@pytest.fixture(params=["sqlite", "postgresql"])
def backup(request: pytest.FixtureRequest, tmp_path: Path) -> Backup:
    if request.param == "sqlite":
        return _of_sqlite(tmp_path)
    return _of_postgresql(request.getfixturevalue("postgresql"), tmp_path)


def _of_sqlite(folder: Path) -> Backup:
    database, copy = folder / "dcr-server.db", folder / "copy.db"
    (command,) = re.findall(r"python3 -c '(.*VACUUM INTO.*)' \S+ \S+\n", DOCUMENTED)

    def take() -> None:
        subprocess.run([sys.executable, "-c", command, database, copy], check=True)

    return Backup(f"sqlite:///{database}", take, f"sqlite:///{copy}")


def _of_postgresql(server: Postgresql, folder: Path) -> Backup:
    database, restored = server.fresh_database(), server.fresh_database()
    (dump,) = re.findall(r"^pg_dump (.*) --file=", DOCUMENTED, re.MULTILINE)

    def take() -> None:
        file = folder / "copy.dump"
        server.run("pg_dump", *dump.split(), f"--file={file}", name_of(database))
        server.run("pg_restore", "--exit-on-error", f"--dbname={name_of(restored)}", str(file))

    return Backup(database, take, restored)


def name_of(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")


async def test_a_copy_that_was_taken_under_load_serves_the_clients_of_before(
    backup: Backup, tmp_path: Path
) -> None:
    settings = DcrServerSettings(
        tmp_path / "server",
        extra={"DCR_SERVER_DATABASE": backup.database, "DCR_SERVER_ENCRYPTION_KEY": KEY},
    )
    with running_dcr_server(settings) as server:
        token = server.mint_initial_access_token()
        async with registering(server, token) as answers:
            await _until_there_are(10, answers)
            before = list(answers)
            await asyncio.to_thread(backup.take)
            await _until_there_are(len(answers) + 10, answers)
    later = [answer for answer in answers if answer not in before]
    restored = replace(settings, extra={**settings.extra, "DCR_SERVER_DATABASE": backup.restored})
    with running_dcr_server(restored) as server:
        async with talking_to(server) as http:
            assert {await status_of(http, answer) for answer in before} == {(200, 200)}
            assert await status_of(http, later[-1]) == (401, 401)
            again = await http.post("/connect/register", json=MACHINE, headers=bearer(token))
            assert again.status_code == 201
    assert await broken_rules(lambda sql: rows_in(backup.restored, sql)) == []


@contextlib.asynccontextmanager
async def registering(server: DcrServer, token: str) -> AsyncIterator[list[httpx.Response]]:
    """Have four clients register one after the other for as long as the block lasts."""
    answers: list[httpx.Response] = []

    async def register(http: httpx.AsyncClient, number: int) -> None:
        while True:
            key = {"Idempotency-Key": f"{number} {len(answers)}"}
            answer = await http.post(
                "/connect/register", json=MACHINE, headers={**bearer(token), **key}
            )
            assert answer.status_code == 201
            answers.append(answer)

    async with talking_to(server) as http:
        tasks = [asyncio.create_task(register(http, number)) for number in range(4)]
        try:
            yield answers
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(each) for each in ended} == {asyncio.CancelledError}


@contextlib.asynccontextmanager
async def talking_to(server: DcrServer) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.issuer, timeout=30.0, trust_env=False) as http:
        yield http


async def status_of(http: httpx.AsyncClient, answer: httpx.Response) -> tuple[int, int]:
    """Try the registration access token and the secret of an answer."""
    shown = answer.json()
    read = await http.get(
        shown["registration_client_uri"], headers=bearer(shown["registration_access_token"])
    )
    token = await http.post(
        "/token",
        data={"grant_type": "client_credentials"},
        auth=(shown["client_id"], shown["client_secret"]),
    )
    return read.status_code, token.status_code


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def rows_in(url: str, sql: str) -> list[Row]:
    if url.startswith("sqlite"):
        with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
            return database.execute(sql).fetchall()
    connection = await asyncpg.connect(url)
    try:
        return [tuple(record) for record in await connection.fetch(sql)]
    finally:
        await connection.close()


async def _until_there_are(count: int, answers: list[httpx.Response]) -> None:
    deadline = time.monotonic() + 60
    while len(answers) < count:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
