"""`serve --workers 2` as real processes: who lives, who dies with whom, what is counted."""

import base64
import contextlib
import json
import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from dcr_server.cli import main
from tests.processes.child_process import ChildProcess, start
from tests.unit.server.registrant import MACHINE, bearer

_PROGRAM = str(Path(sys.executable).with_name("dcr-server"))
_TOKEN = "f" * 64

pytestmark = pytest.mark.timeout(60)


@dataclass(frozen=True)
class Workers:
    supervisor: ChildProcess
    folder: Path

    @property
    def url(self) -> str:
        return self.supervisor.wait_until_listening()

    @property
    def admin_url(self) -> str:
        return str(self.wait_for("admin_listening")[0]["url"])

    def events(self, name: str) -> list[dict[str, object]]:
        lines = self.supervisor.log_text().splitlines()
        entries = [json.loads(line) for line in lines if line.endswith("}")]
        return [entry for entry in entries if entry["event"] == name]

    def wait_for(self, name: str, count: int = 1) -> list[dict[str, object]]:
        def look() -> list[dict[str, object]] | None:
            found = self.events(name)
            return found if len(found) >= count else None

        return self.supervisor.wait_for(look, f"{count} {name}")

    def pids(self) -> list[int]:
        return [int(str(entry["pid"])) for entry in self.wait_for("worker_ready", 2)]

    def metric(self, name: str) -> float:
        lines = httpx.get(f"{self.admin_url}/metrics", trust_env=False).text.splitlines()
        values = [line.rpartition(" ") for line in lines if line.startswith(name)]
        return sum(float(value) for _, _, value in values)

    def readiness(self) -> tuple[int, str]:
        answer = httpx.get(f"{self.admin_url}/readyz", trust_env=False)
        return answer.status_code, answer.json()["status"]

    def register(self, **headers: str) -> httpx.Response:
        # A connection for each: either worker may accept it.
        return httpx.post(
            f"{self.url}/connect/register",
            json=dict(MACHINE),
            headers={**bearer(_TOKEN), **headers},
            trust_env=False,
        )

    def metrics_folders(self) -> list[Path]:
        return [*self.folder.glob("dcr-server-metrics-*")]


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    with running_workers(tmp_path, f"sqlite:///{tmp_path}/test.db") as running:
        yield running


@contextlib.contextmanager
def running_workers(tmp_path: Path, database: str) -> Iterator[Workers]:
    (tmp_path / "token").write_text(_TOKEN)
    environment = {
        "DCR_SERVER_LISTEN": "127.0.0.1:0",
        "DCR_SERVER_ADMIN_LISTEN": "127.0.0.1:0",
        "DCR_SERVER_DATABASE": database,
        "DCR_SERVER_ENCRYPTION_KEY": base64.b64encode(b"k" * 32).decode(),
        "DCR_SERVER_WORKERS": "2",
        "TMPDIR": str(tmp_path),
    }
    token_file = f"--token-file={tmp_path}/token"
    minting = ["token", "create", "--policy", "default", token_file]
    made = CliRunner().invoke(main, minting, env=environment)
    assert made.exit_code == 0, made.output
    program = [_PROGRAM, "serve", "--dev"]
    process = start("dcr-server", program, log=tmp_path / "log", environment=environment)
    running = Workers(process, tmp_path)
    process.wait_until_ready(f"{running.url}/readyz")
    running.wait_for("worker_ready", 2)
    try:
        yield running
    finally:
        process.stop()


def ended(pid: int) -> bool:
    """Tell from /proc: a zombie has ended, only its parent has not asked yet."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"


def test_both_answer_and_are_counted_as_one(workers: Workers) -> None:
    answers = [workers.register() for _ in range(40)]
    assert [answer.status_code for answer in answers] == [201] * 40
    assert len({answer.json()["client_id"] for answer in answers}) == 40
    labels = 'operation="register",policy="default",result="ok"'
    assert workers.metric(f"dcr_server_operations_total{{{labels}}}") == 40
    assert workers.metric('dcr_server_clients{policy="default"}') == 40
    # Settings come by a pipe: others can read arguments.
    key = base64.b64encode(b"k" * 32)
    for pid in workers.pids():
        assert key not in Path(f"/proc/{pid}/cmdline").read_bytes()


def test_what_one_worker_did_the_other_knows(tmp_path: Path, database_url: str) -> None:
    with running_workers(tmp_path, database_url) as workers:
        keys = {"Idempotency-Key": "the same"}
        with ThreadPoolExecutor(8) as pool:
            answers = [*pool.map(lambda _: workers.register(**keys), range(24))]
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.json()["client_id"] for answer in answers}) == 1
        assert workers.metric('dcr_server_clients{policy="default"}') == 1


def test_a_worker_that_is_killed_is_started_again_and_goes_on_counting(workers: Workers) -> None:
    assert workers.register().status_code == 201
    assert workers.readiness() == (200, "ok")
    for pid in workers.pids():
        os.kill(pid, signal.SIGKILL)
    workers.wait_for("worker_ready", 4)
    assert workers.readiness() == (200, "ok")
    ended_workers = workers.events("worker_ended")
    assert [entry["status"] for entry in ended_workers] == [-9, -9]
    assert workers.register().status_code == 201
    assert workers.metric("dcr_server_worker_restarts_total") == 2
    labels = 'operation="register",policy="default",result="ok"'
    assert workers.metric(f"dcr_server_operations_total{{{labels}}}") == 2
    assert workers.metric("dcr_server_requests_in_flight") == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_all_and_leaves_nothing_behind(
    workers: Workers, number: signal.Signals
) -> None:
    pids = workers.pids()
    assert len(workers.metrics_folders()) == 1
    os.kill(workers.supervisor.pid, number)
    assert workers.supervisor.popen.wait(20) == 0
    assert all(ended(pid) for pid in pids)
    assert workers.metrics_folders() == []
    assert workers.events("worker_ended") == []


def test_workers_end_with_a_supervisor_that_is_killed(workers: Workers) -> None:
    pids = workers.pids()
    workers.register()
    probe = start("log", ["sleep", "60"], log=workers.folder / "probe.log")
    try:
        workers.supervisor.kill_9()
        probe.wait_for(lambda: all(map(ended, pids)) or None, "the end of the workers")
        probe.wait_for(lambda: not workers.metrics_folders() or None, "their counters' end")
    finally:
        probe.stop()
    # The port is free for the next one.
    with pytest.raises(httpx.ConnectError):
        workers.register()
