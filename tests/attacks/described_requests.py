"""schemathesis at a server that runs: requests made from /openapi.json, answers held against it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.processes.child_process import inherited_environment
from tests.processes.dcr_server import DcrServer, DcrServerSettings, running_dcr_server
from tests.processes.free_port import free_port

ADMIN_TOKEN = "admin-token-" + "0" * 32
PUBLIC = "^/(?!admin/|metrics)"
ADMINISTRATION = "^/(admin/|metrics|healthz|readyz)"
_PROGRAM = str(Path(sys.executable).with_name("st"))
_ROOT = Path(__file__).parents[2]
# What a policy allows and which members contradict each other is no part of a JSON Schema.
_NOT_CHECKED = "positive_data_acceptance"
_SECONDS = 1800


@dataclass(frozen=True)
class Target:
    """A server with both of its listeners."""

    server: DcrServer
    admin_url: str

    def log(self) -> list[dict[str, object]]:
        text = (self.server.settings.directory / "dcr-server.log").read_text()
        return [json.loads(line) for line in text.splitlines()]


@contextmanager
def running_target(folder: Path, *, database: str = "") -> Iterator[Target]:
    """Without the URL of a database it is SQLite in the folder."""
    port = free_port()
    extra = {
        "DCR_SERVER_ADMIN_LISTEN": f"127.0.0.1:{port}",
        "DCR_SERVER_ADMIN_TOKEN": ADMIN_TOKEN,
    }
    settings = DcrServerSettings(
        folder, extra=extra | ({"DCR_SERVER_DATABASE": database} if database else {})
    )
    with running_dcr_server(settings) as server:
        yield Target(server, f"http://127.0.0.1:{port}")


def fuzz(
    target: Target, paths: str, *, seed: int, examples: int
) -> subprocess.CompletedProcess[str]:
    """Run all phases of schemathesis on the paths that match; status 0 is no failure."""
    url = target.admin_url if paths == ADMINISTRATION else target.server.issuer
    environment = {
        **inherited_environment(),
        "SCHEMATHESIS_HOOKS": "tests.attacks.schemathesis_hooks",
        "PYTHONPATH": os.pathsep.join([str(_ROOT)]),
        "ATTACKED_ISSUER": target.server.issuer,
        # One of its own: as administrator it may revoke whatever it finds.
        "ATTACKED_INITIAL_ACCESS_TOKEN": target.server.mint_initial_access_token(),
        "ATTACKED_ADMIN_TOKEN": ADMIN_TOKEN,
    }
    return subprocess.run(
        [
            _PROGRAM,
            "run",
            f"{target.server.issuer}/openapi.json",
            *("--url", url, "--include-path-regex", paths),
            *("--exclude-checks", _NOT_CHECKED, "--continue-on-failure"),
            *("--max-examples", str(examples), "--seed", str(seed)),
            *("--generation-database", "none", "--no-color", "--warnings", "off"),
        ],
        env=environment,
        cwd=target.server.settings.directory,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
