"""The Kubernetes API by aiohttp, as JSON: the adapter of `kube.KubernetesApi`.

No model objects are built: they cost more than the request itself. Only reads are
repeated here, and only briefly; whether a write is repeated is for the core to judge.
"""

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Protocol
from urllib.parse import quote

import aiohttp
from kubernetes.aio.client import Configuration

from dcr_operator.json_nesting import loads
from dcr_operator.kube import (
    FIELD_MANAGER,
    ApiAlreadyExists,
    ApiConflict,
    ApiError,
    ApiForbidden,
    ApiInvalid,
    ApiNotFound,
    ApiUnavailable,
    JsonObject,
    Resource,
    member,
    text,
)
from dcr_operator.version import VERSION

_JSON = "application/json"
_JSON_METADATA = f"{_JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_JSON_PATCH = "application/json-patch+json"
_MERGE_PATCH = "application/merge-patch+json"
_APPLY_PATCH = "application/apply-patch+yaml"
_TIMEOUT = aiohttp.ClientTimeout(total=30.0, connect=5.0)
_CONNECTIONS = 100
_READ_AHEAD = 2**21  # bytes: lists are long
_PAGE = 500
_READ_AGAIN_AFTER = (0.05, 0.25)  # seconds; longer troubles are the queue's business

_BY_STATUS: Mapping[int, type[ApiError]] = {
    HTTPStatus.NOT_FOUND: ApiNotFound,
    HTTPStatus.FORBIDDEN: ApiForbidden,
    HTTPStatus.UNPROCESSABLE_ENTITY: ApiInvalid,
}


class Connection(Protocol):
    """What the adapter needs of `kubernetes_connection.KubernetesConnection`."""

    configuration: Configuration

    def tls(self) -> ssl.SSLContext: ...
    async def headers(self) -> dict[str, str]: ...


