import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cluster.building import Builder, cached_path, go_build, go_environment
from tests.cluster.failures import BuildError
from tests.cluster.processes import identity, wait_for_end
from tests.cluster.programs import HELM_MODULE, Program
from tests.cluster.toolchain import GoToolchain

PROGRAM = Program("tool", "v1.0.0", "example.org/tool", HELM_MODULE, "a moment", "-X a=b")
REPOSITORY = Path(__file__).parents[3]

# Builds with a command that writes half a program, says so, and never ends.
# A job in the background is started with SIGINT ignored; Ctrl-C is for one that is not.
UNFINISHED = """
import signal, sys
from pathlib import Path
from tests.cluster.building import Builder
from tests.unit.cluster.test_building import PROGRAM
script = 'echo half > "$1"; echo $$; echo $$ > "$2"; exec sleep 1000'
signal.signal(signal.SIGINT, signal.default_int_handler)
fifo = sys.argv[2]
command = lambda program, output: ["/bin/sh", "-c", script, "sh", str(output), fifo]
say = lambda line: print(line, flush=True)
Builder(Path(sys.argv[1]), command, {"PATH": "/usr/bin:/bin"}, say, 0.1).build(PROGRAM)
"""


def builder(cache: Path, script: str, said: list[str]) -> Builder:
    def command(_: Program, output: Path) -> Sequence[str]:
        return ["/bin/sh", "-c", script, "sh", str(output), str(cache)]

    return Builder(cache, command, {"PATH": os.environ["PATH"]}, said.append)


def test_a_program_is_built_once_and_says_how_long_it_takes(tmp_path: Path) -> None:
    said: list[str] = []
    for _ in range(2):
        builder(tmp_path, 'echo whole > "$1"', said).build(PROGRAM)
    built = cached_path(tmp_path, PROGRAM)
    assert built.read_text() == "whole\n"
    assert said == ["building tool v1.0.0, about a moment, once", "built tool in 0 s"]


def test_a_failed_build_shows_the_end_of_what_it_said_and_leaves_nothing(tmp_path: Path) -> None:
    failing = builder(tmp_path, 'echo half > "$1"; seq 100; exit 1', [])
    with pytest.raises(BuildError, match="building tool failed:\n81\n82\n"):
        failing.build(PROGRAM)
    assert [path.name for path in (tmp_path / "tool").iterdir()] == ["v1.0.0.lock"]


def test_runs_at_the_same_time_build_once(tmp_path: Path) -> None:
    counting = 'echo built >> "$2/count"; echo whole > "$1"'
    with ThreadPoolExecutor(4) as runs:
        built = runs.map(lambda _: builder(tmp_path, counting, []).build(PROGRAM), range(4))
        assert set(built) == {cached_path(tmp_path, PROGRAM)}
    assert (tmp_path / "count").read_text() == "built\n"


def test_a_long_build_gives_signs_of_life(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "go-on")
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        if len(said) == len(["building", "still building"]):
            (tmp_path / "go-on").write_text("")

    unhurried = builder(tmp_path, 'cat "$2/go-on" > "$1"', [])
    replace(unhurried, say=say, heartbeat_seconds=0.01).build(PROGRAM)
    assert said[1].startswith("still building tool: ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_build_leaves_neither_process_nor_program(
    tmp_path: Path, number: signal.Signals
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    command = [sys.executable, "-c", UNFINISHED, str(tmp_path), str(fifo)]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as run:
        compiler = identity(int(fifo.read_text()))
        # Python swallows an interrupt that meets it while it imports: it waits by now.
        assert run.stdout is not None
        assert any(line.startswith("still building") for line in run.stdout)
        run.send_signal(number)
    assert compiler is not None
    assert wait_for_end(compiler, 10)
    assert not cached_path(tmp_path, PROGRAM).exists()
    built = builder(tmp_path, 'echo whole > "$1"', []).build(PROGRAM)
    assert built.read_text() == "whole\n"
    assert sorted(path.name for path in built.parent.parent.iterdir()) == ["v1.0.0", "v1.0.0.lock"]


def test_go_is_told_to_build_what_go_sum_pins(tmp_path: Path) -> None:
    command = go_build(GoToolchain(Path("/go"), (1, 26)))(PROGRAM, tmp_path / "out")
    assert command[:4] == ["/go", "build", "-C", str(HELM_MODULE)]
    assert {"-trimpath", "-mod=readonly"} <= set(command)
    assert command[-5:] == ["-ldflags", "-s -w -X a=b", "-o", f"{tmp_path}/out", PROGRAM.package]


def test_the_caller_s_go_settings_do_not_change_the_build() -> None:
    environment = go_environment({"CGO_ENABLED": "1", "GOWORK": "/some/go.work", "HOME": "/home"})
    assert environment == {
        "CGO_ENABLED": "0",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "HOME": "/home",
    }
