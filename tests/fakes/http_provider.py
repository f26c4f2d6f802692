"""The provider in memory behind real HTTP on loopback, and what can go wrong on the way.

A fault strikes some operations, again and again, until it is lifted.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import BasicAuth, web
from pydantic import SecretStr

from dcr_operator.outcomes import (
    CredentialsAccepted,
    Deleted,
    InitialAccessTokenRejected,
    NotSupported,
    Outcome,
    Refused,
    Registered,
    RegistrationAccessTokenRejected,
)
from dcr_operator.ports import Management, ProviderConnection
from tests.fakes.provider import FakeProvider

_OPERATIONS = {"POST": "register", "GET": "read", "PUT": "update", "DELETE": "delete"}
_SHUTDOWN = 0.1  # seconds

# What is answered in place of the provider's own answer, which may have been made before.
Fault = Callable[[web.Request, web.Response], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Trouble:
    """A fault of some operations; `after` the effect, or instead of it."""

    operations: tuple[str, ...]
    fault: Fault
    after: bool = False


@dataclass
class HttpProvider:
    """Answers as `provider` does, under its issuer."""

    provider: FakeProvider
    trouble: Trouble | None = None
    received: list[str] = field(default_factory=list)  # operations, in order
    strays: list[web.Request] = field(default_factory=list)  # what came where nothing should

    async def handle(self, request: web.Request) -> web.StreamResponse:
        operation = _operation_of(request)
        if operation == "stray":
            self.strays.append(request)
            return web.Response(status=200)
        self.received.append(operation)
        trouble = self.trouble
        if trouble is None or operation not in trouble.operations:
            return _closing(await self._answer(operation, request))
        own = await self._answer(operation, request) if trouble.after else web.Response()
        return _closing(await trouble.fault(request, own))

    async def _answer(self, operation: str, request: web.Request) -> web.Response:
        connection = ProviderConnection("ClusterOAuthProvider/main", self.provider.issuer)
        if operation == "discover":
            return self._discovery(await self.provider.discover(connection))
        if operation == "probe":
            return await self._token(request)
        body = await request.read()
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        key = request.headers.get("Idempotency-Key", "")
        management = Management(
            f"{self.provider.issuer}/register/{request.path.rpartition('/')[2]}", SecretStr(bearer)
        )
        match operation:
            case "register":
                outcome = await self.provider.register(
                    connection,
                    f"{self.provider.issuer}/register",
                    body,
                    initial_access_token=SecretStr(bearer) if bearer else None,
                    idempotency_key=key,
                )
            case "read":
                outcome = await self.provider.read(connection, management)
            case "update":
                outcome = await self.provider.update(
                    connection, management, body, idempotency_key=key
                )
            case _:
                outcome = await self.provider.delete(connection, management)
        return rendered(outcome, created=operation == "register")

    def _discovery(self, outcome: object) -> web.Response:
        issuer = self.provider.issuer
        assert outcome is not None
        return web.json_response(
            {
                "issuer": issuer,
                "registration_endpoint": f"{issuer}/register",
                "token_endpoint": f"{issuer}/token",
                "authorization_endpoint": f"{issuer}/authorize",
                "jwks_uri": f"{issuer}/jwks",
                "registration_idempotency_supported": self.provider.idempotent,
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    async def _token(self, request: web.Request) -> web.Response:
        shown = BasicAuth.decode(request.headers["Authorization"])
        outcome = await self.provider.probe(
            ProviderConnection("ClusterOAuthProvider/main", self.provider.issuer),
            f"{self.provider.issuer}/token",
            client_id=shown.login,
            client_secret=SecretStr(shown.password),
            auth_method="client_secret_basic",
        )
        if isinstance(outcome, CredentialsAccepted):
            return web.json_response({"access_token": "a", "token_type": "Bearer"})
        return web.json_response({"error": "invalid_client"}, status=401)


def _operation_of(request: web.Request) -> str:
    if request.path.startswith("/.well-known/"):
        return "discover"
    if request.path == "/token":
        return "probe"
    return _OPERATIONS[request.method] if request.path.startswith("/register") else "stray"


def _closing(response: web.StreamResponse) -> web.StreamResponse:
    """No connection is kept, so that each request meets what is listening by then."""
    if not response.prepared:
        response.force_close()
    return response


def rendered(outcome: Outcome, *, created: bool) -> web.Response:
    match outcome:
        case Registered(information):
            document = {
                **information.metadata,
                "client_id": information.client_id,
                "client_id_issued_at": information.client_id_issued_at,
                "client_secret_expires_at": information.client_secret_expires_at,
                "registration_client_uri": information.registration_client_uri,
            }
            for name in ("client_secret", "registration_access_token"):
                secret: SecretStr | None = getattr(information, name)
                document[name] = secret.get_secret_value() if secret else None
            return web.json_response(document, status=201 if created else 200)
        case Deleted():
            return web.Response(status=204)
        case RegistrationAccessTokenRejected() | InitialAccessTokenRejected():
            return web.json_response({"error": "invalid_token"}, status=401)
        case Refused(status, code, description):
            return web.json_response(
                {"error": code, "error_description": description}, status=status
            )
        case NotSupported(status):
            return web.Response(status=status)
    raise AssertionError(f"no provider in memory answers {outcome}")


# --- faults ---------------------------------------------------------------------------------


def status(code: int, **headers: str) -> Fault:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}

    async def answer(_request: web.Request, _own: web.Response) -> web.StreamResponse:
        return web.Response(status=code, headers=sent)

    return answer


def body(content: bytes, media_type: str = "application/json") -> Fault:
    """A success whose body is another."""

    async def answer(_request: web.Request, own: web.Response) -> web.StreamResponse:
        return web.Response(status=own.status, body=content, content_type=media_type)

    return answer


def as_media_type(media_type: str) -> Fault:
    async def answer(_request: web.Request, own: web.Response) -> web.StreamResponse:
        return web.Response(status=own.status, body=own.body, content_type=media_type)

    return answer


async def hang_up(request: web.Request, _own: web.Response) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def never(_request: web.Request, _own: web.Response) -> web.StreamResponse:
    await asyncio.Event().wait()  # until the client or the test has had enough
    return web.Response()


async def trickle(request: web.Request, own: web.Response) -> web.StreamResponse:
    """The head of the answer and the first bytes of its body; the rest never comes."""
    slow = web.StreamResponse(status=own.status, headers={"Content-Type": "application/json"})
    await slow.prepare(request)
    await slow.write(b"{")
    await asyncio.Event().wait()
    return slow


# --- listening ------------------------------------------------------------------------------


@dataclass
class Loopback:
    """A provider that listens, and may stop and come back at the same place."""

    http: HttpProvider
    runner: web.AppRunner
    port: int
    site: web.TCPSite | None = None

    async def listen(self) -> None:
        self.site = web.TCPSite(self.runner, "127.0.0.1", self.port, reuse_address=True)
        await self.site.start()

    async def stop_listening(self) -> None:
        if self.site is not None:
            await self.site.stop()
            self.site = None


@asynccontextmanager
async def listening_provider(provider: FakeProvider) -> AsyncIterator[Loopback]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    provider.issuer = f"http://127.0.0.1:{port}"
    http = HttpProvider(provider)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", http.handle)
    runner = web.AppRunner(
        app, access_log=None, shutdown_timeout=_SHUTDOWN, handler_cancellation=True
    )
    await runner.setup()
    loopback = Loopback(http, runner, port)
    await loopback.listen()
    try:
        yield loopback
    finally:
        await runner.cleanup()
