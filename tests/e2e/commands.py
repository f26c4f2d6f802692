"""Run the programs that the end-to-end run is made of, and say what is missing."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_LAST_LINES = 40


class MissingError(Exception):
    """Something that this machine has to bring is not there; one line says what."""


class CommandFailedError(Exception):
    """Its text is the command and the end of what it printed."""


@dataclass(frozen=True, slots=True)
class Ran:
    status: int
    output: str
    errors: str


def say(line: str) -> None:
    print(line, flush=True)


def run(
    *command: str,
    stdin: str | None = None,
    environment: Mapping[str, str] | None = None,
    seconds: float = 600.0,
) -> str:
    """Return standard output; raises CommandFailedError, with the end of the output."""
    ran = try_to_run(*command, stdin=stdin, environment=environment, seconds=seconds)
    if ran.status:
        said = (ran.output + ran.errors).strip().splitlines()[-_LAST_LINES:]
        lines = "\n".join(f"  {line}" for line in said)
        raise CommandFailedError(f"{' '.join(command)}: exit {ran.status}\n{lines}")
    return ran.output


def try_to_run(
    *command: str,
    stdin: str | None = None,
    environment: Mapping[str, str] | None = None,
    seconds: float = 600.0,
) -> Ran:
    try:
        done = subprocess.run(
            command,
            input=stdin,
            stdin=None if stdin is not None else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            env={**os.environ, **(environment or {})},
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CommandFailedError(f"{' '.join(command)}: not done after {seconds:.0f} s") from None
    return Ran(done.returncode, done.stdout, done.stderr)


def need_programs(names: Sequence[str]) -> None:
    """Raises MissingError for what is not on PATH, or a Docker that does not answer."""
    missing = [name for name in names if shutil.which(name) is None]
    if missing:
        names_missing = " and ".join(missing)
        raise MissingError(f"{names_missing} not found: install what is missing, or put it on PATH")
    if "docker" in names and try_to_run("docker", "info", seconds=30).status:
        raise MissingError("docker does not answer: start it, or set DOCKER_HOST")


def exit_missing(error: MissingError) -> int:
    print(f"make: {error}", file=sys.stderr)
    return 2
