"""The provider of the demo: our server with TLS on a durable file, or one nobody here wrote."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.processes.certificates import make_server_certificate
from tests.processes.child_process import ChildProcess
from tests.processes.dcr_server import DcrServerSettings, start_dcr_server
from tests.processes.oidc_provider import start_oidc_provider


@dataclass(frozen=True, slots=True)
class DemoProvider:
    title: str
    issuer: str
    process: ChildProcess
    initial_access_token: str = field(repr=False)
    ca_file: Path | None = None


def _dcr_server(directory: Path, *, keep: bool) -> DemoProvider:
    certificate = make_server_certificate(directory / "tls", "127.0.0.1", "localhost")
    settings = DcrServerSettings(directory, certificate=certificate)
    server = start_dcr_server(settings, outlives_parent=keep)
    token = server.mint_initial_access_token("--subject", "demo", "--expires-in", "1h")
    return DemoProvider("dcr-server", server.issuer, server.process, token, certificate.ca_file)


def _oidc_provider(directory: Path, *, keep: bool) -> DemoProvider:
    token = secrets.token_urlsafe(32)
    provider = start_oidc_provider(directory, initial_access_token=token, outlives_parent=keep)
    return DemoProvider("oidc-provider", provider.issuer, provider.process, token)


PROVIDERS: Mapping[str, Callable[..., DemoProvider]] = {
    "dcr-server": _dcr_server,
    "oidc-provider": _oidc_provider,
}
