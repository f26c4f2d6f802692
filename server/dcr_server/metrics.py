"""What the server counts, for Prometheus; docs/server.md lists it, and a test compares.

Labels are bounded: methods, routes, statuses, configured policies, error codes. Never a client, a
subject or an address.
"""

from collections.abc import Callable, Collection
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE"})
OTHER: Final = "other"
NO_POLICY: Final = "none"

_WELL_KNOWN: Final = "/.well-known/"
_REGISTRATION: Final = "/connect/register"
_CLIENT: Final = f"{_REGISTRATION}/{{client_id}}"
OPERATIONS: Final = {
    ("POST", _REGISTRATION): "register",
    ("GET", _CLIENT): "read",
    ("PUT", _CLIENT): "update",
    ("DELETE", _CLIENT): "delete",
    ("POST", f"{_CLIENT}/secret"): "rotate_secret",
    ("POST", "/token"): "token",
    ("POST", "/introspect"): "introspect",
    ("POST", "/revoke"): "revoke",
}
"""What is counted by policy and result: by method and route, without the path of the issuer."""


class RequestMetrics:
    """Of each process that answers requests.

    Children of labels are looked up once: a request is counted in microseconds.
    """

    def __init__(
        self, registry: CollectorRegistry, policies: Collection[str], issuer_path: str
    ) -> None:
        self.registry = registry
        self._policies = frozenset(policies)
        self._issuer_path = issuer_path
        self._seconds = Histogram(
            "dcr_server_request_duration_seconds",
            "Time from a request's head to the end of its answer; status 0 is no answer.",
            ["method", "route", "status"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._operations = Counter(
            "dcr_server_operations",
            "Operations, by the policy that governs and by what was answered.",
            ["operation", "policy", "result"],
            registry=registry,
        )
        self.in_flight = Gauge(
            "dcr_server_requests_in_flight",
            "Requests that are being answered.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.storage_failures = Counter(
            "dcr_server_storage_failures",
            "Requests that were answered 503 because the database did not work.",
            registry=registry,
        )
        self._observe: dict[tuple[str, str, int], Callable[[float], None]] = {}
        self._count: dict[tuple[str, str, str, str], Callable[[], None]] = {}

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        observe = self._observe.get((method, route, status))
        if observe is None:
            # Whatever stands for a method in a request, few are remembered.
            method = method if method in _METHODS else OTHER
            observe = self._seconds.labels(method, self._template(route), str(status)).observe
            self._observe[method, route, status] = observe
        observe(seconds)

    def operated(self, method: str, route: str, policy: str, result: str) -> None:
        key = (method, route, policy, result)
        count = self._count.get(key)
        if count is None:
            operation = OPERATIONS.get((method, self._template(route)))
            if operation is None:
                return
            known = policy if policy in self._policies else NO_POLICY
            count = self._operations.labels(operation, known, result).inc
            # A client may be of a policy that is not configured any more: few are remembered.
            self._count[method, route, known, result] = count
        count()

    def _template(self, route: str) -> str:
        """Take the issuer's path away: the same for every issuer."""
        if route.startswith(_WELL_KNOWN):
            # RFC 8414 §3.1 has it at the end.
            return route.removesuffix(self._issuer_path)
        return route.removeprefix(self._issuer_path) or route
