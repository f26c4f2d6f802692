"""Workloads that are to be restarted with a Secret: which, and what became of it. Pure."""

from dataclasses import dataclass
from typing import Final

from dcr_operator.kube import API_GROUP, DAEMON_SETS, DEPLOYMENTS, STATEFUL_SETS, Resource

# On the workload, written by its owner: the OAuthClients that may restart it.
ALLOW_ANNOTATION: Final = f"{API_GROUP}/allow-restart"
_RESOURCES: Final = {each.kind: each for each in (DEPLOYMENTS, STATEFUL_SETS, DAEMON_SETS)}


@dataclass(frozen=True, slots=True, order=True)
class Workload:
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def resource(self) -> Resource:
        return _RESOURCES[self.kind]


@dataclass(frozen=True, slots=True)
class Restarted:
    """For which content a workload was restarted last, or why it was not."""

    workload: Workload
    content_hash: str | None = None
    message: str = ""


def template_annotation(client_name: str) -> str:
    """Return the annotation of the pod template by which a workload follows one client.

    It holds the hash of the content, so that the same content never starts a second rollout.
    """
    # A name has 63 characters, and so may the label of a domain.
    return f"{client_name}.restart.{API_GROUP}/content"
