"""A body is JSON in UTF-8, or a form, as its content type says, and nothing is guessed."""

import codecs
import gzip
import json

import pytest

from tests.attacks.answers import refusal
from tests.unit.server.registrant import MACHINE, Registrant, bearer

TEXT = json.dumps(MACHINE)
FORM = "application/x-www-form-urlencoded"

WRONG_TYPES = [
    "",
    "*/*",
    "application/*",
    "application",
    "application/json/x",
    "application/json,text/plain",
    "application/json, application/json",
    "application/jsonx",
    "application/json+x",
    "application/jose",
    "application/jwt",
    "application/problem+json",
    "application/merge-patch+json",
    "application/xml",
    "text/json",
    "text/plain",
    "text/plain; application/json",
    "text/plain\tapplication/json",
    "multipart/form-data; boundary=application/json",
    FORM,
    "application/json; charset=utf-16",
    "application/json; charset=utf-7",
    "application/json; charset=iso-8859-1",
    "application/json; charset=",
    "application/json; charset=utf-8; charset=utf-16",
    "application/json; boundary=x",
    "application/json\u00a0",
    "\u0430pplication/json",
]


@pytest.mark.parametrize("content_type", WRONG_TYPES)
async def test_another_content_type_registers_nothing(
    registrant: Registrant, content_type: str
) -> None:
    raw = [
        ("Content-Type", content_type.encode("utf-8").decode("latin-1")),
        ("Authorization", f"Bearer {registrant.initial_access_token}"),
    ]
    headers = [(name.encode(), value.encode("latin-1")) for name, value in raw]
    response = await registrant.http.post("/connect/register", content=TEXT, headers=headers)
    assert refusal(response, 415) == "invalid_request"


GOOD_TYPES = [
    "application/json",
    "Application/JSON",
    "application/json;charset=utf-8",
    'application/json; charset="UTF-8"',
    " application/json ",
]


@pytest.mark.parametrize("content_type", GOOD_TYPES)
async def test_other_spellings_of_the_content_type_are_accepted(
    registrant: Registrant, content_type: str
) -> None:
    response = await registrant.post(TEXT.encode(), Content_Type=content_type)
    assert response.status_code == 201


# RFC 8259 §8.1: UTF-8 without a byte order mark. A filter that reads them otherwise is blind.
ENCODED = {
    "UTF-16": TEXT.encode("utf-16"),
    "UTF-16 without a mark": TEXT.encode("utf-16-le"),
    "UTF-32": TEXT.encode("utf-32"),
    "UTF-7": b"+AHs-+AH0-",
    "a byte order mark": codecs.BOM_UTF8 + TEXT.encode(),
    "a byte order mark behind": TEXT.encode() + codecs.BOM_UTF8,
    "an overlong quote": TEXT.encode().replace(b'"', b"\xc0\xa2"),
    "an overlong NUL": b'{"client_name":"\xc0\x80"}',
    "an overlong slash": b'{"client_name":"\xc0\xaf"}',
    "an overlong slash of three bytes": b'{"client_name":"\xe0\x80\xaf"}',
    "half of a character": b'{"client_name":"\xc3"}',
    "a surrogate": b'{"client_name":"\xed\xa0\x80"}',
    "a pair of surrogates": b'{"client_name":"\xed\xa0\xbd\xed\xb8\x80"}',
    "beyond Unicode": b'{"client_name":"\xf4\x90\x80\x80"}',
    "five bytes": b'{"client_name":"\xf8\x88\x80\x80\x80"}',
    "Latin-1": '{"client_name":"é"}'.encode("latin-1"),
    "EBCDIC": TEXT.encode("cp500"),
    "gzip": gzip.compress(TEXT.encode(), mtime=0),
    "a form": b"grant_types=client_credentials",
    "XML": b"<grant_types>client_credentials</grant_types>",
    "YAML": b"grant_types: [client_credentials]",
    "NDJSON": TEXT.encode() + b"\n" + TEXT.encode(),
    "JSON5": b"{grant_types: ['client_credentials'],}",
    "a comment": b'{"grant_types":["client_credentials"]/* */}',
    "a trailing comma": b'{"grant_types":["client_credentials"],}',
    "a prefix against hijacking": b")]}',\n" + TEXT.encode(),
    "text behind": TEXT.encode() + b"x",
    "a NUL behind": TEXT.encode() + b"\0",
}


@pytest.mark.parametrize("body", ENCODED.values(), ids=ENCODED.keys())
async def test_another_encoding_is_refused(registrant: Registrant, body: bytes) -> None:
    assert refusal(await registrant.post(body), 400) == "invalid_request"


FORMS = [
    "application/json",
    "multipart/form-data; boundary=x",
    "text/plain",
    f"{FORM}, application/json",
    f"{FORM}; charset=utf-16",
    "application/x-www-form-urlencodedx",
]


@pytest.mark.parametrize("content_type", FORMS)
async def test_the_token_endpoint_takes_forms_only(
    registrant: Registrant, content_type: str
) -> None:
    client = await registrant.register()
    response = await registrant.http.post(
        "/token",
        content=b"grant_type=client_credentials",
        headers={"Content-Type": content_type},
        auth=client.basic,
    )
    assert refusal(response, 415) == "invalid_request"


async def test_a_body_where_none_belongs_is_ignored(registrant: Registrant) -> None:
    client = await registrant.register()
    headers = {**bearer(client.token), "Content-Type": "application/json"}
    body = json.dumps({"client_id": client["client_id"], "scope": "admin"})
    read = await registrant.http.request("GET", client.uri, content=body, headers=headers)
    assert read.json()["scope"] == "a b"
