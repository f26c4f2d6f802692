"""The long run of schemathesis, a part of `make soak`: other requests each time.

FUZZ=  rounds, 10 without it; each is all of /openapi.json once, with a seed of its own
SEED=  of an earlier run, to send the same again; the first round takes it, each other the next

Exit status: 0 every answer was one that is described, 1 one was not.
"""

import os
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

from tests.attacks.described_requests import ADMINISTRATION, PUBLIC, Target, fuzz, running_target

_ROUNDS = 10
_EXAMPLES = 100


def main() -> int:
    rounds = int(os.environ.get("FUZZ") or _ROUNDS)
    first = int(os.environ.get("SEED") or secrets.randbelow(2**31))
    folder = Path(tempfile.mkdtemp(prefix="dcr-fuzz-"))
    print(f"requests made from /openapi.json: {rounds} rounds, SEED={first}", flush=True)
    with running_target(folder) as target:
        failures = [text for seed in range(first, first + rounds) if (text := _round(target, seed))]
    for text in failures:
        print(text)
    if failures:
        print(f"what the server wrote is in {folder}")
        return 1
    shutil.rmtree(folder)
    print(f"{rounds} rounds: every answer was one that is described, none a 5xx")
    return 0


def _round(target: Target, seed: int) -> str:
    """Say what was not as described; empty when nothing was."""
    said = ""
    for paths in (PUBLIC, ADMINISTRATION):
        done = fuzz(target, paths, seed=seed, examples=_EXAMPLES)
        if done.returncode:
            said += f"seed {seed}, {paths}:\n{done.stdout}{done.stderr}\n"
    if any(entry["event"] == "internal_error" for entry in target.log()):
        said += f"seed {seed}: the server logged an internal_error\n"
    print(f"  seed {seed}: {'failed' if said else 'passed'}", flush=True)
    return said


if __name__ == "__main__":
    sys.exit(main())