class HttpKubernetesApi:
    """One pool of connections for the whole process; close it at the end."""

    def __init__(
        self,
        connection: Connection,
        *,
        count: Callable[[str, str], None] = lambda _method, _code: None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._connection = connection
        self._count = count
        self._sleep = sleep
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=_CONNECTIONS, ssl=connection.tls()),
            headers={"User-Agent": f"dcr-operator/{VERSION}"},
            cookie_jar=aiohttp.DummyCookieJar(),
            proxy=connection.configuration.proxy,
            timeout=_TIMEOUT,
            read_bufsize=_READ_AHEAD,
        )

    async def close(self) -> None:
        await self._session.close()

    async def get(self, resource: Resource, namespace: str | None, name: str) -> JsonObject | None:
        try:
            return await self._read(_path(resource, namespace, name))
        except ApiNotFound:
            return None

    async def _list(
        self, resource: Resource, namespace: str | None, label_selector: str, accept: str
    ) -> list[JsonObject]:
        found: list[JsonObject] = []
        page, more = f"{_path(resource, namespace)}?limit={_PAGE}", ""
        if label_selector:
            page += f"&labelSelector={quote(label_selector, safe='')}"
        while True:
            answer = await self._read(page + more, accept)
            items = answer.get("items")
            found += [
                each
                for each in (items if isinstance(items, list) else ())
                if isinstance(each, dict)
            ]
            token = text(member(answer, "metadata"), "continue")
            if not token:
                return found
            more = f"&continue={quote(token, safe='')}"

    async def list(
        self, resource: Resource, namespace: str | None, *, label_selector: str = ""
    ) -> list[JsonObject]:
        """Raises ApiError with 410 when the list takes longer than its pages are kept."""
        return await self._list(resource, namespace, label_selector, _JSON)

    async def list_metadata(
        self, resource: Resource, namespace: str | None, *, label_selector: str = ""
    ) -> Sequence[JsonObject]:
        """Raises as `list` does."""
        return await self._list(resource, namespace, label_selector, _JSON_METADATA)

    async def create(
        self, resource: Resource, namespace: str | None, body: JsonObject
    ) -> JsonObject:
        path = f"{_path(resource, namespace)}?fieldManager={FIELD_MANAGER}"
        return await self._send("POST", path, body)

    async def replace(
        self, resource: Resource, namespace: str | None, body: JsonObject
    ) -> JsonObject:
        path = _path(resource, namespace, text(member(body, "metadata"), "name"))
        return await self._send("PUT", f"{path}?fieldManager={FIELD_MANAGER}", body)

    async def json_patch(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        operations: Sequence[JsonObject],
    ) -> JsonObject:
        path = f"{_path(resource, namespace, name)}?fieldManager={FIELD_MANAGER}"
        return await self._send("PATCH", path, list(operations), content_type=_JSON_PATCH)

    async def patch_status(
        self, resource: Resource, namespace: str | None, name: str, patch: JsonObject
    ) -> JsonObject:
        path = f"{_path(resource, namespace, name)}/status?fieldManager={FIELD_MANAGER}"
        return await self._send("PATCH", path, patch, content_type=_MERGE_PATCH)

    async def apply(
        self, resource: Resource, namespace: str | None, body: JsonObject, *, force: bool = True
    ) -> JsonObject:
        path = _path(resource, namespace, text(member(body, "metadata"), "name"))
        query = f"fieldManager={FIELD_MANAGER}&force={'true' if force else 'false'}"
        try:
            return await self._send("PATCH", f"{path}?{query}", body, content_type=_APPLY_PATCH)
        except ApiInvalid as error:
            # An object that exists with another uid is told as a change of the uid.
            if "metadata.uid" in error.message:
                raise ApiConflict(error.status, "Conflict", error.message) from None
            raise

    async def delete(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        *,
        uid: str | None = None,
        resource_version: str | None = None,
    ) -> None:
        known: JsonObject = {}
        if uid is not None:
            known["uid"] = uid
        if resource_version is not None:
            known["resourceVersion"] = resource_version
        options: JsonObject = {"apiVersion": "v1", "kind": "DeleteOptions"}
        if known:
            options["preconditions"] = known
        try:
            await self._send("DELETE", _path(resource, namespace, name), options)
        except ApiNotFound:
            return

    async def document(self, path: str) -> JsonObject:
        """Read what is no object of a resource: /version, a group's resources."""
        return await self._read(path)

    async def check_readable(self, resource: Resource, namespace: str | None) -> None:
        """Raises what a list of these objects would: ApiForbidden, ApiNotFound."""
        await self._read(f"{_path(resource, namespace)}?limit=1")

    async def _read(self, path: str, accept: str = _JSON) -> JsonObject:
        for pause in _READ_AGAIN_AFTER:
            try:
                return await self._send("GET", path, accept=accept)
            except ApiUnavailable as error:
                if error.retry_after is not None:
                    raise
                await self._sleep(pause)
        return await self._send("GET", path, accept=accept)

    async def _send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        content_type: str = _JSON,
        accept: str = _JSON,
    ) -> JsonObject:
        headers = {
            **(await self._connection.headers()),
            "Content-Type": content_type,
            "Accept": accept,
        }
        configuration = self._connection.configuration
        try:
            async with self._session.request(
                method,
                f"{configuration.host}{path}",
                headers=headers,
                data=None if body is None else json.dumps(body).encode(),
                server_hostname=configuration.tls_server_name,
                allow_redirects=False,  # our credentials are for this server
            ) as response:
                content = await response.read()
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            self._count(method, "<error>")
            raise ApiUnavailable(0, "NoAnswer", type(error).__name__) from None
        self._count(method, str(response.status))
        if response.status >= HTTPStatus.MULTIPLE_CHOICES:
            raise _refusal(method, response.status, response.headers, content)
        return _object(content)


def _path(resource: Resource, namespace: str | None, name: str | None = None) -> str:
    parts = ["apis", resource.group] if resource.group else ["api"]
    parts.append(resource.version)
    if namespace is not None and resource.namespaced:
        parts += ["namespaces", namespace]
    parts.append(resource.plural)
    if name is not None:
        parts.append(name)
    return "/" + "/".join(quote(part, safe="") for part in parts)


def _object(content: bytes) -> JsonObject:
    try:
        document = loads(content)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise ApiUnavailable(0, "NotJson", "the API server's answer is not a JSON object")
    return document


def _refusal(method: str, status: int, headers: Mapping[str, str], content: bytes) -> ApiError:
    document = _status_document(content)
    reason = text(document, "reason")
    message = text(document, "message") or "the answer is not from an API server"
    if status == HTTPStatus.CONFLICT:
        exists = reason == "AlreadyExists" and method == "POST"
        kind: type[ApiError] = ApiAlreadyExists if exists else ApiConflict
        return kind(status, reason, message)
    if status == HTTPStatus.UNPROCESSABLE_ENTITY and not member(document, "details"):
        # A JSON patch that does not fit, such as a test that fails, is told without details.
        return ApiConflict(status, "Conflict", "the object is not as the patch takes it to be")
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        wait = headers.get("Retry-After", "")
        seconds = float(wait) if wait.isdecimal() else None
        return ApiUnavailable(status, reason, message, retry_after=seconds)
    return _BY_STATUS.get(status, ApiError)(status, reason, message)


def _status_document(content: bytes) -> JsonObject:
    """The metav1.Status of a refusal; proxies answer with other things."""
    try:
        document = loads(content)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
