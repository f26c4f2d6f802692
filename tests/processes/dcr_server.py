"""The registration server as a real process on a free loopback port."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.processes.certificates import ServerCertificate
from tests.processes.child_process import (
    ChildProcess,
    ProcessFailedError,
    inherited_environment,
    start,
)
from tests.processes.free_port import free_port

_PROGRAM = str(Path(sys.executable).with_name("dcr-server"))
_CLI_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class DcrServerSettings:
    """What a server keeps over restarts: its address, its database, its settings."""

    directory: Path
    port: int = field(default_factory=free_port)
    certificate: ServerCertificate | None = None
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        scheme = "https" if self.certificate else "http"
        return f"{scheme}://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        settings = {
            "DCR_SERVER_ISSUER": self.issuer,
            "DCR_SERVER_LISTEN": f"127.0.0.1:{self.port}",
            "DCR_SERVER_ADMIN_LISTEN": "127.0.0.1:0",
            "DCR_SERVER_DATABASE": f"sqlite:///{self.directory / 'dcr-server.db'}",
        }
        if self.certificate:
            settings["DCR_SERVER_TLS_CERT_FILE"] = str(self.certificate.cert_file)
            settings["DCR_SERVER_TLS_KEY_FILE"] = str(self.certificate.key_file)
        return {**settings, **self.extra}


@dataclass(frozen=True, slots=True)
class DcrServer:
    """A running server; start another with the same settings to restart it."""

    settings: DcrServerSettings
    process: ChildProcess

    @property
    def issuer(self) -> str:
        return self.settings.issuer

    @property
    def ca_file(self) -> Path | None:
        return self.settings.certificate.ca_file if self.settings.certificate else None

    def mint_initial_access_token(self, *options: str, policy: str = "default") -> str:
        """Run ``dcr-server token create`` beside the server; ``options`` are its own flags."""
        return run_cli(self.settings, "token", "create", "--policy", policy, *options).strip()

    def stop(self) -> int:
        return self.process.stop()

    def kill_9(self) -> None:
        self.process.kill_9()


def start_dcr_server(settings: DcrServerSettings, *, outlives_parent: bool = False) -> DcrServer:
    server = _launch(settings, outlives_parent=outlives_parent)
    _wait_until_ready(server)
    return server


@contextmanager
def running_together(*settings: DcrServerSettings) -> Iterator[list[DcrServer]]:
    """Start several at the same moment."""
    servers = [_launch(each) for each in settings]
    try:
        for server in servers:
            _wait_until_ready(server)
        yield servers
    finally:
        for server in servers:
            if server.process.running:
                server.stop()


def _launch(settings: DcrServerSettings, *, outlives_parent: bool = False) -> DcrServer:
    settings.directory.mkdir(parents=True, exist_ok=True)
    process = start(
        "dcr-server",
        [_PROGRAM, "serve", "--dev"],
        log=settings.directory / "dcr-server.log",
        environment=settings.environment(),
        outlives_parent=outlives_parent,
    )
    return DcrServer(settings, process)


def _wait_until_ready(server: DcrServer) -> None:
    server.process.wait_until_ready(f"{server.issuer}/readyz", ca_file=server.ca_file)


def run_cli(settings: DcrServerSettings, *arguments: str) -> str:
    """Run the server's command line on the same settings and return its standard output."""
    done = subprocess.run(
        [_PROGRAM, *arguments],
        env={**inherited_environment(), **settings.environment()},
        capture_output=True,
        text=True,
        timeout=_CLI_SECONDS,
        check=False,
    )
    if done.returncode:
        command = " ".join(arguments)
        raise ProcessFailedError(f"dcr-server {command}: exit {done.returncode}\n{done.stderr}")
    return done.stdout


@contextmanager
def running_dcr_server(settings: DcrServerSettings) -> Iterator[DcrServer]:
    server = start_dcr_server(settings)
    try:
        yield server
    finally:
        if server.process.running:
            server.stop()
