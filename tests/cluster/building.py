"""Build one program into the cache: once among parallel runs, all or nothing."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.failures import BuildError
from tests.cluster.locks import exclusively
from tests.cluster.processes import kill_session, last_lines, start
from tests.cluster.programs import Program
from tests.cluster.toolchain import GoToolchain

HEARTBEAT_SECONDS = 30.0

Say = Callable[[str], None]
Command = Callable[[Program, Path], Sequence[str]]
"""From a program and where its executable goes to the command that makes it."""


def cached_path(cache: Path, program: Program) -> Path:
    return cache / program.name / program.version / program.name


def go_build(toolchain: GoToolchain) -> Command:
    def command(program: Program, output: Path) -> Sequence[str]:
        flags = ["-trimpath", "-mod=readonly", "-buildvcs=false"]
        linker = f"-s -w {program.linker_flags}".strip()
        target = ["-ldflags", linker, "-o", str(output), program.package]
        return [str(toolchain.go), "build", "-C", str(program.module), *flags, *target]

    return command


def go_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Pin what would make the build depend on the caller's Go settings."""
    return dict(environment) | {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"}


@dataclass(frozen=True, slots=True)
class Builder:
    cache: Path
    command: Command
    environment: Mapping[str, str]
    say: Say
    heartbeat_seconds: float = HEARTBEAT_SECONDS

    def build(self, program: Program) -> Path:
        """Return the cached executable, made by the command unless it is there already."""
        target = cached_path(self.cache, program)
        lock = self.cache / program.name / f"{program.version}.lock"
        waiting = f"waiting for another run that builds {program.name}"
        with exclusively(lock, before_wait=lambda: self.say(waiting)):
            if not target.exists():
                self.say(f"building {program.name} {program.version}, about {program.about}, once")
                started = time.monotonic()
                self._make(program, target)
                self.say(f"built {program.name} in {time.monotonic() - started:.0f} s")
        return target

    def _make(self, program: Program, target: Path) -> None:
        # The name appears by a rename only: an interrupted build leaves nothing that looks whole.
        parent, prefix = target.parent.parent, f".building-{program.version}-"
        for abandoned in parent.glob(f"{prefix}*"):  # by a run that was killed: the lock is ours
            shutil.rmtree(abandoned)
        with tempfile.TemporaryDirectory(dir=parent, prefix=prefix) as scratch:
            output = Path(scratch) / program.name
            self._run(program, output, Path(scratch) / "log")
            target.parent.mkdir(exist_ok=True)
            _flush(output)
            output.rename(target)

    def _run(self, program: Program, output: Path, log: Path) -> None:
        process = start(self.command(program, output), log, environment=self.environment)
        try:
            self._wait(process, program)
        finally:
            kill_session(process)
        if process.returncode != 0:
            raise BuildError(f"building {program.name} failed:\n{last_lines(log)}")

    def _wait(self, process: subprocess.Popen[bytes], program: Program) -> None:
        started = time.monotonic()
        while True:
            try:
                process.wait(self.heartbeat_seconds)
            except subprocess.TimeoutExpired:
                self.say(f"still building {program.name}: {time.monotonic() - started:.0f} s")
            else:
                return


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
