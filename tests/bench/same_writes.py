"""The writes of a client's life without an operator: what the API server alone can take.

The load generator sends what the operator would have written, as fast as the API server takes
it, and nobody watches: no operator that writes as much can be faster on the same machine.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.bench.kubernetes_load import Call, send_all
from tests.bench.system import NAMESPACE, OAUTH_CLIENT, OPERATOR_NAMESPACE, System, oauth_client
from tests.cluster.client import JsonObject

CLIENTS = 500
_SECRET = "v1/Secret"
_KEPT_OF_METADATA = ("labels", "annotations", "ownerReferences")


@dataclass(frozen=True, slots=True)
class Example:
    """What there is of a client that is Ready."""

    client: JsonObject
    record: JsonObject
    secret: JsonObject


def example(system: System, name: str) -> Example:
    client = system.admin.get(OAUTH_CLIENT, NAMESPACE, name)
    assert client is not None
    record = f"oauthclient-{client['metadata']['uid']}"
    stored = system.admin.get(_SECRET, OPERATOR_NAMESPACE, record)
    secret = system.admin.get(_SECRET, NAMESPACE, client["status"]["secretName"])
    assert stored is not None
    assert secret is not None
    return Example(client, stored, secret)


def clients_per_second(system: System, of: Example) -> float:
    """Write the lives of CLIENTS clients; the operator must not run."""
    phases = (_creates, _finalizers, _records, _records_again, _secrets, _statuses)
    seconds = sum(send_all(system.admin.access, phase(system, of)) for phase in phases)
    return CLIENTS / seconds


def _creates(system: System, _of: Example) -> Iterator[Call]:
    path = system.admin.path(OAUTH_CLIENT, NAMESPACE)
    return (Call("POST", path, oauth_client(name)) for name in _names())


def _finalizers(system: System, of: Example) -> Iterator[Call]:
    value = of.client["metadata"]["finalizers"]
    body = {"metadata": {"finalizers": value}}
    return _patches(system, "", body)


def _records(system: System, of: Example) -> Iterator[Call]:
    path = system.admin.path(_SECRET, OPERATOR_NAMESPACE)
    return (Call("POST", path, _copy(of.record, name)) for name in _names())


def _records_again(system: System, of: Example) -> Iterator[Call]:
    path = system.admin.path(_SECRET, OPERATOR_NAMESPACE)
    data = {**of.record["data"], "answered": "MQ=="}
    changed = {**of.record, "data": data}
    return (Call("PUT", f"{path}/{name}", _copy(changed, name)) for name in _names())


def _secrets(system: System, of: Example) -> Iterator[Call]:
    path = system.admin.path(_SECRET, NAMESPACE)
    return (Call("POST", path, _copy(of.secret, name)) for name in _names())


def _statuses(system: System, of: Example) -> Iterator[Call]:
    return _patches(system, "/status", {"status": of.client["status"]})


def _patches(system: System, subresource: str, body: JsonObject) -> Iterator[Call]:
    path = system.admin.path(OAUTH_CLIENT, NAMESPACE)
    kind = "application/merge-patch+json"
    return (Call("PATCH", f"{path}/{name}{subresource}", body, kind) for name in _names())


def _copy(secret: JsonObject, name: str) -> JsonObject:
    metadata = secret["metadata"]
    kept = {key: metadata[key] for key in _KEPT_OF_METADATA if key in metadata}
    return {"metadata": {"name": name, **kept}, "type": secret["type"], "data": secret["data"]}


def _names() -> Iterator[str]:
    return (f"written-{number:04}" for number in range(CLIENTS))
