"""The kind cluster of the end-to-end run: one of its own, or one that is there."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.demo.narration import Narration
from tests.e2e.commands import CommandFailedError, MissingError, run
from tests.processes.kubectl import Kubectl

OWN_NAME = "dcr-operator-e2e"
_MINUTES_TO_START = 5


@dataclass(frozen=True, slots=True)
class Choice:
    """What KIND_CLUSTER, KIND_NODE_IMAGE, KIND_CONFIG and KEEP ask for; empty is not asked."""

    existing: str = ""
    node_image: str = ""
    config: str = ""
    keep: bool = False


@dataclass(frozen=True, slots=True)
class KindCluster:
    name: str
    kubectl: Kubectl

    def load(self, images: Sequence[str]) -> None:
        run("kind", "load", "docker-image", "--name", self.name, *images)


def choice_from(environment: Mapping[str, str]) -> Choice:
    return Choice(
        existing=environment.get("KIND_CLUSTER", ""),
        node_image=environment.get("KIND_NODE_IMAGE", ""),
        config=environment.get("KIND_CONFIG", ""),
        keep=environment.get("KEEP", "") not in {"", "0"},
    )


@contextmanager
def kind_cluster(choice: Choice, directory: Path, narration: Narration) -> Iterator[KindCluster]:
    """Delete at the end what was created here, interrupted or not, unless it is to be kept."""
    name = choice.existing or OWN_NAME
    kubeconfig = directory / "kubeconfig"
    try:
        with narration.step(f"A kind cluster: {name}"):
            if name not in run("kind", "get", "clusters").split():
                _create(choice, name, kubeconfig, narration)
            elif not choice.existing:
                narration.show(
                    f"deleting what is left of an earlier run (to keep it: KIND_CLUSTER={name})"
                )
                _delete(name, narration)
                _create(choice, name, kubeconfig, narration)
            cluster = _cluster(name, kubeconfig)
        yield cluster
    finally:
        if not choice.existing and not choice.keep:
            narration.show(f"deleting the kind cluster {name}")
            _delete(name, narration)


def _cluster(name: str, kubeconfig: Path) -> KindCluster:
    _write_kubeconfig(name, kubeconfig)
    kubectl = Kubectl(kubeconfig)
    dns = ["-n", "kube-system", "rollout", "status", "deployment/coredns"]
    kubectl.run(*dns, "--timeout=100s")
    return KindCluster(name, kubectl)


def _create(choice: Choice, name: str, kubeconfig: Path, narration: Narration) -> None:
    if choice.existing:
        raise MissingError(f"KIND_CLUSTER={name} does not exist: kind get clusters lists them")
    narration.show("creating it, about a minute")
    options = [f"--image={choice.node_image}"] if choice.node_image else []
    options += [f"--config={choice.config}"] if choice.config else []
    wait = f"--wait={_MINUTES_TO_START}m"
    run(
        "kind", "create", "cluster", "--name", name, "--kubeconfig", str(kubeconfig), wait, *options
    )


def _write_kubeconfig(name: str, kubeconfig: Path) -> None:
    text = run("kind", "get", "kubeconfig", "--name", name)
    kubeconfig.touch(mode=0o600)
    kubeconfig.write_text(text, encoding="utf-8")


def _delete(name: str, narration: Narration) -> None:
    # kind would edit the user's own kubeconfig without this.
    try:
        run("kind", "delete", "cluster", "--name", name, environment={"KUBECONFIG": os.devnull})
    except CommandFailedError as error:
        narration.show(f"{error}\nto try again: kind delete cluster --name {name}")
