"""A tiny API server on loopback: it answers as the test says and keeps what it was sent."""

import json
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


@dataclass(frozen=True)
class Answer:
    status: int = 200
    document: JsonValue = field(default_factory=dict)
    text: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False


@dataclass
class FakeApiServer:
    """Implements what the adapter needs of a connection, to itself."""

    answer: Callable[[Sent], Answer]
    configuration: Configuration
    sent: list[Sent] = field(default_factory=list)
    token: str = "token-1"

    async def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def handle(self, request: web.Request) -> web.Response:
        content = await request.read()
        seen = Sent(
            request.method,
            request.path,
            dict(request.query),
            request.content_type,
            request.headers.get("Authorization", ""),
            json.loads(content) if content else None,
        )
        self.sent.append(seen)
        answer = self.answer(seen)
        if answer.hang_up and request.transport is not None:
            request.transport.abort()
        text = answer.text if answer.text is not None else json.dumps(answer.document)
        return web.Response(status=answer.status, text=text, headers=answer.headers)


@asynccontextmanager
async def running_api_server(answer: Callable[[Sent], Answer]) -> AsyncIterator[FakeApiServer]:
    server = FakeApiServer(answer, Configuration())
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, access_log=None)
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
