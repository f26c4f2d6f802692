"""A real PostgreSQL on a free loopback port, with a folder of its own; dies with its parent.

with running_postgresql(postgresql_programs()) as server:
    url = server.fresh_database()
"""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.processes.child_process import (
    STOP_SECONDS,
    ChildProcess,
    ProcessFailedError,
    inherited_environment,
    start,
)
from tests.processes.free_port import free_port
from tests.processes.postgresql_programs import PostgresqlPrograms

USER: Final = "dcr"
# PostgreSQL refuses to run as root.
_UNPRIVILEGED: Final = "nobody" if os.geteuid() == 0 else None
_PROGRAM_SECONDS: Final = 60.0
# Durable as the defaults are; small, since several run side by side.
_OPTIONS: Final = {
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "log_min_messages": "warning",
    "listen_addresses": "127.0.0.1",
    "dynamic_shared_memory_type": "mmap",
}


@dataclass(frozen=True, slots=True)
class PostgresqlSettings:
    """What a server keeps over restarts: its folder, its port, its password."""

    programs: PostgresqlPrograms
    directory: Path
    password: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)
    port: int = field(default_factory=free_port)

    @property
    def data(self) -> Path:
        return self.directory / "data"

    def url(self, database: str) -> str:
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{database}"


@dataclass(frozen=True, slots=True)
class Postgresql:
    """A running server; start another with the same settings to restart it."""

    settings: PostgresqlSettings
    process: ChildProcess

    def url(self, database: str) -> str:
        return self.settings.url(database)

    def fresh_database(self) -> str:
        """Make an empty database and return its URL, with user and password."""
        name = f"test_{secrets.token_hex(6)}"
        self.sql("postgres", f"CREATE DATABASE {name}")
        return self.url(name)

    def fresh_schemas(self, count: int) -> list[str]:
        """Return URLs each of which sees tables of its own: made faster than databases."""
        names = [f"test_{secrets.token_hex(6)}" for _ in range(count)]
        self.sql("postgres", ";".join(f"CREATE SCHEMA {name}" for name in names))
        return [f"{self.url('postgres')}?search_path={name}" for name in names]

    def sql(self, database: str, statements: str) -> str:
        """Run statements by psql and return their rows, columns separated by `|`."""
        return self.run(
            "psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", statements, database
        ).strip()

    def run(self, program: str, *arguments: str) -> str:
        """Run one of its programs as the user of the tests and return its standard output."""
        where = ["-h", "127.0.0.1", "-p", str(self.settings.port), "-U", USER]
        command = [self.settings.programs[program], *where, *arguments]
        return _run(command, PGPASSWORD=self.settings.password)

    def stop(self) -> int:
        """End it without waiting for those who are connected, and return its exit status."""
        # SIGTERM would wait for them to leave.
        return self._end(signal.SIGINT)

    def abandon(self) -> None:
        """End it at once; its data are for nobody any more."""
        # Not by SIGKILL first: that leaves a piece of shared memory behind.
        try:
            self._end(signal.SIGQUIT)
        except subprocess.TimeoutExpired:
            self.kill_9()

    def _end(self, number: signal.Signals) -> int:
        self.process.popen.send_signal(number)
        return self.process.popen.wait(STOP_SECONDS)

    def kill_9(self) -> None:
        """End all of its processes at once, as a power failure would."""
        everyone = self._pids()
        self._signal(everyone, signal.SIGKILL)
        self.process.kill_9()
        _wait_until(everyone[1:], "ZX")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Have it keep its connections and answer nobody, as a machine that hangs."""
        everyone = self._pids()
        self._signal(everyone, signal.SIGSTOP)
        # One that was about to end stays a zombie: who would bury it is frozen.
        _wait_until(everyone, "TZX")
        try:
            yield
        finally:
            self._signal(everyone, signal.SIGCONT)

    @contextmanager
    def files_no_larger_than(self, size: int, pid: int) -> Iterator[None]:
        """Stand for a disk that is full, for one of its processes: its files cannot grow."""
        _limit_files(pid, f"{size}:")
        try:
            yield
        finally:
            _limit_files(pid, "unlimited:")

    def _pids(self) -> list[int]:
        # Its other processes are its children, each in a session of its own.
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
        return [pid, *map(int, children.split())]

    def _signal(self, pids: Sequence[int], number: signal.Signals) -> None:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)


def start_postgresql(settings: PostgresqlSettings, **options: str) -> Postgresql:
    """Start it, from nothing or from what an earlier run left; options are postgresql.conf's."""
    if not settings.data.exists():
        _make_data_folder(settings)
    given = {**_OPTIONS, "unix_socket_directories": str(settings.directory), **options}
    process = start(
        "postgresql",
        [
            settings.programs["postgres"],
            *("-D", str(settings.data), "-p", str(settings.port)),
            *(word for name, value in given.items() for word in ("-c", f"{name}={value}")),
        ],
        log=settings.directory / "postgresql.log",
        as_user=_UNPRIVILEGED,
        # An immediate shutdown: by SIGKILL it would leave shared memory behind.
        death_signal=signal.SIGQUIT,
    )
    server = Postgresql(settings, process)
    process.wait_for(lambda: _accepts_connections(server), "that it accepts connections")
    return server


