"""Registrations per second: our server, durable, beside two peers.

`oidc-provider` keeps everything in memory; the reference handler does the least that a durable
registration can be, and so is the ceiling of one process.
"""

from tests.bench.contenders import (
    OIDC_PROVIDER,
    OURS,
    PEER_TOKEN,
    REFERENCE,
    oidc_provider,
    ours,
    running_reference,
    scratch_folder,
)
from tests.bench.load import CONNECTIONS, wrk_program
from tests.bench.report import Figure, Report, write_json
from tests.bench.rounds import Turns, in_turns
from tests.processes.dcr_server import DcrServerSettings, running_dcr_server
from tests.processes.oidc_provider import running_oidc_provider


def run() -> Report:
    wrk_program()
    with (
        scratch_folder("registration") as scratch,
        running_dcr_server(DcrServerSettings(scratch)) as server,
        running_oidc_provider(scratch, initial_access_token=PEER_TOKEN) as peer,
        running_reference(scratch) as reference,
    ):
        turns = in_turns(
            {
                OURS: ours(server, scratch).registering(),
                OIDC_PROVIDER: oidc_provider(peer, scratch).registering(),
                REFERENCE: reference.registering(),
            }
        )
    write_json("registration", {"connections": CONNECTIONS, "rounds": turns.document()})
    return Report(turns.table("registration"), _figures(turns))


def _figures(turns: Turns) -> tuple[Figure, ...]:
    p99 = turns.p99_ratio(OURS, REFERENCE)
    return (
        Figure(
            "registrations/s, to oidc-provider",
            turns.ratio(OURS, OIDC_PROVIDER),
            1.5,
            ceiling=turns.ratio(REFERENCE, OIDC_PROVIDER),
        ),
        Figure("registrations/s, to the reference handler", turns.ratio(OURS, REFERENCE), 0.7),
        Figure("p99 of registrations, to the reference handler", p99, 1.5, at_least=False),
    )
