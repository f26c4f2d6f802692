"""A tiny API server on loopback: it answers as the test says and keeps what it was sent."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from kubernetes.aio.client import Configuration

JsonValue = object


@dataclass(frozen=True)
class Sent:
    method: str
    path: str
    query: dict[str, str]
    content_type: str
    authorization: str
    body: JsonValue
    accept: str = ""


@dataclass(frozen=True)
class Answer:
    status: int = 200
    document: JsonValue = field(default_factory=dict)
    text: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False
    held: bool = False  # the answer has no end: a watch


@dataclass
class FakeApiServer:
    """Implements what the adapter needs of a connection, to itself."""

    answer: Callable[[Sent], Answer]
    configuration: Configuration
    sent: list[Sent] = field(default_factory=list)
    token: str = "token-1"

    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()  # for nothing: the fake speaks no TLS

    async def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        content = await request.read()
        seen = Sent(
            request.method,
            request.path,
            dict(request.query),
            request.content_type,
            request.headers.get("Authorization", ""),
            json.loads(content) if content else None,
            request.headers.get("Accept", ""),
        )
        self.sent.append(seen)
        answer = self.answer(seen)
        if answer.hang_up and request.transport is not None:
            request.transport.abort()
        if answer.held:
            return await _without_end(request, answer)
        text = answer.text if answer.text is not None else json.dumps(answer.document)
        kind = "application/json" if answer.text is None else "text/plain"
        return web.Response(
            status=answer.status, text=text, headers=answer.headers, content_type=kind
        )


async def _without_end(request: web.Request, answer: Answer) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    await response.prepare(request)
    await response.write((answer.text or "").encode())
    await asyncio.Event().wait()  # until the client goes
    return response


@asynccontextmanager
async def running_api_server(answer: Callable[[Sent], Answer]) -> AsyncIterator[FakeApiServer]:
    server = FakeApiServer(answer, Configuration())
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    server.configuration.host = f"http://{host}:{port}"
    try:
        yield server
    finally:
        await runner.cleanup()


def status(code: int, reason: str, message: str = "why", **headers: str) -> Answer:
    """A refusal as the API server words it: a metav1.Status."""
    document: dict[str, JsonValue] = {"kind": "Status", "status": "Failure", "reason": reason}
    document |= {"message": message, "details": {"name": "x"}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(code, {**document, "code": code}, headers=named)
