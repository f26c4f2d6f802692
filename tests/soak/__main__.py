"""
`make soak`: kill the server at random moments under load, and look for what was lost.

ROUNDS=   rounds on each database; without it 1,000 on SQLite and 200 on PostgreSQL
DATABASE= sqlite or postgresql; without it both
SEED=     of an earlier run, to kill at the same moments

Exit status: 0 nothing was lost, 1 something was, 2 something is missing on this machine.
"""

import asyncio
import json
import os
import secrets
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.cluster.failures import MissingPrerequisiteError
from tests.soak.rounds import Soak, soaking
from tests.soak.stage import Stage, running_stage

_FULL_LENGTH = {"sqlite": 1000, "postgresql": 200}
_SECONDS_BETWEEN_LINES = 30.0
_RESULTS = Path(".local") / "soak"


def main() -> int:
    chosen = os.environ.get("DATABASE") or ""
    if chosen and chosen not in _FULL_LENGTH:
        print(f"make: DATABASE={chosen}: give sqlite or postgresql", file=sys.stderr)
        return 2
    seed = int(os.environ.get("SEED") or secrets.randbelow(2**32))
    try:
        results = [
            _run(database, int(os.environ.get("ROUNDS") or _FULL_LENGTH[database]), seed)
            for database in ([chosen] if chosen else _FULL_LENGTH)
        ]
    except MissingPrerequisiteError as missing:
        print(missing, file=sys.stderr)
        return 2
    return 0 if all(results) else 1


def _run(database: str, rounds: int, seed: int) -> bool:
    print(f"soak on {database}: {rounds} rounds, SEED={seed}", flush=True)
    directory = Path(tempfile.mkdtemp(prefix=f"dcr-soak-{database}-"))
    with running_stage(directory, database) as stage:
        lost = asyncio.run(_soak(stage, database, rounds, seed))
    if lost:
        print(f"what the server wrote and its database, if a file, are in {directory}")
    else:
        shutil.rmtree(directory)
    return not lost


async def _soak(stage: Stage, database: str, rounds: int, seed: int) -> bool:
    """Say whether anything was lost."""
    started = said = time.monotonic()
    losses: list[str] = []
    done = 0
    async with soaking(stage, seed) as soak:
        while done < rounds and not losses:
            losses = await soak.round()
            done += 1
            if time.monotonic() - said > _SECONDS_BETWEEN_LINES:
                said = time.monotonic()
                print(f"  {done} rounds, {sum(soak.answers().values())} answers", flush=True)
    result = _result(soak, done, seed, time.monotonic() - started) | {"losses": losses}
    _RESULTS.mkdir(parents=True, exist_ok=True)
    (_RESULTS / f"{database}.json").write_text(json.dumps(result, indent=2) + "\n")
    print(_table(database, result), flush=True)
    for loss in losses:
        print(f"round {done}: {loss}", flush=True)
    return bool(losses)


def _result(soak: Soak, rounds: int, seed: int, seconds: float) -> dict[str, object]:
    restarts = sorted(soak.stage.restart_seconds)
    return {
        "rounds": rounds,
        "seed": seed,
        "seconds": round(seconds, 1),
        "killed": soak.killed,
        "answers": soak.answers(),
        "registrations without an answer": soak.unanswered,
        "clients checked after a restart": soak.checked,
        "median seconds of a restart": round(restarts[len(restarts) // 2], 2) if restarts else None,
    }


def _table(database: str, result: dict[str, object]) -> str:
    rows = [f"| {name} | {_shown(value)} |" for name, value in result.items()]
    return "\n".join([f"| soak on {database} | |", "|---|---|", *rows])


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {count}" for name, count in value.items())
    return str(len(value)) if isinstance(value, list) else str(value)


if __name__ == "__main__":
    sys.exit(main())
