import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes.child_process import ChildProcess, ProcessFailedError, start

SLEEPER = [sys.executable, "-c", "import signal; print('up', flush=True); signal.pause()"]
PARENT = """
import sys
from pathlib import Path
from tests.processes.child_process import start
program = "import signal; signal.pause()"
child = start("child", [sys.executable, "-c", program], log=Path(sys.argv[1]))
print(child.pid)
"""


def has_ended(pid: int) -> bool | None:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return True if state == "Z" else None


@pytest.fixture
def sleeper(tmp_path: Path) -> ChildProcess:
    return start("sleeper", SLEEPER, log=tmp_path / "log")


def test_a_program_is_awaited_by_its_log(sleeper: ChildProcess) -> None:
    assert sleeper.wait_for_log("^up$")[0] == "up"
    assert sleeper.resident_bytes() > 0
    sleeper.kill_9()
    assert not sleeper.running


def test_a_program_ends_at_sigterm(sleeper: ChildProcess) -> None:
    sleeper.wait_for_log("^up$")
    assert sleeper.stop() != 0
    assert not sleeper.running


def test_a_program_that_ends_too_soon_shows_its_last_lines(tmp_path: Path) -> None:
    program = "raise SystemExit('no database')"
    child = start("brief", [sys.executable, "-c", program], log=tmp_path / "log")
    with pytest.raises(
        ProcessFailedError, match=r"brief ended with exit status 1.*\n  brief\| no d"
    ):
        child.wait_for_log("ready")


def test_the_listening_line_gives_the_url_of_this_run(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text('{"event": "listening", "url": "http://earlier"}\n', encoding="utf-8")
    program = 'import signal\nprint(\'{"event": "listening", "url": "http://now"}\', flush=True)'
    child = start("printer", [sys.executable, "-c", f"{program}\nsignal.pause()"], log=log)
    assert child.wait_until_listening() == "http://now"
    child.kill_9()


def test_a_program_dies_with_its_parent(tmp_path: Path, sleeper: ChildProcess) -> None:
    parent = subprocess.run(
        [sys.executable, "-c", PARENT, str(tmp_path / "child.log")],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONPATH": "."},
    )
    pid = int(parent.stdout)
    sleeper.wait_for(lambda: has_ended(pid), f"the end of process {pid}", seconds=10)
    sleeper.kill_9()
