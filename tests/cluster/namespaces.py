"""A namespace for each test, so that none is in the way of another."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from tests.cluster.client import KubernetesClient


def namespace_name(purpose: str, suffix: str) -> str:
    """Make a DNS label of at most 63 characters that a reader of a log recognises."""
    readable = re.sub(r"[^a-z0-9]+", "-", purpose.lower()).strip("-")[:40].strip("-")
    return f"{readable}-{suffix}" if readable else suffix


@contextmanager
def fresh_namespace(admin: KubernetesClient, purpose: str) -> Iterator[str]:
    name = namespace_name(purpose, f"n{secrets.token_hex(4)}")
    admin.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    try:
        yield name
    finally:
        admin.delete("v1/Namespace", None, name)
