"""What `make image` and `make e2e` say on a machine that lacks something: one line, status 2."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.wheels import ROOT

DOCKER = "docker not found: install what is missing, or put it on PATH"
BOTH = "docker and kind not found: install what is missing, or put it on PATH"
SILENT = "docker does not answer: start it, or set DOCKER_HOST"


def run(module: str, path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module],
        cwd=ROOT,
        env={"PATH": str(path), "HOME": str(path)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("module", "said"), [("tests.e2e.images", DOCKER), ("tests.e2e.run", BOTH)]
)
def test_a_missing_program_is_named(module: str, said: str, tmp_path: Path) -> None:
    ran = run(module, tmp_path)
    assert (ran.returncode, ran.stderr.strip()) == (2, f"make: {said}")


@pytest.mark.parametrize("module", ["tests.e2e.images", "tests.e2e.run"])
def test_a_docker_that_does_not_answer_is_said_so(module: str, tmp_path: Path) -> None:
    for name in ("docker", "kind"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\nexit 1\n")
        program.chmod(0o755)
    ran = run(module, tmp_path)
    assert (ran.returncode, ran.stderr.strip()) == (2, f"make: {SILENT}")
