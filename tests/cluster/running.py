"""Have a cluster: for as long as processes hold it, or detached until it is stopped."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.failures import StartError
from tests.cluster.locks import exclusively, leased
from tests.cluster.programs import Program
from tests.cluster.starting import (
    LOOK_SECONDS,
    Cluster,
    cluster_of,
    is_serving,
    start_control_plane,
    stop_control_plane,
)
from tests.cluster.supervisor import ControlPlaneFiles, ask_for_restart


@contextmanager
def shared_cluster(directory: Path) -> Iterator[Cluster]:
    """
    Share one cluster with all processes that name this directory, until the last one ends.

    The first starts it, the supervisor stops it when nobody holds the lease any more: the kernel
    drops a lease with its process, so neither Ctrl-C nor SIGKILL leaves a cluster behind.
    """
    files = ControlPlaneFiles(directory.resolve())
    # Waits while a supervisor, abandoned before, stops what it had.
    with leased(files.lease):
        with exclusively(files.start_lock):
            cluster = cluster_of(files) if is_serving(files) else start_control_plane(files)
        yield cluster


@contextmanager
def own_cluster(directory: Path) -> Iterator[Cluster]:
    """Have a cluster of one's own, that is gone when the block has ended."""
    files = ControlPlaneFiles(directory.resolve())
    with shared_cluster(directory) as cluster:
        try:
            yield cluster
        finally:
            stop_control_plane(files)


def restart(cluster: Cluster, *programs: Program, deadline: float = 60.0) -> None:
    """Kill programs of the control plane, start them again, and wait until the API serves."""
    files = ControlPlaneFiles(cluster.kubeconfig.parent)
    ask_for_restart(files, *(program.name for program in programs))
    ends = time.monotonic() + deadline
    while files.restart.exists() or not is_serving(files):
        if time.monotonic() > ends:
            msg = f"the API does not serve {deadline:.0f} s after a restart"
            raise StartError(msg)
        time.sleep(LOOK_SECONDS)


def up(directory: Path) -> Cluster:
    """Have a cluster that stays; what is broken is started anew."""
    files = ControlPlaneFiles(directory.resolve())
    with shared_cluster(directory) as cluster:
        files.detached.touch()
        return cluster


def down(directory: Path) -> None:
    files = ControlPlaneFiles(directory.resolve())
    with exclusively(files.start_lock):
        stop_control_plane(files)
