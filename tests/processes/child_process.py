"""A real program started by a test: ready by a deadline, dead with its parent, its log at hand."""

import ctypes
import json
import os
import pwd
import re
import signal
import ssl
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import httpx

START_SECONDS = 30.0
STOP_SECONDS = 15.0
_POLL_SECONDS = 0.02
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)

Found = TypeVar("Found")


class ProcessFailedError(Exception):
    """Raised when a program ends, or is not ready by its deadline; carries its last log lines."""


@dataclass(frozen=True, slots=True)
class ChildProcess:
    """One running program. Stop it by :meth:`stop`, or as a crash by :meth:`kill_9`."""

    name: str
    popen: subprocess.Popen[bytes]
    log: Path
    log_starts_at: int

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def running(self) -> bool:
        return self.popen.poll() is None

    def log_text(self) -> str:
        """Return what this run wrote; the file also keeps what earlier runs wrote."""
        written = self.log.read_bytes()[self.log_starts_at :]
        return written.decode("utf-8", errors="replace")

    def last_log_lines(self, count: int = 20) -> str:
        return "\n".join(f"  {self.name}| {line}" for line in self.log_text().splitlines()[-count:])

    def resident_bytes(self) -> int:
        return self._memory("VmRSS")

    def peak_resident_bytes(self) -> int:
        """Return the most that was resident since the start."""
        return self._memory("VmHWM")

    def _memory(self, what: str) -> int:
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        match = re.search(rf"^{what}:\s+(\d+) kB$", status, re.MULTILINE)
        if match is None:
            raise self.failure("has no resident memory: it has ended")
        return int(match[1]) * 1024

    def failure(self, what: str) -> ProcessFailedError:
        return ProcessFailedError(
            f"{self.name} {what}; its last log lines:\n{self.last_log_lines()}"
        )

    def wait_for(
        self, look: Callable[[], Found | None], what: str, *, seconds: float = START_SECONDS
    ) -> Found:
        """Poll until ``look`` finds something; raise if the program ends or time runs out."""
        deadline = time.monotonic() + seconds
        while (found := look()) is None:
            if time.monotonic() > deadline:
                raise self.failure(f"did not show {what} within {seconds:.0f} s")
            try:
                status = self.popen.wait(_POLL_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            raise self.failure(f"ended with exit status {status} before it showed {what}")
        return found

    def wait_for_log(self, pattern: str, *, seconds: float = START_SECONDS) -> re.Match[str]:
        compiled = re.compile(pattern, re.MULTILINE)
        return self.wait_for(lambda: compiled.search(self.log_text()), pattern, seconds=seconds)

    def wait_until_listening(self) -> str:
        """Wait for the log line ``{"event": "listening", "url": …}`` and return its URL."""
        return self.wait_for(self._listening_url, "the log line that says where it listens")

    def wait_until_ready(self, url: str, *, ca_file: Path | None = None) -> None:
        """Poll ``url`` until it answers 200."""
        verify = ssl.create_default_context(cafile=ca_file) if ca_file else True
        with httpx.Client(verify=verify, trust_env=False, timeout=2.0) as client:
            self.wait_for(lambda: _answers(client, url), f"200 at {url}")

    def stop(self) -> int:
        """Ask the program to end, insist after a while, and return its exit status."""
        if self.running:
            self.popen.terminate()
        try:
            return self.popen.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill_9()
            raise self.failure(f"did not stop within {STOP_SECONDS:.0f} s of SIGTERM") from None

    def kill_9(self) -> None:
        """End the program as a crash would: no clean-up, no last words."""
        self.popen.kill()
        self.popen.wait()

    def _listening_url(self) -> str | None:
        lines = self.log_text().splitlines()
        entries = (_json_object(line) for line in lines if '"listening"' in line)
        urls = (entry["url"] for entry in entries if entry.get("event") == "listening")
        return next((str(url) for url in urls), None)


def start(
    name: str,
    command: Sequence[str],
    *,
    log: Path,
    environment: Mapping[str, str] | None = None,
    outlives_parent: bool = False,
    as_user: str | None = None,
    death_signal: signal.Signals = signal.SIGKILL,
) -> ChildProcess:
    """Start ``command`` with its output in ``log``, as another user if we may.

    The parent-death signal is tied to the *thread* that starts the program: start long-lived
    programs from the main thread.
    """
    group = None if as_user is None else pwd.getpwnam(as_user).pw_gid
    log.parent.mkdir(parents=True, exist_ok=True)
    written_before = log.stat().st_size if log.exists() else 0
    with log.open("ab") as output:
        popen = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**inherited_environment(), **(environment or {})},
            # What another user runs may not be allowed to look at our folder.
            cwd="/" if as_user else None,
            # A terminal's Ctrl-C reaches us alone; we stop the programs in the right order.
            start_new_session=True,
            user=as_user,
            group=group,
            extra_groups=None if group is None else [group],
            # Comes after the change of user, which would clear it.
            preexec_fn=None if outlives_parent else partial(die_with_parent, death_signal),  # noqa: PLW1509 -- one system call
        )
    return ChildProcess(name, popen, log, written_before)


def inherited_environment() -> dict[str, str]:
    """Our environment without what would change the programs' settings behind a test's back."""
    hidden = ("DCR_", "KUBE", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
    return {k: v for k, v in os.environ.items() if not k.upper().startswith(hidden)}


def die_with_parent(death_signal: signal.Signals) -> None:
    """Have the kernel send this process a signal when its parent ends."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, death_signal)


def _json_object(line: str) -> dict[str, object]:
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _answers(client: httpx.Client, url: str) -> bool | None:
    try:
        return True if client.get(url).status_code == httpx.codes.OK else None
    except httpx.TransportError:
        return None
