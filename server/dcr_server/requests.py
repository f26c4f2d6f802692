"""What endpoints read of a request, with limits: body, content type, bearer token, key."""

import hashlib
from typing import Final

from starlette.requests import ClientDisconnect, Request

from dcr_protocol.bearer import parse_bearer
from dcr_protocol.errors import InvalidRequest
from dcr_protocol.json_document import DEFAULT_MAX_BYTES
from dcr_server.client_addresses import Address, client_address, written_address
from dcr_server.exchange import exchange_of
from dcr_server.records import Actor, Origin, Repeatable
from dcr_server.server import Server
from dcr_server.tokens import hash_of

JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"
UNSUPPORTED_MEDIA_TYPE: Final = 415
LONGEST_IDEMPOTENCY_KEY: Final = 255
_DIGITS_OF_LIMIT: Final = len(str(DEFAULT_MAX_BYTES))


def header_values(request: Request, name: bytes) -> list[str]:
    """Return every header of that name, which is given in lower case."""
    return [value.decode("latin-1") for value in exchange_of(request).headers.values(name)]


def has_header(request: Request, name: bytes) -> bool:
    return name in exchange_of(request).headers


def query_of(request: Request) -> str:
    """Return the query as it was sent."""
    return str(request.scope["query_string"].decode("latin-1"))


def bearer_token_hash(request: Request) -> tuple[str, bytes]:
    """Return the token and its hash (RFC 6750 §2.1; never from body or query, RFC 9700 §4.3.2)."""
    token = parse_bearer(header_values(request, b"authorization"), query_of(request))
    value = token.get_secret_value()
    return value, hash_of(value)


async def read_body(request: Request, media_type: str) -> bytes:
    """Read at most what the limit allows; what is beyond it is not kept.

    Raises InvalidRequest: 415 for another content type, 400 for a body that is too large; and
    ClientDisconnect.
    """
    # RFC 9110 §5.3: several are one list, and a list is no content type.
    _check_content_type(", ".join(header_values(request, b"content-type")), media_type)
    return await _read(request)


async def read_optional_body(request: Request, media_type: str) -> bytes:
    """Read a body that may be missing; then no content type is asked for."""
    if "content-type" in request.headers:
        return await read_body(request, media_type)
    body = await _read(request)
    if body:
        _check_content_type("", media_type)
    return body


async def _read(request: Request) -> bytes:
    for length in exchange_of(request).headers.values(b"content-length"):
        if _announces_too_much(length):
            raise _too_large()
    body = bytearray()
    more = True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > DEFAULT_MAX_BYTES:
            raise _too_large()
        more = message.get("more_body", False)
    return bytes(body)


def idempotency_key(
    request: Request, *, scope: str, body: bytes, now: int, shortest: int = 1
) -> Repeatable | None:
    """Return the key, hashed with what it is unique within, and the body that it stands for."""
    if not has_header(request, b"idempotency-key"):
        return None
    keys = header_values(request, b"idempotency-key")
    key, longest = keys[0], LONGEST_IDEMPOTENCY_KEY
    if len(keys) > 1 or not (shortest <= len(key) <= longest and key.isprintable()):
        raise InvalidRequest(
            f"send one Idempotency-Key of {shortest} to {longest} printable characters"
        )
    return Repeatable(
        key_hash=hash_of(f"{scope}\n{key}"), body_hash=hashlib.sha256(body).digest(), at=now
    )


def requester_address(request: Request, server: Server) -> Address | None:
    """Return whom the request comes from, as far as trusted proxies tell."""
    return client_address(
        _peer(request),
        server.trusted_proxies,
        forwarded=header_values(request, b"forwarded"),
        x_forwarded_for=header_values(request, b"x-forwarded-for"),
    )


def origin_of(request: Request, server: Server, actor: Actor, *, token_id: str = "") -> Origin:
    """Say who asked, for the audit trail."""
    if server.trusted_proxies:
        address = str(requester_address(request, server) or "")
    else:
        address = written_address(_peer(request))
    return Origin(actor, address, exchange_of(request).request_id, token_id)


def _peer(request: Request) -> str:
    client = request.scope.get("client")
    return str(client[0]) if client else ""


def _check_content_type(content_type: str, media_type: str) -> None:
    if content_type == media_type:
        return
    given, _, parameters = content_type.partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if given.strip().lower() != media_type or charset not in {"", "charset=utf-8"}:
        raise InvalidRequest(
            f"the content type must be {media_type}", status=UNSUPPORTED_MEDIA_TYPE
        )


def _announces_too_much(content_length: bytes) -> bool:
    digits = content_length.lstrip(b"0")
    if len(digits) < _DIGITS_OF_LIMIT or not digits.isdigit():
        return False
    # Python refuses to read a number of some thousand digits.
    return len(digits) > _DIGITS_OF_LIMIT or int(digits) > DEFAULT_MAX_BYTES


def _too_large() -> InvalidRequest:
    return InvalidRequest(f"the body is larger than {DEFAULT_MAX_BYTES} bytes")
