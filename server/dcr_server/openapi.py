"""`/openapi.json`: the OpenAPI 3.1 document, made from the resources of the application itself.

What a path does is data in `openapi_operations`, what travels is made from the models in
`openapi_schemas`; this module only puts them together.
"""

import importlib.resources
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from dcr_protocol.json_document import JsonValue, parse_json_object
from dcr_server.initial_access import always_needs_token
from dcr_server.openapi_admin_operations import ADMIN_OPERATIONS, ADMIN_TOKEN
from dcr_server.openapi_operations import (
    INITIAL_ACCESS_TOKEN,
    NOTHING,
    OPERATIONS,
    SECURITY_SCHEMES,
    Answer,
    Body,
    Operation,
)
from dcr_server.openapi_schemas import reference, schemas
from dcr_server.requests import JSON, LONGEST_IDEMPOTENCY_KEY
from dcr_server.responses import public
from dcr_server.routing import Resource
from dcr_server.server import ADMIN_HOST, Server

VERSION: Final = "3.1.0"

# What any request may meet before an endpoint sees it.
_ERRORS_EVERYWHERE: Final = (400, 408, 431, 503)
_ERRORS: Final[Mapping[int, str]] = {
    400: "Not a request that the server can use; error_description says why.",
    401: "Credentials are missing or not valid here.",
    403: "The credentials are good and do not allow this.",
    404: "There is nothing at this path; an id is one segment of it.",
    408: "The request did not arrive in time.",
    409: "The client that this Idempotency-Key registered has been deleted.",
    415: "Another content type than the one that is described.",
    422: "The Idempotency-Key came with another body before.",
    429: "Too many requests; Retry-After says when the next one may come.",
    431: "Request line and headers are too large.",
    503: "Not able to serve at the moment; the same request may work later.",
}
_RETRY_AFTER: Final = {"Retry-After": "Seconds to wait."}
_ERROR_HEADERS: Final[Mapping[int, Mapping[str, str]]] = {
    401: {"WWW-Authenticate": "How to authenticate (RFC 6750 §3, RFC 7617)."},
    429: _RETRY_AFTER,
    503: _RETRY_AFTER,
}
_ADMIN_TOKEN_SCHEME: Final[JsonValue] = {
    "type": "http",
    "scheme": "bearer",
    "description": "DCR_SERVER_ADMIN_TOKEN.",
}
_IDEMPOTENCY_KEY: Final = "IdempotencyKey"
_REQUEST_ID: Final = "RequestId"
_PARAMETERS: Final[Mapping[str, JsonValue]] = {
    _IDEMPOTENCY_KEY: {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "The same key with the same body from the same subject is the same request:"
        " nothing is done twice, the answer comes with fresh credentials.",
        "schema": {
            "type": "string",
            "minLength": 1,
            "maxLength": LONGEST_IDEMPOTENCY_KEY,
            "pattern": r"^[\x20-\x7e]*$",
        },
    },
    _REQUEST_ID: {
        "name": "X-Request-Id",
        "in": "header",
        "description": "Comes back, and stands in the log and the audit trail, if it is 1 to 64 of"
        " A-Z a-z 0-9 . _ -; another one is replaced.",
        "schema": {"type": "string"},
    },
    **{
        name: {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "minLength": 1},
        }
        for name in ("client_id", "token_id")
    },
}
_ADMIN_HOST: Final[JsonValue] = {
    "host": {"default": "127.0.0.1", "description": "Not told here: it is nobody else's business."}
}
_ALSO_FOR_ADMINISTRATORS: Final = ("/healthz", "/readyz")


class Description:
    """The endpoint. The document is made once, when somebody asks: few do, and nothing changes."""

    def __init__(self) -> None:
        self._document: dict[str, JsonValue] | None = None

    async def __call__(self, request: Request, server: Server) -> Response:
        if self._document is None:
            self._document = openapi_document(server, request.app.resources)
        return public(self._document)


def openapi_document(server: Server, resources: Sequence[Resource]) -> dict[str, JsonValue]:
    """Raises KeyError for a path and method that has no operation."""
    urls = server.urls
    return {
        "openapi": VERSION,
        "info": {
            "title": "dcr-server",
            "version": "1",
            "description": "OAuth 2.0 Dynamic Client Registration (RFC 7591), its management"
            " (RFC 7592), and tokens for the clients. A method that a path does not have is 405"
            " with Allow, another path 404. Errors are JSON everywhere.",
        },
        "servers": [{"url": urls.issuer.rstrip("/")}],
        "paths": {
            **dict(_path_item(server, resource) for resource in resources),
            **_admin_paths(server),
        },
        "components": {
            "schemas": schemas(),
            "parameters": {**_PARAMETERS},
            "headers": {_REQUEST_ID: _header("The id of this request in the server's log.")},
            "responses": {_error_name(status): _error(status) for status in _ERRORS},
            "securitySchemes": {**SECURITY_SCHEMES, ADMIN_TOKEN: _ADMIN_TOKEN_SCHEME},
        },
    }


