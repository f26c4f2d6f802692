"""Where the operator is soaked: a tenant at our server, or at one that honours no keys."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.integration.operator_stage import Stage, Tenant, new_tenant
from tests.processes.dcr_server import DcrServer, DcrServerSettings, start_dcr_server
from tests.processes.free_port import free_port
from tests.soak.forgetful_gateway import forgetful_gateway


def server_database(server: DcrServer) -> Path:
    return server.settings.directory / "dcr-server.db"


@contextmanager
def forgetful_tenant(stage: Stage, directory: Path) -> Iterator[tuple[Tenant, Path]]:
    """Have a tenant whose provider knows nothing of Idempotency-Key, and its database."""
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    settings = DcrServerSettings(directory / "forgetful", extra={"DCR_SERVER_ISSUER": issuer})
    server = start_dcr_server(settings)
    try:
        token = server.mint_initial_access_token()
        with (
            forgetful_gateway(port, f"127.0.0.1:{settings.port}"),
            new_tenant(stage, token=token) as tenant,
        ):
            tenant.replace_provider(issuer=issuer)
            yield tenant, server_database(server)
    finally:
        server.kill_9()
