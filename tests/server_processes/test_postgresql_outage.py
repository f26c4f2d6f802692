"""PostgreSQL that stops, dies, hangs or refuses: 503 for now, not ready, and it heals by itself."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from dcr_server.storage.opening import open_database
from dcr_server.storage.protocol import StorageUnavailable, UnusableStorage
from tests.processes.postgresql import Postgresql, running_postgresql, start_postgresql
from tests.processes.postgresql_programs import PostgresqlPrograms
from tests.unit.server.registrant import Registered, Registrant, registrant_at

PATIENCE = 1.0
# A connection or a statement that gets no answer; the rest is for a machine that is busy.
LONGEST_ANSWER = 2 * PATIENCE + 6
HEALED_AFTER = 20.0


@pytest.fixture
def server(postgresql_installed: PostgresqlPrograms) -> Iterator[Postgresql]:
    """Have a server of one's own, to be stopped and started."""
    with running_postgresql(postgresql_installed) as server:
        yield server


@pytest_asyncio.fixture
async def registrant(server: Postgresql, tmp_path: Path) -> AsyncIterator[Registrant]:
    url = server.fresh_database()
    async with registrant_at(tmp_path, database=url, busy_timeout=PATIENCE) as registrant:
        yield registrant


async def ask_for_everything(
    registrant: Registrant, client: Registered
) -> dict[str, httpx.Response]:
    return {
        "register": await registrant.post(),
        "read": await registrant.read(client.uri, client.token),
        "update": await registrant.put(client),
        "token": await registrant.get_token(client.basic),
        "ready": await registrant.http.get("/readyz"),
    }


async def assert_unavailable(registrant: Registrant, client: Registered) -> None:
    for what, answer in (await ask_for_everything(registrant, client)).items():
        assert answer.status_code == 503, what
        assert answer.headers["retry-after"] == "5", what
    assert (await registrant.http.get("/healthz")).status_code == 200


async def assert_heals(registrant: Registrant, client: Registered) -> None:
    """Wait until a client can register; then the rest works too, for those of before as well."""
    deadline = time.monotonic() + HEALED_AFTER
    while (answer := await registrant.post()).status_code != 201:
        assert answer.status_code == 503
        assert time.monotonic() < deadline, "does not heal"
        await asyncio.sleep(0.05)
    answers = await ask_for_everything(registrant, client)
    statuses = {what: answer.status_code for what, answer in answers.items()}
    assert statuses == {"register": 201, "read": 200, "update": 200, "token": 200, "ready": 200}


@pytest.mark.parametrize("end", [Postgresql.stop, Postgresql.kill_9], ids=["stopped", "killed"])
async def test_one_that_was_away_is_found_again(
    server: Postgresql, registrant: Registrant, end: Callable[[Postgresql], object]
) -> None:
    client = await registrant.register()
    end(server)
    await assert_unavailable(registrant, client)
    again = start_postgresql(server.settings)
    try:
        await assert_heals(registrant, client)
    finally:
        again.abandon()


async def test_one_that_was_restarted_while_nobody_asked_costs_no_request(
    server: Postgresql, registrant: Registrant
) -> None:
    client = await registrant.register()
    server.stop()
    again = start_postgresql(server.settings)
    try:
        for what, answer in (await ask_for_everything(registrant, client)).items():
            assert answer.status_code < 300, what
    finally:
        again.abandon()


async def test_one_that_hangs_keeps_nobody_waiting(
    server: Postgresql, registrant: Registrant
) -> None:
    client = await registrant.register()
    questions: list[Callable[[], Awaitable[httpx.Response]]] = [
        registrant.post,
        lambda: registrant.read(client.uri, client.token),
        lambda: registrant.http.get("/readyz"),
    ]
    with server.frozen():
        for ask in questions:
            started = time.monotonic()
            assert (await ask()).status_code == 503
            assert time.monotonic() - started < LONGEST_ANSWER
        assert (await registrant.http.get("/healthz")).status_code == 200
    await assert_heals(registrant, client)


async def test_when_it_is_known_to_be_away_everybody_is_told_at_once(
    server: Postgresql, registrant: Registrant
) -> None:
    with server.frozen():
        await registrant.post()
        await registrant.post()
        started = time.monotonic()
        answers = await asyncio.gather(*(registrant.post() for _ in range(50)))
        assert {answer.status_code for answer in answers} == {503}
        assert time.monotonic() - started < LONGEST_ANSWER


async def test_one_that_is_read_only_still_answers_reads(
    server: Postgresql, registrant: Registrant
) -> None:
    client = await registrant.register()
    server.sql("postgres", "ALTER SYSTEM SET default_transaction_read_only = on")
    server.sql("postgres", "SELECT pg_reload_conf()")
    await _until_setting(server, "on")
    assert (await registrant.post()).status_code == 503
    assert (await registrant.http.get("/readyz")).status_code == 503
    assert (await registrant.read(client.uri, client.token)).status_code == 200
    server.sql("postgres", "ALTER SYSTEM RESET default_transaction_read_only")
    server.sql("postgres", "SELECT pg_reload_conf()")
    await assert_heals(registrant, client)


async def _until_setting(server: Postgresql, value: str) -> None:
    deadline = time.monotonic() + HEALED_AFTER
    while server.sql("postgres", "SHOW default_transaction_read_only") != value:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def test_a_table_that_somebody_locks_is_503_until_it_is_free(
    server: Postgresql, tmp_path: Path
) -> None:
    url = server.fresh_database()
    async with (
        registrant_at(tmp_path, database=url, busy_timeout=PATIENCE) as registrant,
        registrant_at(tmp_path, database=url, busy_timeout=PATIENCE) as other,
    ):
        client = await registrant.register()
        database = url.rpartition("/")[2]
        locked = asyncio.create_task(
            asyncio.to_thread(
                server.sql, database, "BEGIN; LOCK TABLE clients; SELECT pg_sleep(4); COMMIT"
            )
        )
        await _until_locked(server, database)
        assert (await registrant.post()).status_code == 503
        assert (await other.read(client.uri, client.token)).status_code == 503
        await locked
        await assert_heals(registrant, client)


async def _until_locked(server: Postgresql, database: str) -> None:
    deadline = time.monotonic() + HEALED_AFTER
    held = """SELECT count(*) FROM pg_locks WHERE relation = 'clients'::regclass
        AND mode = 'AccessExclusiveLock' AND granted"""
    while server.sql(database, held) != "1":
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("dcr:", "nobody:"), "password authentication failed"),
        (("/postgres", "/missing"), "does not exist"),
        (("127.0.0.1:", "127.0.0.2:"), "cannot be reached"),
        (("127.0.0.1:", "127.0.0.1:x"), "URL cannot be understood"),
    ],
    ids=["user", "database", "host", "port"],
)
async def test_what_cannot_be_opened_is_named_without_its_password(
    server: Postgresql, change: tuple[str, str], said: str
) -> None:
    url = server.url("postgres").replace(*change)
    with pytest.raises((StorageUnavailable, UnusableStorage), match=said) as refused:
        await open_database(url, patience=5)
    assert server.settings.password not in str(refused.value)


async def test_without_the_driver_it_is_said_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in sys.modules if name.startswith("dcr_server.storage.postgres")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(UnusableStorage, match=r"pip install 'dcr-operator\[postgres\]'"):
        await open_database("postgresql://dcr@127.0.0.1/dcr")
