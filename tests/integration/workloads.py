"""Workloads of a tenant that an OAuthClient may restart, and how often that has happened."""

from collections.abc import Mapping
from typing import Final

from pydantic import JsonValue

from tests.integration.operator_stage import Tenant

RESTARTS: Final[Mapping[str, JsonValue]] = {"rolloutRestart": {"enabled": True}}  # of the chart
WORKLOADS: Final = ("Deployment", "StatefulSet", "DaemonSet")


def apply_workload(tenant: Tenant, kind: str, *, allows: str | None) -> None:
    annotations = {} if allows is None else {"dcr-operator.dev/allow-restart": allows}
    labels = {"app": f"web-{kind.lower()}"}
    container = {"name": "web", "image": "registry.example.com/web:1"}
    spec = {
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
    }
    if kind == "StatefulSet":
        spec["serviceName"] = "web"
    tenant.admin.apply(
        {
            "apiVersion": "apps/v1",
            "kind": kind,
            "metadata": {"name": "web", "namespace": tenant.namespace, "annotations": annotations},
            "spec": spec,
        }
    )


def rollouts(tenant: Tenant, kind: str = "Deployment") -> int:
    """Count the changes of the spec since it was applied: each is a rollout."""
    found = tenant.admin.get(f"apps/v1/{kind}", tenant.namespace, "web")
    assert found is not None
    return int(found["metadata"]["generation"]) - 1
