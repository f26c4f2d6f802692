"""
Holds the programs of one control plane: starts them in order, ends with them or when told.

Programs that are named in the file `restart` are killed and started again, with their data.

Run as `python -m tests.cluster.supervisor DIRECTORY`, where starting.py has laid out programs.json.
It ends, and stops what it started, on SIGTERM, when one of the programs ends, and when nobody
holds the lease any more (unless detached and ready). Killed, it takes them along: see processes.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.cluster.locks import unleased
from tests.cluster.processes import identity, kill_session, start, stop, write_identity

LOOK_SECONDS = 0.1
GRACE_SECONDS = 2.0  # the data die with the cluster: nothing is lost by hurrying
_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD})


@dataclass(frozen=True, slots=True)
class ControlPlaneFiles:
    """Where the supervisor and those who start and stop it meet."""

    directory: Path

    @property
    def programs(self) -> Path:
        return self.directory / "programs.json"

    @property
    def supervisor(self) -> Path:
        return self.directory / "supervisor.json"

    @property
    def detached(self) -> Path:
        """Once this exists the cluster stays up without a lease."""
        return self.directory / "detached"

    @property
    def restart(self) -> Path:
        """Names programs to be killed and started again; gone when they are being started."""
        return self.directory / "restart"

    @property
    def kubeconfig(self) -> Path:
        """Appears when the cluster is ready."""
        return self.directory / "kubeconfig"

    @property
    def audit_log(self) -> Path:
        return self.directory / "audit.log"

    @property
    def lease(self) -> Path:
        # Beside the directory: it outlives what a new cluster wipes.
        return self.directory.with_name(f"{self.directory.name}.lease")

    @property
    def start_lock(self) -> Path:
        return self.directory.with_name(f"{self.directory.name}.lock")

    def log(self, program: str) -> Path:
        return self.directory / f"{program}.log"


@dataclass(frozen=True, slots=True)
class Supervised:
    name: str
    command: list[str]
    after: str | None = None
    """The file that has to exist before this program is started."""


def write_programs(files: ControlPlaneFiles, programs: Sequence[Supervised]) -> None:
    files.programs.write_text(json.dumps([asdict(program) for program in programs]))


def read_programs(files: ControlPlaneFiles) -> list[Supervised]:
    return [Supervised(**program) for program in json.loads(files.programs.read_text())]


def supervise(files: ControlPlaneFiles) -> int:
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        return _watch(files, running)
    finally:
        for process in running.values():  # at once: one that waits for another would be late
            process.terminate()
        for process in reversed(running.values()):
            stop(process, GRACE_SECONDS)
        shutil.rmtree(files.directory / "etcd", ignore_errors=True)


def _watch(files: ControlPlaneFiles, running: dict[str, subprocess.Popen[bytes]]) -> int:
    programs = read_programs(files)
    while True:
        asked = _kill_asked(files, running)
        _start_due(files, programs, running)
        if asked:
            files.restart.unlink()
        received = signal.sigtimedwait(_SIGNALS, LOOK_SECONDS)
        if received is not None and received.si_signo != signal.SIGCHLD:
            return 0
        for name, process in running.items():
            if process.poll() is not None:
                print(f"{name} ended with exit status {process.returncode}", file=sys.stderr)
                return 1
        with unleased(files.lease) as abandoned:
            if abandoned and not files.detached.exists():
                return 0


def _kill_asked(files: ControlPlaneFiles, running: dict[str, subprocess.Popen[bytes]]) -> bool:
    """As a node that goes does: nobody is asked to end."""
    if not files.restart.exists():
        return False
    for name in json.loads(files.restart.read_text()):
        kill_session(running.pop(name))
    return True


def ask_for_restart(files: ControlPlaneFiles, *names: str) -> None:
    """Have programs killed and started again; `restart` is gone when they have been started."""
    scratch = files.restart.with_suffix(".tmp")
    scratch.write_text(json.dumps(names))
    scratch.rename(files.restart)


def _start_due(
    files: ControlPlaneFiles,
    programs: Sequence[Supervised],
    running: dict[str, subprocess.Popen[bytes]],
) -> None:
    for program in programs:
        due = program.after is None or Path(program.after).exists()
        if due and program.name not in running:
            running[program.name] = start(program.command, files.log(program.name))


def main(files: ControlPlaneFiles) -> int:
    """Go on as nobody's child: whoever started the cluster may end before those who share it."""
    child = os.fork()
    if child == 0:
        os.setsid()
        return supervise(files)
    supervisor = identity(child)
    if supervisor is None:
        return 1
    write_identity(files.supervisor, supervisor)
    return 0


if __name__ == "__main__":
    sys.exit(main(ControlPlaneFiles(Path(sys.argv[1]))))
