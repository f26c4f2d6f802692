"""The server's process, forked from one that has its modules: a restart takes no second.

The same program as `dcr-server serve --dev` from its first line on; only Python's start and the
imports are done once for all.
"""

import http.client
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from urllib.parse import urlsplit

from dcr_server.cli import main
from tests.processes.child_process import START_SECONDS, ProcessFailedError, die_with_parent
from tests.processes.dcr_server import DcrServerSettings

_POLL_SECONDS = 0.01
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["__main__", __name__])


@dataclass(frozen=True, slots=True)
class WarmServer:
    process: BaseProcess

    @property
    def running(self) -> bool:
        return self.process.is_alive()

    def kill_9(self) -> None:
        self.process.kill()
        self.process.join()


def start_warm_server(settings: DcrServerSettings) -> WarmServer:
    """Start it and wait until it is ready."""
    log = settings.directory / "dcr-server.log"
    process = _FORKS.Process(target=_serve, args=(settings.environment(), log), daemon=True)
    process.start()
    server = WarmServer(process)
    wait_until_ready(settings.issuer, server)
    return server


def wait_until_ready(issuer: str, server: WarmServer) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _is_ready(urlsplit(issuer).netloc):
        if time.monotonic() > deadline or not server.running:
            raise ProcessFailedError(f"dcr-server is not ready, exit {server.process.exitcode}")
        time.sleep(_POLL_SECONDS)


def _is_ready(address: str) -> bool:
    connection = http.client.HTTPConnection(address, timeout=2.0)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _serve(environment: Mapping[str, str], log: Path) -> None:
    die_with_parent(signal.SIGKILL)
    os.environ.update(environment)
    with log.open("ab") as output:
        os.dup2(output.fileno(), sys.stdout.fileno())
        os.dup2(output.fileno(), sys.stderr.fileno())
    main(["serve", "--dev"])
