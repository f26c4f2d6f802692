"""The real Helm on the chart of this repository."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster.binaries import helm
from tests.cluster.programs import KUBE_APISERVER

CHART = Path(__file__).parents[2] / "charts" / "dcr-operator"
RELEASE = "dcr-operator"
# Longer than any --timeout that Helm itself is given.
_SECONDS = 600.0

Values = Mapping[str, Any]


class HelmFailedError(Exception):
    """Its text is what Helm said."""


@dataclass(frozen=True, slots=True)
class Helm:
    """Runs Helm; with a kubeconfig on that cluster, without one on no cluster at all."""

    kubeconfig: Path | None = None

    def run(self, *arguments: str, values: Values | None = None) -> str:
        """Return what Helm printed; raises HelmFailedError. Values go in by standard input."""
        command = [str(helm()), *arguments]
        if values is not None:
            command += ["--values", "-"]
        if self.kubeconfig is not None:
            command += ["--kubeconfig", str(self.kubeconfig)]
        done = subprocess.run(
            command,
            input=json.dumps(values),
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        if done.returncode:
            raise HelmFailedError(f"helm {' '.join(arguments)}\n{done.stderr.strip()}")
        return done.stdout

    def lint(self, values: Values) -> str:
        return self.run("lint", "--strict", *_KUBE_VERSION, str(CHART), values=values)

    def template(self, namespace: str, values: Values, *, only: Sequence[str] = ()) -> str:
        selected = [f"--show-only=templates/{name}" for name in only]
        return self.run(
            "template", RELEASE, str(CHART), "--namespace", namespace, *_KUBE_VERSION, *selected,
            values=values,
        )  # fmt: skip


# What Helm takes for the cluster's version where it asks none.
_KUBE_VERSION = ("--kube-version", KUBE_APISERVER.version)
