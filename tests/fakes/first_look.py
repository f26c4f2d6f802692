"""What the first listing is judged by, with a clock that stands still."""

from datetime import UTC, datetime

from dcr_operator.first_look import FirstLook
from dcr_operator.kube import JsonObject
from dcr_operator.resync import InMemoryResync
from tests.fakes.told import Metrics

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SETTLED: JsonObject = {
    "metadata": {
        "namespace": "team",
        "name": "app",
        "uid": "u1",
        "generation": 1,
        "finalizers": ["dcr-operator.dev/registration"],
    },
    "spec": {"providerRef": {"kind": "ClusterOAuthProvider", "name": "main"}},
    "status": {
        "observedGeneration": 1,
        "conditions": [
            {"type": "Ready", "status": "True"},
            {"type": "ProviderReady", "status": "True"},
        ],
    },
}


def new_first_look(every: float = 3600.0) -> FirstLook:
    return FirstLook(InMemoryResync(), Metrics(), every, lambda: NOW)
