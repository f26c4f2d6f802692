"""Start, recognise and stop processes: none outlives its parent, none is mistaken for another."""

import ctypes
import json
import os
import select
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A pid alone may have been given to another process since; its start time tells."""

    pid: int
    start_time: int

    def is_alive(self) -> bool:
        return _start_time(self.pid) == self.start_time


def identity(pid: int) -> ProcessIdentity | None:
    start_time = _start_time(pid)
    return None if start_time is None else ProcessIdentity(pid, start_time)


def _start_time(pid: int) -> int | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The command's name, in parentheses, may hold anything: count from behind it.
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in "ZX" else int(fields[18])


def write_identity(path: Path, who: ProcessIdentity) -> None:
    scratch = path.with_suffix(".tmp")
    scratch.write_text(json.dumps(asdict(who)))
    scratch.rename(path)


def read_identity(path: Path) -> ProcessIdentity | None:
    """Return who wrote the file; None for no file and for one that is not ours."""
    try:
        return ProcessIdentity(**json.loads(path.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def start(
    command: Sequence[str], log: Path, *, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own that the kernel kills when this one ends."""
    parent = os.getpid()

    def before_exec() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before the line above
            os._exit(1)

    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            start_new_session=True,
            preexec_fn=before_exec,  # noqa: PLW1509 - prctl has no other place; no threads here
        )


def stop(process: subprocess.Popen[bytes], grace_seconds: float) -> None:
    """Ask the process to end, then end its session."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(grace_seconds)
    kill_session(process)


def kill_session(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def stop_by_identity(who: ProcessIdentity, grace_seconds: float) -> None:
    """Stop a process that may not be a child of ours; one that is gone is fine."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with _handle(who) as handle:
            if handle is None:
                return
            signal.pidfd_send_signal(handle, number)
            if select.select([handle], [], [], grace_seconds)[0]:
                return


def wait_for_end(who: ProcessIdentity, seconds: float) -> bool:
    """Say whether the process has ended, by then at the latest."""
    with _handle(who) as handle:
        return handle is None or bool(select.select([handle], [], [], seconds)[0])


@contextmanager
def _handle(who: ProcessIdentity) -> Iterator[int | None]:
    # What is open refers to this very process, even when its pid is given away.
    try:
        descriptor = os.pidfd_open(who.pid)
    except ProcessLookupError:
        yield None
        return
    try:
        yield descriptor if who.is_alive() else None
    finally:
        os.close(descriptor)


def last_lines(log: Path, count: int = 20) -> str:
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-count:])
    except FileNotFoundError:
        return ""
