"""How paths and methods become an ASGI application; which they are, `app` and `admin.app` say.

    Exchanges           id, time, metrics, log line; sends the answer
    └── CrossOrigin, where origins are listed
        └── Resources   path and method become an endpoint, its error becomes an answer

A request passes each of them, so they are few and do little; only the outermost speaks ASGI.
"""

import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from urllib.parse import unquote

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Scope

from dcr_server.cross_origin import CrossOrigin
from dcr_server.error_responses import ANSWERED, answer_to, internal_error
from dcr_server.exchange import Exchanges, Respond
from dcr_server.metrics import RequestMetrics
from dcr_server.server import Server

Endpoint = Callable[[Request, Server], Awaitable[Response]]


class Resource:
    """What is behind one path, which may have one parameter: `/connect/register/{client_id}`."""

    def __init__(self, server: Server, path: str, endpoints: Mapping[str, Endpoint]) -> None:
        self.path = path
        self._server = server
        # HEAD is answered with GET; the body is cut off when it is sent.
        head = {"HEAD": endpoints["GET"]} if "GET" in endpoints else {}
        self._endpoints = {**endpoints, **head}
        self.methods = frozenset(self._endpoints)
        literal = (re.escape(part) for part in re.split(r"\{\w+\}", path))
        self._pattern = re.compile("([^/]+)".join(literal))
        self._parameters = re.findall(r"\{(\w+)\}", path)

    @property
    def is_literal(self) -> bool:
        return not self._parameters

    def parameters(self, path: str) -> dict[str, str] | None:
        match = self._pattern.fullmatch(path)
        return dict(zip(self._parameters, match.groups(), strict=True)) if match else None

    def parameters_of(self, segments: Sequence[str]) -> dict[str, str] | None:
        """Do the same for a path that was taken apart."""
        own = self.path.split("/")
        if len(own) != len(segments):
            return None
        found = {}
        for name, given in zip(own, segments, strict=True):
            if name.startswith("{") and given:
                found[name[1:-1]] = given
            elif name != given:
                return None
        return found

    def answer(self, request: Request) -> Awaitable[Response]:
        """Raises HTTPException: 405 with all methods of this path (S-010)."""
        endpoint = self._endpoints.get(request.scope["method"])
        if endpoint is None:
            allowed = ", ".join(self._endpoints)
            raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": allowed})
        return endpoint(request, self._server)


class Resources:
    """Where requests end up."""

    def __init__(self, resources: Sequence[Resource]) -> None:
        self.resources = resources
        self._literal = {each.path: each for each in resources if each.is_literal}
        self._others = [each for each in resources if not each.is_literal]

    async def __call__(self, request: Request) -> Response | None:
        scope = request.scope
        # What describes the resources reads them from here.
        scope["app"] = self
        try:
            resource = self._find(scope)
            scope["route"] = resource
            return await resource.answer(request)
        except ANSWERED as error:
            return answer_to(request, error)
        except ClientDisconnect:
            # It hung up within its body: nobody is left to answer, and nothing was done.
            return None
        except Exception as error:  # noqa: BLE001 - the one place that catches everything
            return internal_error(request, error)

    def _find(self, scope: Scope) -> Resource:
        """Raises HTTPException. A slash too many is another path: nothing is redirected."""
        raw_path = scope.get("raw_path") or b""
        if b"%" in raw_path:
            return self._find_encoded(scope, raw_path)
        path = scope["path"]
        resource = self._literal.get(path)
        if resource is not None:
            return resource
        for each in self._others:
            parameters = each.parameters(path)
            if parameters is not None:
                scope["path_params"] = parameters
                return each
        raise HTTPException(HTTPStatus.NOT_FOUND)

    def _find_encoded(self, scope: Scope, raw_path: bytes) -> Resource:
        """RFC 3986 §2.2: an encoded slash is no separator; `a%2Fb` is one client_id."""
        segments = [unquote(segment) for segment in raw_path.decode("latin-1").split("/")]
        for each in self.resources:
            parameters = each.parameters_of(segments)
            if parameters is not None:
                scope["path_params"] = parameters
                return each
        raise HTTPException(HTTPStatus.NOT_FOUND)


def resource_at(server: Server, path: str, **endpoints: Endpoint) -> Resource:
    """One per path, so that a 405 lists all of its methods."""
    return Resource(server, path, endpoints)


class Application(Exchanges):
    """All that a request passes; without metrics none is counted."""

    def __init__(
        self,
        server: Server,
        resources: Sequence[Resource],
        metrics: RequestMetrics | None,
        *,
        origins: Sequence[str] = (),
    ) -> None:
        respond: Respond = Resources(resources)
        if origins:
            respond = CrossOrigin(respond, origins)
        super().__init__(
            respond,
            departure=server.departure,
            request_ids=server.request_ids,
            metrics=metrics,
            timer=time.perf_counter,
        )
        self.resources = tuple(resources)
