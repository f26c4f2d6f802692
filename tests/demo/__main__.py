"""``make demo``: from nothing to credentials in a Secret and back, each step checked."""

import os
import signal
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.failures import ClusterError, MissingPrerequisiteError
from tests.demo.cluster import (
    CannotRunError,
    DemoCluster,
    before_local_cluster,
    current_cluster,
    local_cluster,
)
from tests.demo.narration import CheckFailedError, Narration
from tests.demo.provider import PROVIDERS
from tests.demo.stage import (
    TENANT_NAMESPACE,
    Backstage,
    check_free,
    check_rights,
    clean_up_commands,
    clear_stage,
    set_stage,
)
from tests.demo.story import EXAMPLE, tell
from tests.e2e import run as e2e
from tests.interop.node_packages import NotInstalledError
from tests.processes.child_process import ProcessFailedError
from tests.processes.kubectl import KubectlError

CLUSTERS = {"local": local_cluster, "current": current_cluster}
FAILURES = (CheckFailedError, ProcessFailedError, KubectlError, ClusterError, OSError, LookupError)


@dataclass(frozen=True, slots=True)
class Choice:
    cluster: str
    provider: str
    keep: bool


def main() -> int:
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, lambda number, _: sys.exit(128 + number))
    narration = Narration()
    try:
        choice = choice_of(os.environ)
        if choice.cluster == "kind":
            return _on_kind(choice)
        _play(choice, narration)
    except (CannotRunError, MissingPrerequisiteError, NotInstalledError) as error:
        print(error, file=sys.stderr)
        return 2
    except FAILURES as error:
        narration.explain(error)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; everything that was started is stopped", file=sys.stderr)
        return 128 + signal.SIGINT
    print("\ndemo: passed")
    return 0


def _on_kind(choice: Choice) -> int:
    """Tell the story with images, chart and pods, as ``make e2e`` does; it reads KEEP itself."""
    if choice.provider != "dcr-server":
        raise CannotRunError("CLUSTER=kind installs dcr-server: leave PROVIDER out")
    status = e2e.main()
    if status == 0:
        print("demo: passed")
    return status


def choice_of(environment: Mapping[str, str]) -> Choice:
    choice = Choice(
        cluster=environment.get("CLUSTER") or "local",
        provider=environment.get("PROVIDER") or "dcr-server",
        keep=environment.get("KEEP", "") not in {"", "0"},
    )
    identity = environment.get("IDENTITY") or "token"
    for name, value, known in (
        ("CLUSTER", choice.cluster, [*CLUSTERS, "kind"]),
        ("PROVIDER", choice.provider, list(PROVIDERS)),
        ("IDENTITY", identity, ["token"]),
    ):
        if value not in known:
            raise CannotRunError(f"{name}={value} is not known; known: {', '.join(known)}")
    return choice


def _play(choice: Choice, narration: Narration) -> None:
    with ExitStack() as running:
        with narration.step(f"A Kubernetes API ({choice.cluster})"):
            if choice.cluster == "local":
                narration.show(before_local_cluster())
            cluster = running.enter_context(CLUSTERS[choice.cluster](keep=choice.keep))
            check_free(cluster.kubectl)
        directory = Path(".local/demo").absolute()
        backstage = Backstage(narration, cluster.kubectl, directory, running, choice.keep)
        stage = set_stage(backstage, choice.provider)
        tell(stage)
        with narration.step("The operator had all the rights it needed"):
            check_rights(backstage)
        if choice.keep:
            _keep(choice, cluster, narration)
            # Nothing is unwound: what runs goes on after us.
            running.pop_all()
        elif not cluster.ends_with_us:
            with narration.step("Take away what the demo brought into the cluster"):
                clear_stage(backstage)


def _keep(choice: Choice, cluster: DemoCluster, narration: Narration) -> None:
    stop = f"kill {' '.join(str(one.pid) for one in narration.processes)}"
    # Our own cluster goes with all that is in it; from another, the operator takes the clients.
    local = choice.cluster == "local"
    way = (stop, "make cluster-down") if local else (*clean_up_commands(), stop)
    lines = "\n  ".join(way)
    print(f"""
everything is left running (KEEP={choice.keep:d}). To use it:
  export KUBECONFIG={cluster.kubectl.kubeconfig}
  kubectl apply -n {TENANT_NAMESPACE} -f {EXAMPLE}
  kubectl get oauthclients -n {TENANT_NAMESPACE} --watch
to stop it, and take away what it made:
  {lines}""")


if __name__ == "__main__":
    sys.exit(main())
