import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cluster.processes import (
    ProcessIdentity,
    identity,
    kill_session,
    last_lines,
    read_identity,
    start,
    stop_by_identity,
    wait_for_end,
    write_identity,
)

REPOSITORY = Path(__file__).parents[3]

# Starts a child that outlives its parent unless the kernel ends it, and never ends itself.
PARENT = """
import signal, sys
from pathlib import Path
from tests.cluster.processes import start
print(start(["sleep", "1000"], Path(sys.argv[1])).pid, flush=True)
signal.pause()
"""


def test_a_process_is_known_by_pid_and_start_time(tmp_path: Path) -> None:
    process = start(["sleep", "1000"], tmp_path / "log")
    who = identity(process.pid)
    assert who is not None
    assert who.is_alive()
    assert not replace(who, start_time=who.start_time + 1).is_alive()
    kill_session(process)
    assert not who.is_alive()
    assert identity(process.pid) is None


def test_a_process_that_ended_but_was_not_waited_for_is_not_alive(tmp_path: Path) -> None:
    process = start(["sleep", "1000"], tmp_path / "log")
    who = identity(process.pid)
    assert who is not None
    os.kill(process.pid, signal.SIGKILL)
    assert wait_for_end(who, 10)
    assert not who.is_alive()
    process.wait()


def test_a_process_that_was_given_the_same_pid_is_left_alone(tmp_path: Path) -> None:
    process = start(["sleep", "1000"], tmp_path / "log")
    who = identity(process.pid)
    assert who is not None
    stop_by_identity(replace(who, start_time=who.start_time - 1), 10)
    assert process.poll() is None
    stop_by_identity(who, 10)
    assert process.wait() == -signal.SIGTERM


def test_a_process_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    process = start(["sh", "-c", f"trap '' TERM; echo > {ready}; sleep 1000"], tmp_path / "log")
    ready.read_text()
    who = identity(process.pid)
    assert who is not None
    stop_by_identity(who, 0.1)
    assert process.wait() == -signal.SIGKILL
    kill_session(process)


def test_a_child_ends_with_its_parent_however_that_ends(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PARENT, str(tmp_path / "log")]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = identity(int(parent.stdout.readline()))
        parent.kill()
    assert child is not None
    assert wait_for_end(child, 10)


@pytest.mark.parametrize(
    "content", [None, "", "17\n", "{", "[]", '{"pid": 1}', '{"pid": 1, "x": 2}']
)
def test_a_pid_file_that_says_nothing_names_no_process(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "supervisor.json"
    if content is not None:
        path.write_text(content)
    assert read_identity(path) is None


def test_a_pid_file_is_read_as_written(tmp_path: Path) -> None:
    write_identity(tmp_path / "file.json", ProcessIdentity(1, 2))
    assert read_identity(tmp_path / "file.json") == ProcessIdentity(1, 2)


def test_only_the_end_of_a_log_is_shown(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert last_lines(log) == ""
    log.write_text("one\ntwo\nthree\n")
    assert last_lines(log, 2) == "two\nthree"
