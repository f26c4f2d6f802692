"""node-oidc-provider, a provider that nobody here wrote, as a real process."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.interop.node_packages import node_program
from tests.interop.oidc_provider_install import OIDC_PROVIDER, SERVER_SCRIPT
from tests.processes.child_process import ChildProcess, start
from tests.processes.free_port import free_port


@dataclass(frozen=True, slots=True)
class OidcProvider:
    issuer: str
    process: ChildProcess

    def stop(self) -> int:
        return self.process.stop()


def start_oidc_provider(
    directory: Path,
    *,
    initial_access_token: str | None = None,
    opaque_access_tokens: bool = False,
    port: int | None = None,
    outlives_parent: bool = False,
) -> OidcProvider:
    """Start it with registration and registration management on, and a store that keeps all."""
    environment = {
        "PORT": str(port or free_port()),
        "NODE_MODULES": str(OIDC_PROVIDER.node_modules()),
    }
    if initial_access_token is not None:
        environment["INITIAL_ACCESS_TOKEN"] = initial_access_token
    if opaque_access_tokens:
        environment["OPAQUE_ACCESS_TOKENS"] = "1"
    process = start(
        "oidc-provider",
        [str(node_program()), str(SERVER_SCRIPT)],
        log=directory / "oidc-provider.log",
        environment=environment,
        outlives_parent=outlives_parent,
    )
    issuer = process.wait_until_listening()
    process.wait_until_ready(f"{issuer}/.well-known/openid-configuration")
    return OidcProvider(issuer, process)


@contextmanager
def running_oidc_provider(
    directory: Path,
    *,
    initial_access_token: str | None = None,
    opaque_access_tokens: bool = False,
) -> Iterator[OidcProvider]:
    provider = start_oidc_provider(
        directory,
        initial_access_token=initial_access_token,
        opaque_access_tokens=opaque_access_tokens,
    )
    try:
        yield provider
    finally:
        if provider.process.running:
            provider.stop()
