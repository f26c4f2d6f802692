"""A provider that answers as the test says, and remembers what it was sent."""

import json
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import httpx
from pydantic import SecretStr

from dcr_operator.ports import Management, ProviderConnection
from dcr_operator.registration_client import HttpRegistrationClient
from tests.fakes.virtual_time import VirtualTime

ISSUER = "https://id.example.com"
ENDPOINT = f"{ISSUER}/register"
MANAGEMENT = Management(f"{ENDPOINT}/c1", SecretStr("registration-token"))
CONNECTION = ProviderConnection("ClusterOAuthProvider/main", ISSUER, timeout=0.2)
CLIENT = {
    "client_id": "c1",
    "client_secret": "s3cret",
    "client_secret_expires_at": 0,
    "registration_access_token": "rat",
    "registration_client_uri": f"{ENDPOINT}/c1",
    "client_name": "x",
}

Answer = Callable[[httpx.Request], httpx.Response]


@dataclass
class ScriptedProvider:
    answer: Answer
    requests: list[httpx.Request] = field(default_factory=list)
    time: VirtualTime = field(default_factory=VirtualTime)
    observed: list[tuple[str, str, int]] = field(default_factory=list)

    def client(self) -> HttpRegistrationClient:
        return HttpRegistrationClient(
            observe=lambda provider, operation, code, _: self.observed.append(
                (provider, operation, code)
            ),
            make_transport=self._transport,
            clock=self.time.time,
            jitter=lambda: 0.0,
        )

    def _transport(
        self, _connection: ProviderConnection, _tls: ssl.SSLContext
    ) -> httpx.AsyncBaseTransport:
        return httpx.MockTransport(self._handle)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.answer(request)


class Body(httpx.AsyncByteStream):
    def __init__(self, content: bytes) -> None:
        self.content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.content


def answering(
    status: int, document: object = None, *, body: bytes | None = None, **headers: str
) -> Answer:
    content = body if body is not None else json.dumps(document).encode()
    sent = {"Content-Type": "application/json"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return lambda _: httpx.Response(status, stream=Body(content), headers=sent)


def failing(error: type[Exception]) -> Answer:
    def fail(_request: httpx.Request) -> httpx.Response:
        raise error("boom")

    return fail
