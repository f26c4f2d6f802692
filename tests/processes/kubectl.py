"""kubectl as people use it: the demo shows its commands, tests and benchmarks only run them."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.processes.child_process import inherited_environment

_PROGRAM = str(Path(sys.executable).with_name("kubectl"))
_SECONDS = 120.0

JsonObject = dict[str, Any]


class KubectlError(Exception):
    """Raised when kubectl says no; the message is its own, without a stack trace."""


@dataclass(frozen=True, slots=True)
class Kubectl:
    kubeconfig: Path
    context: str | None = None

    def run(self, *arguments: str, manifest: str | None = None) -> str:
        """Run one command; ``manifest`` is its standard input."""
        options = ["--kubeconfig", str(self.kubeconfig)]
        if self.context:
            options += ["--context", self.context]
        done = subprocess.run(
            [_PROGRAM, *options, *arguments],
            input=manifest,
            env=inherited_environment(),
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        if done.returncode:
            raise KubectlError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def get(self, kind: str, name: str, namespace: str | None = None) -> JsonObject | None:
        """Return the object, or None if there is none of that name."""
        where = ["-n", namespace] if namespace else []
        text = self.run("get", kind, name, *where, "-o", "json", "--ignore-not-found")
        found: JsonObject | None = json.loads(text) if text.strip() else None
        return found

    def list(self, kind: str, namespace: str | None = None) -> list[JsonObject]:
        where = ["-n", namespace] if namespace else ["-A"]
        items: list[JsonObject] = json.loads(self.run("get", kind, *where, "-o", "json"))["items"]
        return items

    def apply(self, *objects: JsonObject) -> None:
        """Apply objects as one List, in the order given."""
        body = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self.run("apply", "--server-side", "-f", "-", manifest=json.dumps(body))

    def apply_manifest(self, manifest: str) -> None:
        self.run("apply", "--server-side", "-f", "-", manifest=manifest)
