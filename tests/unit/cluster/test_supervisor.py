import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.locks import leased, unleased
from tests.cluster.processes import (
    ProcessIdentity,
    identity,
    read_identity,
    stop_by_identity,
    wait_for_end,
)
from tests.cluster.running import down
from tests.cluster.supervisor import (
    ControlPlaneFiles,
    Supervised,
    ask_for_restart,
    write_programs,
)

REPOSITORY = Path(__file__).parents[3]
FOREVER = ["sleep", "1000"]


@pytest.fixture
def files(tmp_path: Path) -> Iterator[ControlPlaneFiles]:
    files = ControlPlaneFiles(tmp_path / "plane")
    files.directory.mkdir()
    yield files
    if supervisor := read_identity(files.supervisor):
        stop_by_identity(supervisor, 10)


def supervise(files: ControlPlaneFiles, *programs: Supervised) -> ProcessIdentity:
    write_programs(files, programs)
    with files.log("supervisor").open("wb") as log:
        command = [sys.executable, "-m", "tests.cluster.supervisor", str(files.directory)]
        subprocess.run(command, cwd=REPOSITORY, check=True, stdout=log, stderr=log)
    supervisor = read_identity(files.supervisor)
    assert supervisor is not None
    return supervisor


def program(fifo: Path) -> Supervised:
    return Supervised("forever", ["sh", "-c", f"echo $$ > {fifo}; exec sleep 1000"])


def started(fifo: Path) -> ProcessIdentity:
    found = identity(int(fifo.read_text()))
    assert found is not None
    return found


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "fifo")
    return tmp_path / "fifo"


def test_a_cluster_ends_with_the_last_process_that_holds_it(
    files: ControlPlaneFiles, fifo: Path
) -> None:
    with leased(files.lease):
        supervisor = supervise(files, program(fifo))
        child = started(fifo)
        with leased(files.lease):
            pass
        assert not wait_for_end(supervisor, 0.3)
    assert wait_for_end(supervisor, 10)
    assert not child.is_alive()


def test_a_program_that_is_to_be_restarted_is_killed_and_started_again(
    files: ControlPlaneFiles, fifo: Path
) -> None:
    with leased(files.lease):
        supervisor = supervise(files, program(fifo))
        child = started(fifo)
        ask_for_restart(files, "forever")
        again = started(fifo)  # waits until the next one writes
        assert not child.is_alive()
        assert again.is_alive()
        assert not wait_for_end(supervisor, 0.3)


def test_a_detached_cluster_stays_until_it_is_stopped(files: ControlPlaneFiles, fifo: Path) -> None:
    with leased(files.lease):
        supervisor = supervise(files, program(fifo))
        child = started(fifo)
        files.detached.touch()
    assert not wait_for_end(supervisor, 0.3)
    down(files.directory)
    assert not supervisor.is_alive()
    assert not child.is_alive()
    assert not files.directory.exists()


def test_when_one_program_ends_all_do_and_the_log_says_which(
    files: ControlPlaneFiles, fifo: Path
) -> None:
    with leased(files.lease):
        ending = Supervised("ending", ["sh", "-c", "exit 3"], after=str(fifo.parent / "go-on"))
        supervisor = supervise(files, program(fifo), ending)
        child = started(fifo)
        (fifo.parent / "go-on").touch()
        assert wait_for_end(supervisor, 10)
    assert not child.is_alive()
    assert files.log("supervisor").read_text() == "ending ended with exit status 3\n"


def test_programs_end_with_a_supervisor_that_is_killed(
    files: ControlPlaneFiles, fifo: Path
) -> None:
    with leased(files.lease):
        supervisor = supervise(files, program(fifo))
        child = started(fifo)
        stop_by_identity(supervisor, 0)
        assert wait_for_end(child, 10)


def test_stopping_what_never_ran_is_fine(tmp_path: Path) -> None:
    down(tmp_path / "nothing")


def test_a_pid_file_left_behind_stops_nobody(files: ControlPlaneFiles, fifo: Path) -> None:
    with leased(files.lease):
        supervisor = supervise(files, program(fifo))
        started(fifo)
        stale = ControlPlaneFiles(files.directory.with_name("stale"))
        stale.directory.mkdir()
        text = files.supervisor.read_text().replace(
            str(supervisor.start_time), str(supervisor.start_time - 1)
        )
        stale.supervisor.write_text(text)
        down(stale.directory)
        assert supervisor.is_alive()


def test_nobody_gets_a_lease_while_the_end_is_under_way(tmp_path: Path) -> None:
    with unleased(tmp_path / "lease") as free:
        assert free
        with unleased(tmp_path / "lease") as also_free:
            assert not also_free


def test_a_cluster_whose_directory_is_removed_ends(files: ControlPlaneFiles, fifo: Path) -> None:
    with leased(files.lease):
        supervisor = supervise(files, program(fifo))
        started(fifo)
        files.detached.touch()
    shutil.rmtree(files.directory)
    assert wait_for_end(supervisor, 10)
