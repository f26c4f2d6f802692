"""The ceiling of one process of Python: what each request costs with nothing but its essence.

A bare ASGI handler on uvicorn with uvloop and httptools: the metadata of RFC 7591 §2 validated by
Pydantic, credentials minted, hashed and compared, one row in SQLite with `synchronous=FULL`, an
fsync shared by those that wait; reads and updates of RFC 7592; access tokens signed with ES256.
No initial access tokens, policies, rules, replay, scopes, overlapping credentials, audit trail,
log, metrics or bounds, and whatever is wrong is answered without a reason.

    python -m tests.bench.reference_handler DATABASE PORT
"""

import base64
import hashlib
import json
import secrets
import sys
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from hmac import compare_digest
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import uvicorn
import uvloop
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from pydantic import AnyUrl, BaseModel, ConfigDict

from tests.bench.reference_storage import ReferenceStorage, Row

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Document = dict[str, Any]
Answer = tuple[int, Document]

_LIFETIME = 3600
_ES256 = ec.ECDSA(SHA256())


def _base64url(octets: bytes) -> bytes:
    return base64.urlsafe_b64encode(octets).rstrip(b"=")


_JWT_HEADER = _base64url(b'{"alg":"ES256","typ":"at+jwt","kid":"reference"}')


class Request(NamedTuple):
    method: str
    path: str
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes

    def credentials(self, scheme: str) -> str:
        """Return what follows the scheme in the Authorization header; empty for another one."""
        given = next((value for name, value in self.headers if name == b"authorization"), b"")
        text = given.decode("latin-1")
        return text[len(scheme) :] if text.lower().startswith(scheme) else ""


class Metadata(BaseModel):
    """RFC 7591 §2."""

    model_config = ConfigDict(extra="ignore")

    redirect_uris: list[AnyUrl] = []
    token_endpoint_auth_method: str = "client_secret_basic"
    grant_types: list[str] = ["authorization_code"]
    response_types: list[str] = ["code"]
    client_name: str | None = None
    client_uri: AnyUrl | None = None
    logo_uri: AnyUrl | None = None
    scope: str | None = None
    contacts: list[str] | None = None
    tos_uri: AnyUrl | None = None
    policy_uri: AnyUrl | None = None
    jwks_uri: AnyUrl | None = None
    jwks: dict[str, Any] | None = None
    software_id: str | None = None
    software_version: str | None = None


class Handler:
    """Made on the event loop that serves it."""

    def __init__(self, database: str, url: str) -> None:
        self._storage = ReferenceStorage(database)
        self._url = url
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.public_key = self._key.public_key()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        request = Request(scope["method"], scope["path"], scope["headers"], await _body(receive))
        status, document = await self._answer(request)
        body = json.dumps(document, separators=(",", ":")).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def close(self) -> None:
        self._storage.close()

    async def _answer(self, request: Request) -> Answer:
        match request.method, request.path:
            case "POST", "/connect/register":
                return await self._register(request)
            case "POST", "/token":
                return self._issue_token(request)
            case "GET", "/":
                return 200, {}
        row = self._storage.find(request.path.rpartition("/")[2])
        token = request.credentials("bearer ")
        if row is None or not compare_digest(row.token_hash, _hash(token)):
            return 401, {"error": "invalid_token"}
        if request.method == "PUT":
            return await self._update(request, row)
        return 200, self._information(row.client_id, token, json.loads(row.metadata))

    async def _register(self, request: Request) -> Answer:
        metadata = Metadata.model_validate_json(request.body)
        client_id = f"{int(time.time() * 1000):012x}{secrets.token_hex(10)}"
        secret, token = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        document = metadata.model_dump(mode="json", exclude_none=True)
        row = Row(client_id, _hash(token), _hash(secret), json.dumps(document))
        await self._storage.insert(row)
        issued = {"client_secret": secret, "client_secret_expires_at": 0}
        return 201, issued | self._information(client_id, token, document)

    async def _update(self, request: Request, row: Row) -> Answer:
        metadata = Metadata.model_validate_json(request.body)
        token = secrets.token_urlsafe(32)
        document = metadata.model_dump(mode="json", exclude_none=True)
        await self._storage.update(row.client_id, _hash(token), json.dumps(document))
        return 200, self._information(row.client_id, token, document)

    def _information(self, client_id: str, token: str, metadata: Document) -> Document:
        return {
            "client_id": client_id,
            "client_id_issued_at": int(time.time()),
            "registration_access_token": token,
            "registration_client_uri": f"{self._url}/connect/register/{client_id}",
            **metadata,
        }

    def _issue_token(self, request: Request) -> Answer:
        form = dict(parse_qsl(request.body.decode()))
        pair = base64.b64decode(request.credentials("basic ")).decode()
        client_id, _, secret = pair.partition(":")
        row = self._storage.find(client_id)
        if row is None or not compare_digest(row.secret_hash, _hash(secret)):
            return 401, {"error": "invalid_client"}
        if form.get("grant_type") not in json.loads(row.metadata)["grant_types"]:
            return 400, {"error": "unauthorized_client"}
        token = self._signed(client_id, int(time.time()))
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": _LIFETIME}

    def _signed(self, client_id: str, now: int) -> str:
        """ES256 over the claims of RFC 9068."""
        claims: Document = {
            "iss": self._url,
            "sub": client_id,
            "aud": self._url,
            "client_id": client_id,
        }
        claims |= {"iat": now, "exp": now + _LIFETIME, "jti": secrets.token_hex(16)}
        signing_input = _JWT_HEADER + b"." + _base64url(json.dumps(claims).encode())
        r, s = decode_dss_signature(self._key.sign(signing_input, _ES256))
        signature = _base64url(r.to_bytes(32) + s.to_bytes(32))
        return (signing_input + b"." + signature).decode()


async def _body(receive: Receive) -> bytes:
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


async def serve(database: str, port: int) -> None:
    handler = Handler(database, f"http://127.0.0.1:{port}")
    try:
        await uvicorn.Server(
            uvicorn.Config(
                handler,
                port=port,
                loop="none",
                http="httptools",
                lifespan="off",
                access_log=False,
                log_level="warning",
            )
        ).serve()
    finally:
        handler.close()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1], int(sys.argv[2])))
