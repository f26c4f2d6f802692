"""`token`, `client`, `audit` and `migrate` on the database of a server, running or not."""

import asyncio
import contextlib
import json
import os
import pty
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dcr_protocol.json_document import JsonValue
from dcr_server.cli import main
from dcr_server.commands import output
from tests.fakes.dcr_server_app import running_server
from tests.unit.server.registrant import MACHINE, Registered, registrant_at

_PROGRAM = str(Path(sys.executable).with_name("dcr-server"))
DATABASE = "sqlite:///dcr-server.db"


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, env={"DCR_SERVER_DATABASE": DATABASE})


def listed(*arguments: str) -> list[dict[str, JsonValue]]:
    result = run(*arguments, "--output", "json")
    assert result.exit_code == 0, result.output
    items: list[dict[str, JsonValue]] = json.loads(result.stdout)
    return items


def registered(
    count: int = 1, metadata: Mapping[str, JsonValue] = MACHINE, subject: str = "team"
) -> list[Registered]:
    """Register clients at a server in this folder, which then stops."""

    async def register() -> list[Registered]:
        async with registrant_at(Path()) as registrant:
            token = (await registrant.mint("default", subject=subject)).get_secret_value()
            answers = [await registrant.post(metadata, token=token) for _ in range(count)]
            return [Registered(answer.json()) for answer in answers]

    return asyncio.run(register())


def test_tokens_are_listed_and_revoked() -> None:
    registered()
    (token_id,) = (token["token_id"] for token in listed("token", "list") if token["subject"])
    table = run("token", "list")
    assert str(token_id) in table.stdout
    assert "TOKEN ID" in table.stdout
    assert run("token", "revoke", str(token_id)).exit_code == 0
    again = run("token", "revoke", str(token_id))
    assert again.exit_code == 1
    assert f"there is no token {token_id}: see dcr-server token list" in again.stderr
    assert str(token_id) not in run("token", "list").stdout


def test_clients_are_listed_shown_and_deleted() -> None:
    (client,) = registered(metadata={**MACHINE, "client_name": "orders"})
    (item,) = listed("client", "list", "--policy", "default", "--subject", "team")
    assert (item["client_id"], item["client_name"]) == (client["client_id"], "orders")
    assert listed("client", "list", "--subject", "nobody") == []
    shown = run("client", "show", client["client_id"], "--output", "json")
    assert json.loads(shown.stdout)["metadata"]["client_name"] == "orders"
    table = run("client", "show", client["client_id"])
    assert "orders" in table.stdout
    assert client["client_secret"] not in shown.stdout + table.stdout
    assert run("client", "delete", client["client_id"]).exit_code == 0
    for command in ("show", "delete"):
        gone = run("client", command, client["client_id"])
        assert gone.exit_code == 1
        assert "see dcr-server client list" in gone.stderr


def test_the_audit_trail_tells_of_the_command_line() -> None:
    (client,) = registered()
    run("client", "delete", client["client_id"])
    entries = listed("audit", "list", "--client-id", client["client_id"])
    assert [(entry["action"], entry["actor"]) for entry in entries] == [
        ("client_registered", "registrant"),
        ("client_removed", "cli"),
    ]
    (removed,) = listed("audit", "list", "--action", "client_removed", "--subject", "team")
    assert removed["client_id"] == client["client_id"]
    assert "client_removed" in run("audit", "list").stdout
    (made,) = (one for one in listed("token", "list") if one["subject"] == "team")
    about = listed("audit", "list", "--token-id", str(made["token_id"]), "--actor", "registrant")
    assert [entry["client_id"] for entry in about] == [client["client_id"]]


@pytest.mark.parametrize("page", [1, 2, 3, 500])
def test_a_list_goes_over_all_pages(page: int, monkeypatch: pytest.MonkeyPatch) -> None:
    clients = registered(count=5)
    monkeypatch.setattr(output, "PAGE", page)
    # Ids grow with time; these are of one moment.
    in_order = sorted(client["client_id"] for client in clients)
    assert [item["client_id"] for item in listed("client", "list")] == in_order
    for limit in (1, 2, 4, 5, 6):
        assert len(listed("client", "list", "--limit", str(limit))) == min(limit, 5)
    assert len(run("client", "list").stdout.splitlines()) == 6


