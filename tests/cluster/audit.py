"""
Read the API server's audit log: which requests really arrived, from whom, with what answer.

    mark = audit_log.mark()
    ...
    assert audit_log.writes(mark, user="system:serviceaccount:dcr-system:dcr-operator") == []
"""

import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.client import JsonObject, KubernetesClient

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
SETTLE_ATTEMPTS = 200
LONGEST_LINE = 1 << 20
_FORBIDDEN = 403


@dataclass(frozen=True, slots=True)
class AuditedRequest:
    user: str
    verb: str
    group: str
    resource: str
    subresource: str
    namespace: str
    name: str
    status: int


@dataclass(frozen=True, slots=True)
class AuditLog:
    path: Path
    admin: KubernetesClient

    def mark(self) -> int:
        """Return the place behind everything that has been answered so far."""
        self._settle(self._end_of_lines())
        return self._end_of_lines()

    def requests(self, since: int, *, user: str = "") -> list[AuditedRequest]:
        """Return what has been answered since a mark, of one user if named."""
        self._settle(since)
        found = [_audited_request(json.loads(line)) for line in self._lines(since)]
        return [request for request in found if user in ("", request.user)]

    def writes(self, since: int, *, user: str = "") -> list[AuditedRequest]:
        return [one for one in self.requests(since, user=user) if one.verb in WRITES]

    def refusals(self, since: int, *, user: str = "") -> list[AuditedRequest]:
        """Return what RBAC did not allow."""
        return [one for one in self.requests(since, user=user) if one.status == _FORBIDDEN]

    def _settle(self, since: int) -> None:
        # An event is written about when its answer goes out: once that of a later request is
        # there, so are the earlier ones.
        marker = f"marker-{uuid.uuid4()}"
        for _ in range(SETTLE_ATTEMPTS):
            self.admin.get("v1/ConfigMap", "default", marker)
            if any(marker in line for line in self._lines(since)):
                return
        raise AssertionError(f"{self.path} does not show a request that was answered")

    def _end_of_lines(self) -> int:
        """Return the place behind the last whole line; another may be half written."""
        with self.path.open("rb") as log:
            start = max(0, log.seek(0, os.SEEK_END) - LONGEST_LINE)
            log.seek(start)
            return start + log.read().rfind(b"\n") + 1

    def _lines(self, since: int) -> Iterator[str]:
        with self.path.open("rb") as log:
            log.seek(since)
            for line in log:
                if not line.endswith(b"\n"):
                    return  # half written: what comes next would be its other half
                yield line.decode()


def _audited_request(event: JsonObject) -> AuditedRequest:
    target = event.get("objectRef", {})
    return AuditedRequest(
        user=event["user"]["username"],
        verb=event["verb"],
        group=target.get("apiGroup", ""),
        resource=target.get("resource", ""),
        subresource=target.get("subresource", ""),
        namespace=target.get("namespace", ""),
        name=target.get("name", ""),
        status=event.get("responseStatus", {}).get("code", 0),
    )
