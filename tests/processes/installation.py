"""What an administrator installs for the operator: CRDs, the chart's RBAC, an account."""

import json
from pathlib import Path

from pydantic import JsonValue

from tests.chart.render import OPERATOR_SERVICE_ACCOUNT, rendered_rbac
from tests.processes.kubectl import Kubectl

CRDS = Path("crds")
_TOKEN_DURATION = "12h"


def install(kubectl: Kubectl, namespace: str, **values: JsonValue) -> None:
    """Install CRDs, namespace and RBAC; what is there already is brought up to date.

    ``values`` are the chart's.
    """
    kubectl.run("apply", "--server-side", "-f", str(CRDS))
    kubectl.run("wait", "--for=condition=Established", "--timeout=60s", "-f", str(CRDS))
    kubectl.apply(namespace_object(namespace))
    kubectl.apply(*rendered_rbac(namespace, **values))


def uninstall(kubectl: Kubectl, namespace: str) -> None:
    rbac = {"apiVersion": "v1", "kind": "List", "items": rendered_rbac(namespace)}
    for options in (["-f", str(CRDS)], ["-f", "-"], ["namespace", namespace]):
        kubectl.run(
            "delete", "--ignore-not-found", "--timeout=60s", *options, manifest=json.dumps(rbac)
        )


def namespace_object(name: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def operator_kubeconfig(kubectl: Kubectl, namespace: str, path: Path) -> Path:
    """Write a kubeconfig with the rights of the operator's ServiceAccount and no others."""
    config = json.loads(kubectl.run("config", "view", "--minify", "--raw", "-o", "json"))
    account = OPERATOR_SERVICE_ACCOUNT
    duration = f"--duration={_TOKEN_DURATION}"
    token = kubectl.run("create", "token", account, "-n", namespace, duration).strip()
    config["users"] = [{"name": account, "user": {"token": token}}]
    config["contexts"][0]["context"]["user"] = account
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(config), encoding="utf-8")
    return path
