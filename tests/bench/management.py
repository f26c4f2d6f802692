"""Reads and updates of registrations (RFC 7592) per second, beside two peers.

All answer an update with another registration access token; ours and the reference handler's is
durable by then.
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
        scratch_folder("management") as scratch,
        running_dcr_server(DcrServerSettings(scratch)) as server,
        running_oidc_provider(scratch, initial_access_token=PEER_TOKEN) as peer,
        running_reference(scratch) as reference,
    ):
        contenders = {
            OURS: ours(server, scratch),
            OIDC_PROVIDER: oidc_provider(peer, scratch),
            REFERENCE: reference,
        }
        reads = in_turns({title: each.reading() for title, each in contenders.items()})
        updates = in_turns({title: each.updating() for title, each in contenders.items()})
    rounds = {"GET": reads.document(), "PUT": updates.document()}
    write_json("management", {"connections": CONNECTIONS, "rounds": rounds})
    return Report(
        f"{reads.table('read (GET)')}\n\n{updates.table('update (PUT)')}",
        (
            _figure("reads/s (GET), to oidc-provider", reads, 1.5),
            _figure("updates/s (PUT), to oidc-provider", updates, 2.5),
        ),
    )


def _figure(what: str, turns: Turns, goal: float) -> Figure:
    ceiling = turns.ratio(REFERENCE, OIDC_PROVIDER)
    return Figure(what, turns.ratio(OURS, OIDC_PROVIDER), goal, ceiling=ceiling)