@contextmanager
def running_postgresql(programs: PostgresqlPrograms) -> Iterator[Postgresql]:
    """Have one in a temporary folder, stopped and gone when the block has ended."""
    # Not pytest's temporary folder: that is closed to other users.
    with tempfile.TemporaryDirectory(prefix="dcr-postgresql-") as folder:
        directory = Path(folder)
        _give_away(directory)
        server = start_postgresql(PostgresqlSettings(_reachable(programs, directory), directory))
        try:
            yield server
        finally:
            if server.process.running:
                server.abandon()


def _give_away(path: Path) -> None:
    if _UNPRIVILEGED:
        shutil.chown(path, _UNPRIVILEGED)


def _reachable(programs: PostgresqlPrograms, directory: Path) -> PostgresqlPrograms:
    """Copy programs out of root's home folder, which the user that runs them may not enter."""
    if _UNPRIVILEGED is None or not programs.folder.is_relative_to(Path.home()):
        return programs
    copy = directory / "programs"
    shutil.copytree(programs.root, copy, symlinks=True)
    return PostgresqlPrograms(copy / programs.folder.relative_to(programs.root), programs.version)


def _make_data_folder(settings: PostgresqlSettings) -> None:
    password_file = settings.directory / "password"
    password_file.touch(mode=0o600)
    password_file.write_text(settings.password, encoding="ascii")
    _give_away(password_file)
    initdb = start(
        "initdb",
        [
            *(settings.programs["initdb"], "-D", str(settings.data), "-U", USER),
            *("--auth=scram-sha-256", f"--pwfile={password_file}"),
            # The files of a new folder need not survive the power; what is committed later does.
            *("--no-sync", "--no-locale", "--encoding=UTF8"),
        ],
        log=settings.directory / "initdb.log",
        as_user=_UNPRIVILEGED,
    )
    if initdb.popen.wait(_PROGRAM_SECONDS):
        raise initdb.failure("could not make the data folder")


def _accepts_connections(server: Postgresql) -> bool | None:
    try:
        server.sql("postgres", "SELECT 1")
    except ProcessFailedError:
        return None
    return True


def _run(command: Sequence[str], **environment: str) -> str:
    done = subprocess.run(
        command,
        env={**inherited_environment(), **environment},
        capture_output=True,
        text=True,
        timeout=_PROGRAM_SECONDS,
        check=False,
    )
    if done.returncode:
        name = Path(command[0]).name
        raise ProcessFailedError(f"{name}: exit {done.returncode}\n{done.stderr}")
    return done.stdout


def _limit_files(pid: int, size: str) -> None:
    # By its own user: root may not everywhere.
    group = pwd.getpwnam(_UNPRIVILEGED).pw_gid if _UNPRIVILEGED else None
    command = ["prlimit", f"--pid={pid}", f"--fsize={size}"]
    subprocess.run(command, user=_UNPRIVILEGED, group=group, check=True)


def _wait_until(pids: Sequence[int], states: str) -> None:
    """Wait until all are in one of the states of the kernel; one that is gone is X."""
    deadline = time.monotonic() + STOP_SECONDS
    while left := [pid for pid in pids if _state(pid) not in states]:
        if time.monotonic() > deadline:
            raise ProcessFailedError(f"processes of PostgreSQL are not in {states}: {left}")
        time.sleep(0.005)


def _state(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return "X"
    return stat.rpartition(")")[2].split()[0]
