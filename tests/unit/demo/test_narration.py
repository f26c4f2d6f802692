import sys
from pathlib import Path

import pytest

from tests.demo.narration import CheckFailedError, Narration, check, wait_until
from tests.processes.child_process import start


def test_a_failed_check_says_what_was_expected_and_what_was_seen() -> None:
    with pytest.raises(CheckFailedError, match=r"expected: 200\nseen:     503"):
        check("200", 503, holds=False)


def test_waiting_ends_with_the_last_sight() -> None:
    sights = iter(["nothing", "something"])
    with pytest.raises(
        CheckFailedError, match=r"expected: a Secret, within 0 s\nseen:     nothing"
    ):
        wait_until("a Secret", lambda: next(sights), lambda seen: seen == "a Secret", seconds=0)


def test_waiting_returns_what_was_waited_for() -> None:
    sights = iter(["nothing", "a Secret"])
    seen = wait_until("", lambda: next(sights), lambda seen: seen == "a Secret", seconds=5)
    assert seen == "a Secret"


def test_a_failed_step_is_explained_with_the_log_of_what_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = [sys.executable, "-c", "print('the database is locked')"]
    process = start("dcr-server", program, log=tmp_path / "log")
    process.popen.wait()
    narration = Narration(processes=[process])
    with pytest.raises(CheckFailedError) as failed, narration.step("Start the server"):
        check("ready", "not ready", holds=False)
    narration.explain(failed.value)
    seen = capsys.readouterr()
    assert "1. Start the server" in seen.out
    assert "step 1 failed\nexpected: ready\nseen:     not ready" in seen.err
    assert "dcr-server| the database is locked" in seen.err
