"""URLs come from the configured issuer: no header moves them, so no answer leads elsewhere."""

import json

import pytest

from tests.attacks.listening import Listening, request
from tests.unit.server.registrant import MACHINE, Registrant

HOSTS = [
    "Host: evil.test",
    "Host: evil.test:443",
    "Host: auth.test.evil.test",
    "Host: auth.test@evil.test",
    "Host: evil.test/auth.test",
    "Host: evil.test#auth.test",
    "Host: auth.test\r\nHost: evil.test",
    "Host: evil.test\r\nHost: auth.test",
    "Host: ",
    "Host: auth.test\r\nX-Forwarded-Host: evil.test",
    "Host: auth.test\r\nForwarded: host=evil.test;proto=http",
    "Host: auth.test\r\nX-Forwarded-Server: evil.test",
    "Host: auth.test\r\nX-Host: evil.test",
    "Host: auth.test\r\nX-Forwarded-Proto: evil",
    "Host: auth.test\r\nX-Forwarded-Port: 6666",
    "Host: auth.test\r\nX-Forwarded-Prefix: /evil",
    "Host: auth.test\r\nX-Original-Host: evil.test",
    "Host: auth.test\r\nReferer: https://evil.test/",
    "Host: auth.test\r\nOrigin: https://evil.test",
    "Host: evil.test\r\nX-Forwarded-For: 203.0.113.6",
]


@pytest.mark.parametrize("host", HOSTS)
async def test_nothing_in_an_answer_follows_the_host(
    registrant: Registrant, listening: Listening, host: str
) -> None:
    body = json.dumps(MACHINE).encode()
    post = request(
        "POST /connect/register HTTP/1.1",
        f"Authorization: Bearer {registrant.initial_access_token}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        body=body,
        host=host,
    )
    heads = [
        request(f"GET {path} HTTP/1.1", host=host)
        for path in (
            "/.well-known/openid-configuration",
            "/.well-known/oauth-authorization-server",
            "/openapi.json",
            "/nope",
            "/connect/register/",
            "/connect",
        )
    ]
    for sent in (post, *heads):
        received = await listening.exchange(sent)
        # A 400 is as good: it says nothing at all.
        assert received.startswith((b"HTTP/1.1 20", b"HTTP/1.1 400 ", b"HTTP/1.1 404 "))
        assert b"evil" not in received
        assert b"6666" not in received
        assert b"ocation:" not in received


async def test_a_registration_by_another_name_is_managed_by_the_issuers(
    registrant: Registrant,
) -> None:
    response = await registrant.post(MACHINE, Host="evil.test")
    document = response.json()
    uri = f"https://auth.test/connect/register/{document['client_id']}"
    assert document["registration_client_uri"] == uri
