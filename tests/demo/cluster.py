"""The Kubernetes API of the demo: the local control plane, or whatever kubectl points at."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.__main__ import DIRECTORY
from tests.cluster.binaries import default_cache, existing_binary
from tests.cluster.programs import CONTROL_PLANE
from tests.cluster.running import down, own_cluster, up
from tests.cluster.starting import is_serving
from tests.cluster.supervisor import ControlPlaneFiles
from tests.processes.kubectl import Kubectl, KubectlError

_OWN_DIRECTORY = Path(".local/demo/cluster")
_DOCKER_SECONDS = 10.0


class CannotRunError(Exception):
    """Raised before anything is started, with one line that says what to do."""


@dataclass(frozen=True, slots=True)
class DemoCluster:
    kubectl: Kubectl
    # Whether it ends with the demo; if not, the demo takes away what it brought.
    ends_with_us: bool


@contextmanager
def local_cluster(*, keep: bool) -> Iterator[DemoCluster]:
    """Use the cluster of ``make cluster-up``, or have one that ends with the demo."""
    was_up = is_serving(ControlPlaneFiles(DIRECTORY))
    if not was_up and not keep:
        with own_cluster(_OWN_DIRECTORY) as cluster:
            yield DemoCluster(Kubectl(cluster.kubeconfig), ends_with_us=True)
        return
    try:
        yield DemoCluster(Kubectl(up(DIRECTORY).kubeconfig), ends_with_us=False)
    except (Exception, KeyboardInterrupt, SystemExit):
        if not was_up:
            down(DIRECTORY)
        raise


@contextmanager
def current_cluster(*, keep: bool) -> Iterator[DemoCluster]:  # noqa: ARG001 -- it stays anyway
    named = os.environ.get("KUBECONFIG", "").split(os.pathsep)[0]
    kubectl = Kubectl(Path(named) if named else Path.home() / ".kube" / "config")
    try:
        kubectl.run("version", "--request-timeout=5s")
    except KubectlError as error:
        reason = str(error).splitlines()[-1]
        raise CannotRunError(f"CLUSTER=current: kubectl reaches no cluster: {reason}") from None
    yield DemoCluster(kubectl, ends_with_us=False)


def before_local_cluster() -> str:
    """Say what is about to happen, how long it takes and whether there is a faster way."""
    if is_serving(ControlPlaneFiles(DIRECTORY)):
        return "the one of make cluster-up is there"
    missing = [
        program.name
        for program in CONTROL_PLANE
        if existing_binary(program, default_cache(), os.environ) is None
    ]
    if not missing:
        return "starting etcd, kube-apiserver and kube-controller-manager (seconds)"
    faster = ""
    if _docker_runs() and shutil.which("kind"):
        faster = "\nfaster here, since Docker runs: make demo CLUSTER=kind"
    return (
        f"{', '.join(missing)}: not built yet on this machine. Building takes about 9 minutes on"
        f" two cores, once; progress follows.{faster}"
    )


def _docker_runs() -> bool:
    if shutil.which("docker") is None:
        return False
    try:
        done = subprocess.run(
            ["docker", "info"], capture_output=True, timeout=_DOCKER_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
