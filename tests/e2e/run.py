"""`make e2e`: images, kind, `helm install`, and a pod that logs in with the Secret it mounts.

Exit status 0 when all held, 1 when something did not, 2 when this machine lacks what it takes.
"""

import os
import signal
import sys
from pathlib import Path

from tests.chart.helm import HelmFailedError
from tests.cluster.binaries import helm, kubectl
from tests.cluster.failures import ClusterError, MissingPrerequisiteError
from tests.demo.narration import CheckFailedError, Narration
from tests.e2e.commands import (
    CommandFailedError,
    MissingError,
    exit_missing,
    need_programs,
    run,
    try_to_run,
)
from tests.e2e.images import DEFAULT_BASE_IMAGE, IMAGES, build_images, image_id
from tests.e2e.installation import NAMESPACE, Installation
from tests.e2e.kind_cluster import Choice, KindCluster, choice_from, kind_cluster
from tests.e2e.scenario import EXAMPLE, TENANT, Scene, clear, play
from tests.e2e.workload import Workload
from tests.processes.kubectl import Kubectl, KubectlError

DIRECTORY = Path(".local/e2e").absolute()
_FAILURES = (
    CheckFailedError, ClusterError, CommandFailedError, HelmFailedError, KubectlError,
    KeyError, OSError,
)  # fmt: skip
_LOG_LINES = 40


def main() -> int:
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, lambda number, _: sys.exit(128 + number))
    narration = Narration()
    choice = choice_from(os.environ)
    try:
        need_programs(["docker", "kind"])
        helm(), kubectl()
        _run(choice, narration)
    except MissingError as error:
        return exit_missing(error)
    except MissingPrerequisiteError as error:
        return exit_missing(MissingError(str(error)))
    except _FAILURES as error:
        narration.explain(error)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 128 + signal.SIGINT
    print("\ne2e: passed")
    return 0


def _run(choice: Choice, narration: Narration) -> None:
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    with narration.step("Container images (a minute, less when their wheels are there)"):
        tag = _images(os.environ.get("BASE_IMAGE") or DEFAULT_BASE_IMAGE)
    with kind_cluster(choice, DIRECTORY, narration) as cluster:
        with narration.step("Load the images into its nodes"):
            named = [f"{image.name}:{tag}" for image in IMAGES]
            cluster.load(named)
            # The images stay in Docker as :e2e, one of each, however often this runs.
            run("docker", "image", "rm", *named)
        _play(cluster, tag, narration, keep=choice.keep)


def _images(base: str) -> str:
    """Name the images by what they are, so that a cluster never runs an earlier build."""
    build_images(base, "e2e")
    ids = "".join(image_id(f"{image.name}:e2e")[:6] for image in IMAGES)
    tag = f"e2e-{ids}"
    for image in IMAGES:
        run("docker", "tag", f"{image.name}:e2e", f"{image.name}:{tag}")
    return tag


def _play(cluster: KindCluster, tag: str, narration: Narration, *, keep: bool) -> None:
    kubectl = cluster.kubectl
    scene = Scene(
        narration,
        kubectl,
        Installation(kubectl, tag),
        Workload(kubectl, TENANT, f"{IMAGES[0].name}:{tag}"),
    )
    try:
        play(scene)
        if not keep:
            clear(scene)
    except _FAILURES:
        _show_cluster(kubectl)
        raise
    if keep:
        print(f"""
everything is left running (KEEP=1). To use it:
  export KUBECONFIG={kubectl.kubeconfig}
  kubectl apply -n {TENANT} -f {EXAMPLE}
  kubectl get oauthclients -n {TENANT} --watch
to stop it:
  kind delete cluster --name {cluster.name}""")


def _show_cluster(kubectl: Kubectl) -> None:
    """Print what one would look at first; on its way to the failure, so nothing here may raise."""
    program = ["kubectl", "--kubeconfig", str(kubectl.kubeconfig)]
    tail = f"--tail={_LOG_LINES}"
    for arguments in (
        ["get", "pods,jobs,oauthclients,clusteroauthproviders", "-A", "-o", "wide"],
        ["get", "events", "-A", "--field-selector=type=Warning"],
        ["-n", NAMESPACE, "logs", "deployment/dcr-operator", tail],
        ["-n", NAMESPACE, "logs", "deployment/dcr-operator-server", "--all-containers", tail],
        ["-n", NAMESPACE, "logs", "-l", "app.kubernetes.io/component=bootstrap", tail],
    ):
        ran = try_to_run(*program, *arguments, seconds=30)
        print(f"\n$ kubectl {' '.join(arguments)}\n{ran.output}{ran.errors}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
