import pytest
from prometheus_client import CollectorRegistry

from dcr_server.metrics import RequestMetrics


@pytest.mark.parametrize(
    ("issuer_path", "route", "template"),
    [
        ("", "/token", "/token"),
        ("/tenant", "/tenant/token", "/token"),
        ("/tenant", "/healthz", "/healthz"),
        (
            "/tenant",
            "/.well-known/oauth-authorization-server/tenant",
            "/.well-known/oauth-authorization-server",
        ),
        (
            "/tenant",
            "/tenant/.well-known/openid-configuration",
            "/.well-known/openid-configuration",
        ),
        ("/tenant", "unmatched", "unmatched"),
    ],
)
def test_a_route_is_named_alike_for_every_issuer(
    issuer_path: str, route: str, template: str
) -> None:
    registry = CollectorRegistry()
    RequestMetrics(registry, (), issuer_path).answered("GET", route, 200, 0.001)
    labels = {"method": "GET", "route": template, "status": "200"}
    name = "dcr_server_request_duration_seconds_count"
    assert registry.get_sample_value(name, labels) == 1


@pytest.mark.parametrize(("policy", "shown"), [("web", "web"), ("gone", "none"), ("", "none")])
def test_only_configured_policies_are_labels(policy: str, shown: str) -> None:
    registry = CollectorRegistry()
    metrics = RequestMetrics(registry, ("web",), "")
    for _ in range(2):
        metrics.operated("POST", "/token", policy, "ok")
    labels = {"operation": "token", "policy": shown, "result": "ok"}
    assert registry.get_sample_value("dcr_server_operations_total", labels) == 2
