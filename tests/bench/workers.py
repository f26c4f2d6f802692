"""Two worker processes against one, on each database: they must not stand in each other's way."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.bench.contenders import ours, scratch_folder
from tests.bench.load import CONNECTIONS, Load, wrk_program
from tests.bench.report import Figure, Report, write_json
from tests.bench.rounds import Turns, in_turns
from tests.cluster.failures import MissingPrerequisiteError
from tests.processes.dcr_server import DcrServerSettings, run_cli, running_dcr_server
from tests.processes.postgresql import running_postgresql
from tests.processes.postgresql_programs import postgresql_programs

_ONE = "one process"
_TWO = "two worker processes"


def run() -> Report:
    wrk_program()
    measured: dict[str, Turns] = {}
    notes = []
    with scratch_folder("workers") as scratch:
        help_text = run_cli(DcrServerSettings(scratch), "serve", "--help")
        if "--workers" not in help_text:
            return Report("workers: this dcr-server has no --workers")
        with _on_sqlite(scratch) as loads:
            measured["SQLite"] = in_turns(loads)
        try:
            with _on_postgresql(scratch) as loads:
                measured["PostgreSQL"] = in_turns(loads)
        except MissingPrerequisiteError as error:
            notes.append(str(error))
    rounds = {database: turns.document() for database, turns in measured.items()}
    write_json("workers", {"connections": CONNECTIONS, "rounds": rounds})
    tables = [turns.table(f"registration on {database}") for database, turns in measured.items()]
    return Report(
        "\n\n".join([*tables, *notes]),
        tuple(
            Figure(f"two workers to one process, {database}", turns.ratio(_TWO, _ONE), 0.9)
            for database, turns in measured.items()
        ),
    )


@contextmanager
def _on_sqlite(scratch: Path) -> Iterator[Mapping[str, Load]]:
    with _servers(scratch / "sqlite", {}) as loads:
        yield loads


@contextmanager
def _on_postgresql(scratch: Path) -> Iterator[Mapping[str, Load]]:
    with running_postgresql(postgresql_programs()) as postgresql, ExitStack() as running:
        loads: dict[str, Load] = {}
        # Each its own database: what one leaves behind is no burden to the other.
        for title, workers in ((_ONE, 1), (_TWO, 2)):
            database = {"DCR_SERVER_DATABASE": postgresql.fresh_database()}
            folder = scratch / f"postgresql-{workers}"
            loads[title] = running.enter_context(_server(folder, workers, database))
        yield loads


@contextmanager
def _servers(scratch: Path, extra: Mapping[str, str]) -> Iterator[Mapping[str, Load]]:
    with (
        _server(scratch / "one", 1, extra) as one,
        _server(scratch / "two", 2, extra) as two,
    ):
        yield {_ONE: one, _TWO: two}


@contextmanager
def _server(folder: Path, workers: int, extra: Mapping[str, str]) -> Iterator[Load]:
    settings = DcrServerSettings(folder, extra={"DCR_SERVER_WORKERS": str(workers), **extra})
    with running_dcr_server(settings) as server:
        yield ours(server, folder).registering()
