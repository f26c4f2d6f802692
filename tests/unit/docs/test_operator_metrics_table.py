"""The table of metrics in docs/operator.md is that of the program."""

import re
from pathlib import Path

from prometheus_client import CollectorRegistry

from dcr_operator.client_metrics import ClientMetrics
from dcr_operator.metrics import CONTROLLER, Metrics

_ROW = re.compile(
    r"^\| `(?P<name>\w+)` \|(?P<labels>[^|]*)\| (?P<what>.+) \|$",
    re.MULTILINE,
)


def rows() -> dict[str, tuple[list[str], str]]:
    page = Path("docs", "operator.md").read_text(encoding="utf-8")
    table = page.partition("| metric |")[2].partition("\n\n")[0]
    return {
        match["name"]: (re.findall(r"`(\w+)`", match["labels"]), match["what"])
        for match in _ROW.finditer(table)
    }


def busy() -> CollectorRegistry:
    """Return a registry in which every metric has a value, and so its labels."""
    metrics, clients = Metrics(), ClientMetrics()
    metrics.registry.register(clients)
    metrics.reconciles.labels(CONTROLLER, "success")
    metrics.reconcile_seconds.labels(CONTROLLER)
    metrics.active_workers.labels(CONTROLLER)
    metrics.queue_depth.labels(CONTROLLER)
    metrics.queue_seconds.labels(CONTROLLER)
    metrics.queue_retries.labels(CONTROLLER)
    metrics.kubernetes_requests.labels("200", "GET", "https://kubernetes")
    metrics.leading.labels("lease")
    metrics.provider_seconds.labels("ClusterOAuthProvider/main", "register", "201")
    metrics.info.labels("1", "cluster", "")
    clients.client_seen("a", "ClusterOAuthProvider/main", ready=True, secret_expires_at=1)
    clients.possible_orphan("ClusterOAuthProvider/main")
    clients.rotation_ended("Rotated")
    clients.unregistered_by_record("ClusterOAuthProvider/main")
    return metrics.registry


def test_every_metric_is_documented_with_its_labels_and_words_and_no_other() -> None:
    known = {}
    for family in busy().collect():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        (labels,) = {tuple(sample.labels) for sample in family.samples if "le" not in sample.labels}
        known[name] = ([*labels], family.documentation)
    assert rows() == known
