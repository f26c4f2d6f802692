"""What the operator counts, for Prometheus.

The names of controller-runtime where they exist, so that ready-made dashboards work;
ours beside them. No label per object.
"""

from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTROLLER = "oauthclient"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


@dataclass(slots=True)
class Metrics:
    """Every metric of one process, in a registry of its own."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    reconciles: Counter = field(init=False)
    reconcile_seconds: Histogram = field(init=False)
    active_workers: Gauge = field(init=False)
    queue_depth: Gauge = field(init=False)
    queue_seconds: Histogram = field(init=False)
    queue_retries: Counter = field(init=False)
    kubernetes_requests: Counter = field(init=False)
    leading: Gauge = field(init=False)
    provider_seconds: Histogram = field(init=False)
    info: Gauge = field(init=False)

    def __post_init__(self) -> None:
        self._count_passes()
        self._count_queue()
        self._count_outside()
        self.info = Gauge(
            "dcr_operator_info",
            "What runs where; always 1.",
            ["version", "cluster", "operator_class"],
            registry=self.registry,
        )

    def _count_passes(self) -> None:
        self.reconciles = Counter(
            "controller_runtime_reconcile",
            "Passes over an object, by how they ended.",
            ["controller", "result"],
            registry=self.registry,
        )
        self.reconcile_seconds = Histogram(
            "controller_runtime_reconcile_time_seconds",
            "How long a pass took.",
            ["controller"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.active_workers = Gauge(
            "controller_runtime_active_workers",
            "Workers busy with a pass.",
            ["controller"],
            registry=self.registry,
        )

    def _count_queue(self) -> None:
        self.queue_depth = Gauge(
            "workqueue_depth", "Keys that wait.", ["name"], registry=self.registry
        )
        self.queue_seconds = Histogram(
            "workqueue_queue_duration_seconds",
            "How long a key waited for a worker.",
            ["name"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.queue_retries = Counter(
            "workqueue_retries",
            "Keys given back after a failed pass.",
            ["name"],
            registry=self.registry,
        )

    def _count_outside(self) -> None:
        self.kubernetes_requests = Counter(
            "rest_client_requests",
            "Requests to the Kubernetes API.",
            ["code", "method", "host"],
            registry=self.registry,
        )
        self.leading = Gauge(
            "leader_election_master_status",
            "1 while this process leads.",
            ["name"],
            registry=self.registry,
        )
        self.provider_seconds = Histogram(
            "dcr_provider_requests_seconds",
            "Requests to providers; code 0 is no answer.",
            ["provider", "operation", "code"],
            buckets=_SECONDS,
            registry=self.registry,
        )

    def exposition(self) -> bytes:
        return generate_latest(self.registry)


@dataclass(frozen=True, slots=True)
class QueueMetrics:
    """The work queue's observer."""

    metrics: Metrics

    def depth(self, keys: int) -> None:
        self.metrics.queue_depth.labels(CONTROLLER).set(keys)

    def waited(self, seconds: float) -> None:
        self.metrics.queue_seconds.labels(CONTROLLER).observe(seconds)

    def retried(self) -> None:
        self.metrics.queue_retries.labels(CONTROLLER).inc()
