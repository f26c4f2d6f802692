"""The pod that an application would be: it mounts the Secret and logs in with it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.demo.narration import CheckFailedError, wait_until
from tests.e2e.login import MOUNTED
from tests.processes.kubectl import JsonObject, Kubectl

_SCRIPT = Path(__file__).with_name("login.py")
_SCRIPT_MOUNTED = "/opt/login"
_CONFIG_MAP = "login"
_FINISHED = ("Succeeded", "Failed")
_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Workload:
    kubectl: Kubectl
    namespace: str
    image: str

    def log_in(self, name: str, secret: str) -> dict[str, Any]:
        """Run a pod of that name to its end and return what it printed."""
        script = {_SCRIPT.name: _SCRIPT.read_text(encoding="utf-8")}
        metadata = {"name": _CONFIG_MAP, "namespace": self.namespace}
        self.kubectl.apply(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": script},
            self._pod(name, secret),
        )
        wait_until(
            f"pod {name} runs to its end",
            lambda: self._phase(name),
            lambda phase: phase in _FINISHED,
            seconds=_SECONDS,
        )
        log = self.kubectl.run("-n", self.namespace, "logs", name)
        try:
            answer: dict[str, Any] = json.loads(log)
        except ValueError:
            raise CheckFailedError(f"one JSON object in the log of pod {name}", log) from None
        return answer

    def _phase(self, name: str) -> str:
        pod = self.kubectl.get("pod", name, self.namespace) or {}
        phase: str = pod.get("status", {}).get("phase", "none")
        return phase

    def _pod(self, name: str, secret: str) -> JsonObject:
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {
                "restartPolicy": "Never",
                "automountServiceAccountToken": False,
                "securityContext": {"runAsNonRoot": True, "seccompProfile": _RUNTIME_DEFAULT},
                "containers": [self._container()],
                "volumes": [
                    {"name": "oauth", "secret": {"secretName": secret}},
                    {"name": "login", "configMap": {"name": _CONFIG_MAP}},
                ],
            },
        }

    def _container(self) -> JsonObject:
        return {
            "name": "workload",
            # Any image with a Python would do; this one is in the cluster already.
            "image": self.image,
            "command": ["python3", f"{_SCRIPT_MOUNTED}/{_SCRIPT.name}"],
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
            "volumeMounts": [
                {"name": "oauth", "mountPath": str(MOUNTED), "readOnly": True},
                {"name": "login", "mountPath": _SCRIPT_MOUNTED, "readOnly": True},
            ],
        }


_RUNTIME_DEFAULT = {"type": "RuntimeDefault"}
