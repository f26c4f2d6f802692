"""
The operator's part of `make soak`: SIGKILL while clients are made, edited, rotated and deleted.

OPERATOR_ROUNDS= rounds at each provider (100)
CLIENTS=         clients at the same time (200)
PROVIDERS=       ours: our server; forgetful: our server behind a gateway that keeps no keys; both
SEED=            of an earlier run, to ask for the same and kill at the same moments

Exit status: 0 nothing was lost or left, 1 something was, 2 something is missing on this machine.
"""

import os
import random
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.cluster.binaries import control_plane_binaries
from tests.cluster.failures import MissingPrerequisiteError
from tests.cluster.running import own_cluster
from tests.integration.operator_stage import Stage, Tenant, new_tenant, raised_stage
from tests.soak.operator_rounds import OperatorSoak
from tests.soak.operator_stage import forgetful_tenant, server_database

_KINDS: Final = ("ours", "forgetful")
_SECONDS_BETWEEN_LINES: Final = 30.0


def main() -> int:
    chosen = os.environ.get("PROVIDERS") or "both"
    if chosen not in (*_KINDS, "both"):
        print(f"make: PROVIDERS={chosen}: give ours, forgetful or both", file=sys.stderr)
        return 2
    rounds, clients = (
        int(os.environ.get(name) or default)
        for name, default in (("OPERATOR_ROUNDS", 100), ("CLIENTS", 200))
    )
    seed = int(os.environ.get("SEED") or secrets.randbelow(2**32))
    try:
        control_plane_binaries()
    except MissingPrerequisiteError as missing:
        print(missing, file=sys.stderr)
        return 2
    directory = Path(tempfile.mkdtemp(prefix="dcr-soak-operator-"))
    good = True
    with (
        own_cluster(directory / "control-plane") as cluster,
        cluster.admin() as admin,
        raised_stage(cluster, admin, directory, leader_election="false") as stage,
    ):
        for kind in _KINDS if chosen == "both" else (chosen,):
            print(f"soak of the operator, {kind}: {rounds} rounds, SEED={seed}", flush=True)
            with _tenant(stage, directory, kind) as (tenant, database):
                soak = OperatorSoak(
                    stage,
                    tenant,
                    database,
                    random.Random(seed),  # noqa: S311 - chosen at random, and the same again by its seed
                    clients,
                    honours_keys=kind == "ours",
                )
                good = _soaked(soak, rounds) and good
    if good:
        shutil.rmtree(directory)
    else:
        print(f"what the operator and the server wrote is in {directory}")
    return 0 if good else 1


@contextmanager
def _tenant(stage: Stage, directory: Path, kind: str) -> Iterator[tuple[Tenant, Path]]:
    if kind == "forgetful":
        with forgetful_tenant(stage, directory) as forgetful:
            yield forgetful
        return
    with new_tenant(stage) as tenant:
        yield tenant, server_database(stage.server)


def _soaked(soak: OperatorSoak, rounds: int) -> bool:
    started = said = time.monotonic()
    complaints: list[str] = []
    done = 0
    while done < rounds and not complaints:
        complaints = soak.round()
        done += 1
        if time.monotonic() - said > _SECONDS_BETWEEN_LINES:
            said = time.monotonic()
            print(f"  {done} rounds, {len(soak.wanted)} clients", flush=True)
    counted = ", ".join(f"{count} {what}" for what, count in sorted(soak.done.items()))
    print(
        f"{done} rounds in {time.monotonic() - started:.0f} s: {counted};"
        f" {len(soak.wanted)} clients there, {soak.left} left behind, {soak.orphans} on record as"
        f" such, {len(complaints)} complaints",
        flush=True,
    )
    for complaint in complaints:
        print(f"round {done}: {complaint}", flush=True)
    return not complaints


if __name__ == "__main__":
    sys.exit(main())
