"""
A small Kubernetes client for tests: what is sent is what is written here.

A kind is named by its apiVersion and kind in one string: "v1/Secret", "apps/v1/Deployment".
It is synchronous and may be used from several threads; from a coroutine use asyncio.to_thread.
"""

import json
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import httpx

from tests.cluster.kubeconfig import Access

JsonObject = dict[str, Any]
Condition = Callable[[JsonObject | None], object]

FIELD_MANAGER = "tests"


class ApiError(Exception):
    """An answer of the API server that is not a success."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message


class ConditionNotMetError(AssertionError):
    pass


@dataclass(frozen=True, slots=True)
class WatchEvent:
    type: str
    object: JsonObject


class KubernetesClient:
    def __init__(self, access: Access) -> None:
        self.access = access
        context = ssl.create_default_context(cadata=access.certificate_authority)
        self._http = httpx.Client(
            base_url=access.server,
            verify=context,
            headers={"Authorization": f"Bearer {access.token}"},
            timeout=30,
            trust_env=False,
        )
        self._paths: dict[str, tuple[str, bool]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def is_ready(self) -> bool:
        return self._http.get("/readyz").is_success

    def request(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        content_type: str = "application/json",
        query: Mapping[str, str] | None = None,
    ) -> JsonObject:
        """Send one request to any path; raises ApiError unless it succeeds."""
        content = None if body is None else json.dumps(body)
        headers = {} if body is None else {"Content-Type": content_type}
        answer = self._http.request(
            method, path, content=content, headers=headers, params=dict(query or {})
        )
        if answer.is_error:
            raise _api_error(answer.status_code, answer.content)
        document: JsonObject = answer.json()
        return document

    def text(self, path: str) -> str:
        """Read what is no JSON, such as /metrics."""
        answer = self._http.get(path)
        if answer.is_error:
            raise _api_error(answer.status_code, answer.content)
        return answer.text

    def get(self, kind: str, namespace: str | None, name: str) -> JsonObject | None:
        try:
            return self.request("GET", self.path(kind, namespace, name))
        except ApiError as error:
            if error.status == httpx.codes.NOT_FOUND:
                return None
            raise

    def list(
        self, kind: str, namespace: str | None = None, *, label_selector: str = ""
    ) -> Sequence[JsonObject]:
        query = {"labelSelector": label_selector} if label_selector else {}
        answer = self.request("GET", self.path(kind, namespace), query=query)
        items: Sequence[JsonObject] = answer["items"]
        return items

    def create(self, manifest: JsonObject) -> JsonObject:
        query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
        path = self.path(_kind(manifest), _namespace(manifest))
        return self.request("POST", path, body=manifest, query=query)

    def apply(self, manifest: JsonObject, *, field_manager: str = FIELD_MANAGER) -> JsonObject:
        """Apply on the server's side, as `kubectl apply --server-side --force-conflicts`."""
        query = {"fieldManager": field_manager, "force": "true", "fieldValidation": "Strict"}
        path = self.path(_kind(manifest), _namespace(manifest), manifest["metadata"]["name"])
        content_type = "application/apply-patch+yaml"
        return self.request("PATCH", path, body=manifest, content_type=content_type, query=query)

    def patch(
        self,
        kind: str,
        namespace: str | None,
        name: str,
        patch: JsonObject | Sequence[JsonObject],
        *,
        subresource: str = "",
    ) -> JsonObject:
        """Send a merge patch, or a JSON patch when it is a sequence of operations."""
        form = "merge-patch" if isinstance(patch, dict) else "json-patch"
        path = self.path(kind, namespace, name) + (f"/{subresource}" if subresource else "")
        content_type = f"application/{form}+json"
        query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
        return self.request("PATCH", path, body=patch, content_type=content_type, query=query)

    def delete(
        self, kind: str, namespace: str | None, name: str, *, propagation: str = "Background"
    ) -> None:
        """Ask for deletion; finalizers may make it take longer. What is gone is fine."""
        options = {"propagationPolicy": propagation}
        try:
            self.request("DELETE", self.path(kind, namespace, name), body=options)
        except ApiError as error:
            if error.status != httpx.codes.NOT_FOUND:
                raise

    def wait_for(
        self,
        kind: str,
        namespace: str | None,
        name: str,
        condition: Condition,
        *,
        deadline: float = 10.0,
    ) -> JsonObject | None:
        """Return the object as soon as the condition holds for it; it is None while absent."""
        ends = time.monotonic() + deadline
        field = f"metadata.name={name}"
        seen: JsonObject | None = None
        while time.monotonic() < ends:
            listed = self.request("GET", self.path(kind, namespace), query={"fieldSelector": field})
            seen = next(iter(listed["items"]), None)
            if condition(seen):
                return seen
            version = listed["metadata"]["resourceVersion"]
            for event in self.watch(
                kind, namespace, resource_version=version, until=ends, field_selector=field
            ):
                seen = None if event.type == "DELETED" else event.object
                if condition(seen):
                    return seen
        where = f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"
        raise ConditionNotMetError(f"{where}: not as wanted after {deadline} s; {_shown(seen)}")

    def watch(
        self,
        kind: str,
        namespace: str | None = None,
        *,
        resource_version: str,
        until: float,
        field_selector: str = "",
    ) -> Iterator[WatchEvent]:
        """Yield what changes after a version; ends at the time (monotonic) or when expired."""
        query = {"watch": "true", "resourceVersion": resource_version}
        if field_selector:
            query["fieldSelector"] = field_selector
        while (remaining := until - time.monotonic()) > 0:
            with self._lines(self.path(kind, namespace), query, remaining) as lines:
                for line in lines:
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        return
                    query["resourceVersion"] = event["object"]["metadata"]["resourceVersion"]
                    yield WatchEvent(event["type"], event["object"])

    @contextmanager
    def _lines(
        self, path: str, query: Mapping[str, str], seconds: float
    ) -> Iterator[Iterator[str]]:
        # The server ends a watch by whole seconds: the read timeout is the finer one.
        timeout = httpx.Timeout(30, read=seconds)
        with self._http.stream("GET", path, params=dict(query), timeout=timeout) as answer:
            if answer.is_error:
                raise _api_error(answer.status_code, answer.read())
            yield _until_timeout(answer)

    def path(self, kind: str, namespace: str | None, name: str = "") -> str:
        """Return the path of a collection or an object; the plural comes from discovery."""
        prefix, plural, namespaced = self._discovered(kind)
        scope = f"/namespaces/{namespace}" if namespaced and namespace else ""
        return f"{prefix}{scope}/{plural}" + (f"/{name}" if name else "")

    def _discovered(self, kind: str) -> tuple[str, str, bool]:
        api_version, _, name = kind.rpartition("/")
        prefix = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        if kind not in self._paths:
            for resource in self.request("GET", prefix)["resources"]:
                if "/" not in resource["name"]:
                    key = f"{api_version}/{resource['kind']}"
                    self._paths[key] = (resource["name"], resource["namespaced"])
        if kind not in self._paths:
            raise LookupError(f"the API server knows no {name} in {api_version}")
        return prefix, *self._paths[kind]


def _until_timeout(answer: httpx.Response) -> Iterator[str]:
    try:
        yield from answer.iter_lines()
    except httpx.ReadTimeout:
        return


def _kind(manifest: JsonObject) -> str:
    return f"{manifest['apiVersion']}/{manifest['kind']}"


def _namespace(manifest: JsonObject) -> str | None:
    namespace: str | None = manifest["metadata"].get("namespace")
    return namespace


def _api_error(status: int, body: bytes) -> ApiError:
    try:
        document = json.loads(body)
    except ValueError:
        return ApiError(status, "", body.decode(errors="replace")[:500])
    return ApiError(status, document.get("reason", ""), document.get("message", ""))


def _shown(seen: JsonObject | None) -> str:
    """Describe what a condition was last asked about, without a Secret's values."""
    if seen is None:
        return "it does not exist"
    metadata = {key: seen["metadata"][key] for key in seen["metadata"] if key != "managedFields"}
    hidden = {key: sorted(seen[key]) for key in ("data", "stringData") if key in seen}
    return f"last seen: {json.dumps(seen | {'metadata': metadata} | hidden)}"
