"""A compressed body is a body that is not understood: nothing here unpacks one."""

import bz2
import gzip
import json
import lzma
import zlib

import pytest

from tests.attacks.answers import refusal
from tests.attacks.listening import Listening, request
from tests.unit.server.registrant import MACHINE, Registrant

TEXT = json.dumps(MACHINE).encode()
ZEROS = bytes(30_000_000)
PACKED = {
    "gzip": gzip.compress(TEXT),
    "deflate": zlib.compress(TEXT),
    "br": b"\x0b\x02\x80{}\x03",
    "zstd": b"\x28\xb5\x2f\xfd\x20\x02\x11\x00\x00{}",
    "compress": b"\x1f\x9d\x90{\xfa\x00",
    "bzip2": bz2.compress(TEXT),
    "xz": lzma.compress(TEXT),
    "gzip, gzip": gzip.compress(gzip.compress(TEXT)),
    "x-gzip": gzip.compress(ZEROS),
    "deflate, gzip": gzip.compress(zlib.compress(ZEROS)),
}


@pytest.mark.parametrize("encoding", PACKED)
async def test_a_packed_body_is_refused_as_it_is(registrant: Registrant, encoding: str) -> None:
    response = await registrant.post(PACKED[encoding], Content_Encoding=encoding)
    assert refusal(response, 400, 415) == "invalid_request"


@pytest.mark.parametrize("encoding", PACKED)
async def test_a_packed_form_is_refused_as_it_is(registrant: Registrant, encoding: str) -> None:
    client = await registrant.register()
    response = await registrant.http.post(
        "/token",
        content=PACKED[encoding],
        headers={
            "Content-Type": "application/x-www-form-urlencoded",
            "Content-Encoding": encoding,
        },
        auth=client.basic,
    )
    assert refusal(response, 400, 415) == "invalid_request"


@pytest.mark.parametrize("encoding", ["gzip", "gzip, chunked", "deflate, chunked"])
async def test_a_packed_transfer_is_refused(
    registrant: Registrant, listening: Listening, encoding: str
) -> None:
    body = gzip.compress(TEXT)
    sent = request(
        "POST /connect/register HTTP/1.1",
        f"Authorization: Bearer {registrant.initial_access_token}",
        "Content-Type: application/json",
        f"Transfer-Encoding: {encoding}",
        body=b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body),
    )
    for answer in await listening.answers(sent):
        assert answer.status in {400, 415, 501}


async def test_no_answer_is_packed_either(registrant: Registrant) -> None:
    # Beside text that others choose, the size of a packed answer would tell about its secrets.
    client = await registrant.register(Accept_Encoding="gzip, br, deflate, zstd")
    response = await registrant.http.get(
        client.uri,
        headers={"Authorization": f"Bearer {client.token}", "Accept-Encoding": "gzip, br"},
    )
    assert "content-encoding" not in response.headers
