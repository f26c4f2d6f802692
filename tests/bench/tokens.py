"""Access tokens by client_credentials per second: our signed JWT beside an opaque token.

Ours (RFC 9068, ES256) can be verified by whoever has the keys; the opaque one of oidc-provider is
a random text that is kept in memory. The reference handler signs like ours, and does little else.
"""

from tests.bench.contenders import (
    PEER_TOKEN,
    oidc_provider,
    ours,
    running_reference,
    scratch_folder,
)
from tests.bench.load import CONNECTIONS, wrk_program
from tests.bench.report import Figure, Report, write_json
from tests.bench.rounds import in_turns
from tests.processes.dcr_server import DcrServerSettings, running_dcr_server
from tests.processes.oidc_provider import running_oidc_provider

_OURS = "dcr-server (JWT, ES256)"
_OIDC_PROVIDER = "oidc-provider (opaque, Node 22)"
_REFERENCE = "reference handler (JWT, ES256)"


def run() -> Report:
    wrk_program()
    with (
        scratch_folder("tokens") as scratch,
        running_dcr_server(DcrServerSettings(scratch)) as server,
        running_oidc_provider(
            scratch, initial_access_token=PEER_TOKEN, opaque_access_tokens=True
        ) as peer,
        running_reference(scratch) as reference,
    ):
        turns = in_turns(
            {
                _OURS: ours(server, scratch).issuing_tokens(),
                _OIDC_PROVIDER: oidc_provider(peer, scratch).issuing_tokens(),
                _REFERENCE: reference.issuing_tokens(),
            }
        )
    write_json("tokens", {"connections": CONNECTIONS, "rounds": turns.document()})
    ratio = turns.ratio(_OURS, _OIDC_PROVIDER)
    ceiling = turns.ratio(_REFERENCE, _OIDC_PROVIDER)
    return Report(
        turns.table("client_credentials"),
        (Figure("tokens/s, JWT to opaque ones of oidc-provider", ratio, 1.2, ceiling=ceiling),),
    )
