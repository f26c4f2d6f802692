"""A few rounds of `make soak`, and proof that it would find a loss."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from dcr_server.storage.sqlite_connection import connect_to_write
from dcr_server.storage.sqlite_schema import MIGRATIONS, bring_up_to_date
from tests.processes.postgresql_programs import PostgresqlPrograms
from tests.soak.known_clients import Deletion, KnownClient, metadata
from tests.soak.ledger import Row, broken_rules
from tests.soak.rounds import soaking
from tests.soak.stage import running_stage

ROUNDS = 3


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_nothing_that_was_answered_is_lost_when_the_server_is_killed(
    tmp_path: Path, request: pytest.FixtureRequest, database: str
) -> None:
    if database == "postgresql":
        assert isinstance(request.getfixturevalue("postgresql_installed"), PostgresqlPrograms)
    seed = random.SystemRandom().randrange(2**32)
    with running_stage(tmp_path, database) as stage:
        async with soaking(stage, seed) as soak:
            for _ in range(ROUNDS):
                assert await soak.round() == [], f"SEED={seed}"
            assert soak.answers()["register"] > ROUNDS


@pytest.mark.parametrize(
    ("known", "read", "complaint"),
    [
        ({}, httpx.Response(200, json=metadata(1)), ""),
        ({}, httpx.Response(401), "answers 401"),
        ({}, httpx.Response(200, json=metadata(2)), "not a version of"),
        ({}, httpx.Response(200, json=metadata(1) | {"software_version": "2"}), "not a version"),
        ({"unanswered_versions": {2}}, httpx.Response(200, json=metadata(2)), ""),
        ({"deletion": Deletion.DONE}, httpx.Response(401), ""),
        ({"deletion": Deletion.DONE}, httpx.Response(200, json=metadata(1)), "is there again"),
        ({"deletion": Deletion.UNANSWERED}, httpx.Response(401), ""),
        ({"deletion": Deletion.UNANSWERED}, httpx.Response(200, json=metadata(1)), ""),
    ],
)
def test_a_client_that_is_not_as_it_was_answered_is_complained_about(
    known: dict[str, object], read: httpx.Response, complaint: str
) -> None:
    client = KnownClient("a", "uri", "token", "secret", version=1, **known)  # type: ignore[arg-type] # a table's cells
    found = client.complaint_about(read)
    assert complaint in found
    assert bool(complaint) == bool(found)


CLIENT = "INSERT INTO clients VALUES ('a', 'default', 's', 1, '[]', '{}', '[]', NULL, NULL, '')"
COUNT = "INSERT INTO client_counts VALUES ('default', 1)"
TOLD = """INSERT INTO audit (at, action, policy, subject, client_id, token_id, kid, jti, actor,
    address, request_id)
    VALUES (1, 'client_registered', 'default', 's', 'a', '', '', '', 'registrant', '', '')"""
TOKEN = "INSERT INTO initial_access_tokens VALUES (x'01', 'default', 's', 1, NULL, 1, 1, '')"
KEY = "INSERT INTO idempotency_keys VALUES (x'02', x'03', 'a', NULL)"
WHOLE = [CLIENT, COUNT, TOLD, TOKEN, KEY]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    path = tmp_path / "db"
    with closing(connect_to_write(path, busy_timeout=1)) as connection:
        bring_up_to_date(connection, path, MIGRATIONS)
        yield connection


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        ("SELECT 1", ""),
        ("UPDATE client_counts SET clients = 2", "counts of the policies"),
        ("UPDATE initial_access_tokens SET uses = 0", "used once for each registration"),
        (TOLD, "registered once"),
        ("UPDATE initial_access_tokens SET max_uses = 2", "as often as it may be"),
        ("UPDATE idempotency_keys SET expires_at = 1", "ends if and only if"),
        (KEY.replace("x'02'", "x'04'"), "one Idempotency-Key"),
        ("DELETE FROM clients", "deleted once"),
    ],
)
async def test_rows_that_contradict_each_other_are_found(
    database: sqlite3.Connection, change: str, broken: str
) -> None:
    for statement in (*WHOLE, change):
        database.execute(statement)

    async def rows(sql: str) -> list[Row]:
        return database.execute(sql).fetchall()

    found = await broken_rules(rows)
    assert any(broken in each for each in found) == bool(broken)
    assert bool(found) == bool(broken)
