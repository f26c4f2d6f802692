"""The providers that every test here runs against, each as a real process."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

# The fixtures of the local cluster, for the tests that run the operator as a whole.
from tests.integration.conftest import admin, cluster  # noqa: F401 -- used by name
from tests.interop.node_packages import NotInstalledError
from tests.processes.dcr_server import DcrServerSettings, running_dcr_server
from tests.processes.oidc_provider import running_oidc_provider

_TOKEN = "an-initial-access-token"


@dataclass(frozen=True, slots=True)
class InteropProvider:
    title: str
    issuer: str
    initial_access_token: str | None = field(repr=False)


@contextmanager
def _dcr_server(directory: Path) -> Iterator[InteropProvider]:
    with running_dcr_server(DcrServerSettings(directory)) as server:
        token = server.mint_initial_access_token()
        yield InteropProvider("dcr-server", server.issuer, token)


@contextmanager
def _oidc_provider_open(directory: Path) -> Iterator[InteropProvider]:
    with running_oidc_provider(directory) as provider:
        yield InteropProvider("oidc-provider", provider.issuer, None)


@contextmanager
def _oidc_provider_with_token(directory: Path) -> Iterator[InteropProvider]:
    with running_oidc_provider(directory, initial_access_token=_TOKEN) as provider:
        yield InteropProvider("oidc-provider", provider.issuer, _TOKEN)


_PROVIDERS = {
    "dcr-server": _dcr_server,
    "oidc-provider-open": _oidc_provider_open,
    "oidc-provider-with-token": _oidc_provider_with_token,
}


@pytest.fixture(scope="session", params=list(_PROVIDERS))
def provider(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[InteropProvider]:
    directory = tmp_path_factory.mktemp(request.param)
    with ExitStack() as stack:
        try:
            running = stack.enter_context(_PROVIDERS[request.param](directory))
        except NotInstalledError as missing:
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(str(missing))
        yield running
