"""The long run of schemathesis, a part of `make soak`: other requests each time.

FUZZ=     rounds on each database, 5 without it; each is all of /openapi.json, with its own seed
DATABASE= sqlite or postgresql; without it both
SEED=     of an earlier run, to send the same again; the first round takes it, each other the next

Exit status: 0 every answer was one that is described, 1 one was not, 2 something is missing here.
"""

import os
import secrets
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.attacks.described_requests import ADMINISTRATION, PUBLIC, Target, fuzz, running_target
from tests.cluster.failures import MissingPrerequisiteError
from tests.processes.postgresql import running_postgresql
from tests.processes.postgresql_programs import postgresql_programs

_ROUNDS = 5
_DATABASES = ("sqlite", "postgresql")
_EXAMPLES = 100


def main() -> int:
    chosen = os.environ.get("DATABASE")
    try:
        failures = [text for name in ([chosen] if chosen else _DATABASES) for text in _rounds(name)]
    except MissingPrerequisiteError as missing:
        print(missing, file=sys.stderr)
        return 2
    for text in failures:
        print(text)
    return 1 if failures else 0


def _rounds(database: str) -> list[str]:
    rounds = int(os.environ.get("FUZZ") or _ROUNDS)
    first = int(os.environ.get("SEED") or secrets.randbelow(2**31))
    print(
        f"requests made from /openapi.json, {database}: {rounds} rounds, SEED={first}", flush=True
    )
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dcr-fuzz-")))
        url = ""
        if database == "postgresql":
            url = stack.enter_context(running_postgresql(postgresql_programs())).fresh_database()
        target = stack.enter_context(running_target(folder, database=url))
        return [text for seed in range(first, first + rounds) if (text := _round(target, seed))]


def _round(target: Target, seed: int) -> str:
    """Say what was not as described; empty when nothing was."""
    said = ""
    for paths in (PUBLIC, ADMINISTRATION):
        done = fuzz(target, paths, seed=seed, examples=_EXAMPLES)
        if done.returncode:
            said += f"seed {seed}, {paths}:\n{done.stdout}{done.stderr}\n"
    faults = [entry for entry in target.log() if entry["event"] == "internal_error"]
    if faults:
        said += f"seed {seed}: the server logged {faults[0]}\n"
    print(f"  seed {seed}: {'failed' if said else 'passed'}", flush=True)
    return said


if __name__ == "__main__":
    sys.exit(main())
