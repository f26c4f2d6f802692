"""Nothing that a request holds ends a header of its answer early, or starts one."""

from urllib.parse import quote

import pytest

from tests.attacks.answers import check_answer
from tests.attacks.listening import Answer, Listening, request
from tests.unit.server.registrant import MACHINE, Registrant

BREAKS = {
    "CR LF": "\r\n",
    "LF": "\n",
    "CR": "\r",
    "NUL": "\0",
    "vertical tab": "\v",
    "form feed": "\f",
    "escape": "\x1b[31m",
    "next line": "\x85",
    "line separator": "\u2028",
    "paragraph separator": "\u2029",
    # Some servers cut these down to their last byte: 0x0D and 0x0A.
    "wide CR LF": "\u010d\u010a",
    "fullwidth CR LF": "\uff0d\uff0a",
}
SPLIT = "{}Set-Cookie: split=1{}{}<html>"


def _attack(line_break: str) -> str:
    return "x" + SPLIT.replace("{}", line_break)


@pytest.fixture(params=[*BREAKS.values()], ids=[*BREAKS])
def attack(request: pytest.FixtureRequest) -> str:
    return _attack(request.param)


async def test_metadata_splits_no_answer(registrant: Registrant, attack: str) -> None:
    for member in (
        "client_name",
        "scope",
        "software_id",
        "client_uri",
        "token_endpoint_auth_method",
    ):
        response = await registrant.post({**MACHINE, member: attack})
        check_answer(response)
        assert "set-cookie" not in response.headers
    for member in ("redirect_uris", "contacts", "grant_types", "post_logout_redirect_uris"):
        response = await registrant.post({**MACHINE, member: [attack]})
        check_answer(response)
        assert "set-cookie" not in response.headers


async def test_encoded_paths_split_no_answer(listening: Listening, attack: str) -> None:
    encoded = quote(attack, safe="")
    for path in (f"/{encoded}", f"/connect/register/{encoded}", f"/jwks?{encoded}", f"//{encoded}"):
        for method in ("GET", "POST", "BREW"):
            answers = await listening.answers(request(f"{method} {path} HTTP/1.1"))
            _is_whole(answers)


async def test_form_fields_split_no_answer(registrant: Registrant, attack: str) -> None:
    client = await registrant.register()
    for field in ("grant_type", "scope", "resource", "client_id", "client_secret"):
        response = await registrant.get_token(client.basic, **{field: attack})
        check_answer(response)
        assert "set-cookie" not in response.headers


@pytest.mark.parametrize(
    "header",
    ["X-Request-Id", "Idempotency-Key", "Origin", "Host", "Authorization", "Accept", "traceparent"],
)
async def test_header_values_split_no_answer(
    listening: Listening, attack: str, header: str
) -> None:
    sent = f"{header}: {attack}".encode().decode("latin-1")
    for line in ("GET /jwks HTTP/1.1", "POST /connect/register HTTP/1.1", "GET /nope HTTP/1.1"):
        answers = await listening.answers(request(line, sent))
        _is_whole(answers)
        for answer in answers:
            assert answer.header("set-cookie") is None


def _is_whole(answers: list[Answer]) -> None:
    # What was sent may itself hold the end of a head: then what follows is a bad request.
    assert answers
    for answer in answers:
        assert answer.status < 500 or answer.status == 501
        assert answer.header("set-cookie") is None
        assert b"<html>" not in answer.body
        for name, value in answer.headers:
            assert name.isascii()
            assert value.isascii()
            assert value.isprintable()