def test_what_others_wrote_cannot_steer_a_terminal() -> None:
    run("migrate")
    made = run("token", "create", "--policy", "a", "--note", "a\u001b[2J\u202e\r[red]b")
    assert made.exit_code == 0
    shown = run("token", "list").stdout
    assert not {"\x1b", "\u202e", "\r"}.intersection(shown)
    assert "a\\x1b[2J\\u202e\\r[red]b" in shown


def test_a_time_beyond_every_calendar_is_shown_as_seconds() -> None:
    run("migrate")
    assert run("token", "create", "--policy", "a", "--expires-in", "999999999d").exit_code == 0
    (token,) = listed("token", "list")
    shown = run("token", "list")
    assert shown.exit_code == 0, shown.output
    assert f"@{token['expires_at']}" in shown.stdout


def test_it_works_beside_a_running_server() -> None:
    async def look() -> list[Result]:
        async with running_server(Path()) as server:
            del server
            commands = [("client", "list"), ("token", "list"), ("audit", "list"), ("migrate",)]
            return [await asyncio.to_thread(run, *command) for command in commands]

    assert [result.exit_code for result in asyncio.run(look())] == [0, 0, 0, 0]


def test_migrate_makes_the_database_and_may_be_repeated() -> None:
    for _ in range(2):
        assert run("migrate").exit_code == 0
    assert listed("client", "list") == []
    assert len(run("client", "list").stdout.splitlines()) == 1


@pytest.mark.parametrize(
    "command", [["token", "list"], ["client", "list"], ["audit", "list"], ["client", "show", "x"]]
)
def test_a_database_that_no_server_made_is_said_so(command: list[str]) -> None:
    result = run(*command)
    assert result.exit_code == 1
    assert "does not exist: give that of the server" in result.stderr


READING = [
    ["token", "list"],
    ["client", "list"],
    ["client", "show", "x"],
    ["audit", "list"],
    ["keys", "list"],
]


@pytest.mark.parametrize("command", READING)
def test_what_only_reads_leaves_an_older_database_as_it_is(command: list[str]) -> None:
    dump = Path(__file__).parents[2].joinpath("data/schema/sqlite-version-1.sql")
    with contextlib.closing(sqlite3.connect("dcr-server.db")) as database:
        database.executescript(dump.read_text(encoding="utf-8"))
        result = run(*command)
        assert result.exit_code == 1
        assert "has schema version 1, this dcr-server needs 2" in result.stderr
        assert "run dcr-server migrate" in result.stderr
        assert database.execute("SELECT version FROM schema_version").fetchall() == [(1,)]
    assert run("migrate").exit_code == 0
    assert "schema version" not in run(*command).stderr


@pytest.mark.parametrize("command", READING)
def test_what_only_reads_makes_no_tables_in_postgresql(
    command: list[str], postgresql_database: str
) -> None:
    result = run(*command, "--database", postgresql_database)
    assert result.exit_code == 1
    assert "the database has schema version 0" in result.stderr
    assert run("migrate", "--database", postgresql_database).exit_code == 0
    assert "schema version" not in run(*command, "--database", postgresql_database).stderr


@pytest.mark.parametrize(
    "command",
    [
        ["token", "revoke"],
        ["client", "show"],
        ["client", "list", "--limit", "0"],
        ["client", "list", "--output", "yaml"],
        ["audit", "list", "--action", "renamed"],
        ["client", "show", "a\udcff"],
    ],
)
def test_wrong_usage_is_exit_status_2(command: list[str]) -> None:
    assert run(*command).exit_code == 2


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("answer", "status", "left"), [(b"n\n", 1, 1), (b"y\n", 0, 0)])
def test_at_a_terminal_a_deletion_is_asked_for(answer: bytes, status: int, left: int) -> None:
    (client,) = registered()
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [_PROGRAM, "client", "delete", client["client_id"]],
        stdin=theirs,
        stderr=subprocess.PIPE,
        env={**os.environ, "DCR_SERVER_DATABASE": DATABASE},
    )
    os.write(ours, answer)
    _, told = process.communicate(timeout=30)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == status
    assert b"for good?" in told
    assert len(listed("client", "list")) == left
