"""Strategies: requests that are nearly right, and requests that are nothing at all."""

import json
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, urlencode

from hypothesis import strategies as st

from dcr_protocol.client_metadata import ClientMetadata
from dcr_protocol.json_document import JsonValue

JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"
CLIENT: Final = "{client}"
"""Stands for the client_id of a client that exists."""
PATHS: Final = (
    "/connect/register",
    f"/connect/register/{CLIENT}",
    f"/connect/register/{CLIENT}/secret",
    "/token",
    "/introspect",
    "/revoke",
    "/jwks",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/openapi.json",
    "/healthz",
    "/readyz",
)
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW")
CREDENTIALS: Final = ("{initial}", "{registration}", "{basic}")
"""Stand for credentials that are good somewhere."""

Headers = list[tuple[str, bytes]]


@dataclass(frozen=True)
class AnyRequest:
    method: str
    path: str
    headers: Headers = field(default_factory=list)
    body: bytes = b""


_any_text: Final = st.text(max_size=40)
_scalars: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    _any_text,
    st.sampled_from(["", "none", "code", "client_credentials", "https://a.example/cb", "a b"]),
)
json_values: Final[st.SearchStrategy[JsonValue]] = st.recursive(
    _scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(_any_text, inner, max_size=4)
    ),
    max_leaves=12,
)
_members: Final = st.one_of(
    st.sampled_from([*ClientMetadata.model_fields, "client_id", "client_secret", "overlap"]),
    st.sampled_from(["client_name#de", "client_name#", "#", "tos_uri#x-y-z"]),
    _any_text,
)
json_objects: Final = st.dictionaries(_members, json_values, max_size=8)
_FIELDS: Final = (
    "grant_type",
    "scope",
    "resource",
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "token",
    "token_type_hint",
    "x",
)
_HEADERS: Final = (
    "Idempotency-Key",
    "X-Request-Id",
    "Origin",
    "Accept",
    "X-Forwarded-For",
    "Cookie",
    "Content-Encoding",
    "If-Match",
    "Range",
    "Expect",
    "X-HTTP-Method-Override",
)
_fields: Final = st.lists(
    st.tuples(
        st.sampled_from(_FIELDS),
        st.one_of(_any_text, st.sampled_from(["client_credentials", CLIENT])),
    ),
    max_size=6,
)
_header_bytes: Final = st.binary(max_size=40).map(
    lambda value: value.translate(None, b"\r\n\0").strip()
)


def _encoded(document: JsonValue) -> bytes:
    return json.dumps(document).encode()


bodies: Final = st.one_of(
    st.tuples(st.just(JSON), json_objects.map(_encoded)),
    st.tuples(st.just(JSON), json_values.map(_encoded)),
    st.tuples(st.just(JSON), st.binary(max_size=100)),
    st.tuples(st.just(FORM), _fields.map(lambda pairs: urlencode(pairs).encode())),
    st.tuples(st.just(FORM), st.binary(max_size=100)),
    st.tuples(_any_text.filter(str.isascii), st.binary(max_size=100)),
)
_authorizations: Final[st.SearchStrategy[Headers]] = st.one_of(
    st.just([]),
    st.sampled_from(CREDENTIALS).map(lambda one: [("Authorization", one.encode())]),
    st.sampled_from(CREDENTIALS).map(lambda one: [("Authorization", one.encode())]),
    _header_bytes.map(lambda one: [("Authorization", one)]),
    _header_bytes.map(lambda one: [("Authorization", b"Bearer " + one)]),
    _header_bytes.map(lambda one: [("Authorization", b"Basic " + one)]),
    _header_bytes.map(lambda one: [("Authorization", b"{initial}"), ("Authorization", one)]),
)
_other_headers: Final[st.SearchStrategy[Headers]] = st.lists(
    st.tuples(st.sampled_from(_HEADERS), _header_bytes), max_size=3
)
paths: Final = st.one_of(
    st.sampled_from(PATHS),
    st.sampled_from(PATHS),
    _any_text.map(lambda text: "/" + quote(text, safe="/")),
    _any_text.map(lambda text: "/connect/register/" + quote(text, safe="")),
    st.binary(max_size=12).map(lambda raw: "/connect/register/" + quote(raw, safe="")),
)
_queries: Final = st.one_of(st.just(""), _any_text.map(lambda text: "?" + quote(text, safe="=&")))


def _request(
    method: str, path: str, content: tuple[str, bytes], first: Headers, second: Headers
) -> AnyRequest:
    content_type, body = content
    headers = [("Content-Type", content_type.strip().encode()), *first, *second]
    return AnyRequest(method, path, headers, body)


any_requests: Final = st.builds(
    _request,
    st.sampled_from(_METHODS),
    st.tuples(paths, _queries).map("".join),
    bodies,
    _authorizations,
    _other_headers,
)