def _path_item(server: Server, resource: Resource) -> tuple[str, JsonValue]:
    urls, path = server.urls, resource.path
    item: dict[str, JsonValue] = {}
    if urls.path and path.startswith(f"{urls.path}/"):
        path = path.removeprefix(urls.path)
    elif urls.path:
        # Not below the issuer's own path: RFC 8414 §3.1, and what probes ask for.
        item["servers"] = [{"url": _origin(server)}]
    in_path = _in_path(path)
    item["parameters"] = _parameters(in_path)
    for method in sorted(resource.methods):
        # HEAD is answered with GET.
        described = OPERATIONS["GET" if method == "HEAD" else method, path.removesuffix(urls.path)]
        document = _operation(described, method, (404,) if in_path else ())
        item[method.lower()] = document | _security(described, server)
    if path in _ALSO_FOR_ADMINISTRATORS:
        item["servers"] = [{"url": _origin(server)}, *_admin_listener(server)]
    return path, item


def _origin(server: Server) -> str:
    return server.urls.issuer.rstrip("/").removesuffix(server.urls.path)


def _admin_listener(server: Server) -> list[JsonValue]:
    """Say where it is, beyond loopback without the host; nothing where it is off."""
    url = server.admin_url
    if url is None:
        return []
    described: dict[str, JsonValue] = {
        "url": url,
        "description": "The admin listener, at DCR_SERVER_ADMIN_LISTEN.",
    }
    return [{**described, "variables": _ADMIN_HOST} if ADMIN_HOST in url else described]


def _admin_paths(server: Server) -> dict[str, JsonValue]:
    paths: dict[str, dict[str, JsonValue]] = {}
    servers = _admin_listener(server)
    if not servers:
        return {}
    for (method, path), operation in ADMIN_OPERATIONS.items():
        in_path = _in_path(path)
        item = paths.setdefault(path, {"servers": servers, "parameters": _parameters(in_path)})
        for name in (method, "HEAD") if method == "GET" else (method,):
            document = _operation(operation, name, (404,) if in_path else ())
            item[name.lower()] = document | _schemes(operation.security)
    return {**paths}


def _in_path(path: str) -> list[str]:
    return [name for name in _PARAMETERS if f"{{{name}}}" in path]


def _parameters(in_path: Sequence[str]) -> JsonValue:
    return [_reference("parameters", name) for name in (*in_path, _REQUEST_ID)]


def _security(operation: Operation, server: Server) -> dict[str, JsonValue]:
    schemes = list(operation.security)
    if INITIAL_ACCESS_TOKEN in schemes and not always_needs_token(server):
        schemes.append(NOTHING)
    return _schemes(schemes)


def _schemes(schemes: Sequence[str]) -> dict[str, JsonValue]:
    if not schemes:
        return {}
    return {"security": [{scheme: []} if scheme else {} for scheme in schemes]}


def _operation(
    operation: Operation, method: str, more_errors: tuple[int, ...]
) -> dict[str, JsonValue]:
    with_body = method != "HEAD"
    errors = sorted({*operation.errors, *more_errors, *_ERRORS_EVERYWHERE})
    document: dict[str, JsonValue] = {
        "operationId": operation.operation_id + ("" if with_body else "Head"),
        "summary": operation.summary,
        "responses": {
            **{str(status): _answer(answer) for status, answer in operation.answers.items()},
            **{str(status): _reference("responses", _error_name(status)) for status in errors},
        },
    }
    parameters: list[JsonValue] = [
        {"name": name, "in": "query", "schema": schema} for name, schema in operation.query.items()
    ]
    if operation.takes_idempotency_key:
        parameters.append(_reference("parameters", _IDEMPOTENCY_KEY))
    if parameters:
        document["parameters"] = parameters
    if operation.body is not None:
        document["requestBody"] = {
            "required": operation.body.required,
            "content": {operation.body.media_type: _content(operation.body)},
        }
    return document


def _answer(answer: Answer) -> JsonValue:
    document: dict[str, JsonValue] = {
        "description": answer.description,
        "headers": _headers(),
    }
    if answer.schema is not None:
        document["content"] = {answer.media_type: _content(answer)}
    if answer.links:
        document["links"] = {
            name: {
                "operationId": name,
                "parameters": {"client_id": "$response.body#/client_id"},
            }
            for name in answer.links
        }
    return document


def _content(carried: Body | Answer) -> JsonValue:
    schema = carried.schema
    content: dict[str, JsonValue] = {
        "schema": reference(schema) if isinstance(schema, str) else schema
    }
    return content if carried.example is None else content | {"example": _example(carried.example)}


def _example(name: str) -> JsonValue:
    """Give an example of the RFCs."""
    text = (
        importlib.resources.files("dcr_server").joinpath("openapi_examples.json").read_text("utf-8")
    )
    return parse_json_object(text.encode())[name]


def _error(status: int) -> JsonValue:
    headers = _ERROR_HEADERS.get(status, {})
    return {
        "description": _ERRORS[status],
        "headers": _headers({name: _header(text) for name, text in headers.items()}),
        "content": {JSON: {"schema": reference("Error")}},
    }


def _headers(more: Mapping[str, JsonValue] | None = None) -> JsonValue:
    return {"X-Request-Id": _reference("headers", _REQUEST_ID), **(more or {})}


def _header(description: str) -> JsonValue:
    return {"description": description, "schema": {"type": "string"}}


def _error_name(status: int) -> str:
    return "".join(word.capitalize() for word in HTTPStatus(status).phrase.split())


def _reference(kind: str, name: str) -> JsonValue:
    return {"$ref": f"#/components/{kind}/{name}"}
