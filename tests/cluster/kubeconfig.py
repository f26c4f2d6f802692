"""Write and read kubeconfig files with one cluster and a bearer token."""

import base64
import os
from dataclasses import dataclass, field
from pathlib import Path

import yaml


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach an API server, and as whom."""

    server: str
    certificate_authority: str
    token: str = field(repr=False)


def write_kubeconfig(path: Path, access: Access) -> None:
    """Appear whole or not at all, readable by the owner alone."""
    authority = base64.b64encode(access.certificate_authority.encode()).decode()
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "local",
        "contexts": [{"name": "local", "context": {"cluster": "local", "user": "local"}}],
        "clusters": [
            {
                "name": "local",
                "cluster": {"server": access.server, "certificate-authority-data": authority},
            }
        ],
        "users": [{"name": "local", "user": {"token": access.token}}],
    }
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        yaml.safe_dump(document, file, sort_keys=False)
    scratch.rename(path)


def read_kubeconfig(path: Path) -> Access:
    """Read a file as written here: the current context, a CA and a token inside."""
    document = yaml.safe_load(path.read_text())
    contexts = {entry["name"]: entry["context"] for entry in document["contexts"]}
    clusters = {entry["name"]: entry["cluster"] for entry in document["clusters"]}
    users = {entry["name"]: entry["user"] for entry in document["users"]}
    context = contexts[document["current-context"]]
    cluster = clusters[context["cluster"]]
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    return Access(cluster["server"], authority, users[context["user"]]["token"])
