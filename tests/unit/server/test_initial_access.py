"""Who may register is told by form alone, and nothing makes up for a bad token."""

from pathlib import Path

import pytest

from tests.unit.server.strangers import Door, door_at

SIGNED = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln"
ENCRYPTED = "eyJhbGciOiJSU0EtT0FFUCJ9.a.b.c.d"


async def with_token(door: Door, token: str) -> tuple[int, str]:
    response = await door.post(Authorization=f"Bearer {token}")
    return response.status_code, response.text


async def test_s004_registration_is_closed_unless_a_switch_opens_it(tmp_path: Path) -> None:
    async with door_at(tmp_path, opened=None) as door:
        response = await door.post()
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"


async def test_s004_the_switch_opens_it(tmp_path: Path) -> None:
    async with door_at(tmp_path) as door:
        assert (await door.post()).status_code == 201


@pytest.mark.parametrize("token", [SIGNED, ENCRYPTED])
async def test_s005_a_jwt_is_refused_as_what_it_is(tmp_path: Path, token: str) -> None:
    async with door_at(tmp_path) as door:
        status, text = await with_token(door, token)
    assert status == 401
    assert "JWT" in text
    assert token not in text


@pytest.mark.parametrize("token", ["a.b", "eyJ.a", "eyJa.b.c.d", "a+b/c=", "eyJ~.a.b"])
async def test_s005_a_token_of_no_kind_is_refused_like_an_unknown_one(
    tmp_path: Path, token: str
) -> None:
    async with door_at(tmp_path) as door:
        assert await with_token(door, token) == await with_token(door, "dcr_iat_unknown")


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("Bearer dcr_iat_unknown", 401),
        (f"Bearer {SIGNED}", 401),
        ("Bearer ", 401),
        ("", 401),
        ("Basic YTpi", 401),
        ("DPoP abc", 401),
        ("Bearer a, Bearer b", 400),
    ],
)
async def test_s004_a_bad_token_is_never_downgraded_to_open_registration(
    tmp_path: Path, authorization: str, status: int
) -> None:
    async with door_at(tmp_path) as door:
        response = await door.post(Authorization=authorization)
        assert response.status_code == status
        assert "WWW-Authenticate" in response.headers
        assert await door.server.storage.clients.counts() == {}


async def test_s004_a_used_up_token_is_not_downgraded_either(tmp_path: Path) -> None:
    async with door_at(tmp_path) as door:
        token = (await door.mint(max_uses=1)).get_secret_value()
        assert (await with_token(door, token))[0] == 201
        assert (await with_token(door, token))[0] == 401


async def test_s005_a_token_in_the_query_is_refused_where_none_is_needed(tmp_path: Path) -> None:
    async with door_at(tmp_path) as door:
        response = await door.post(path="/connect/register?access_token=a")
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


async def test_s004_a_policy_that_is_gone_opens_nothing(tmp_path: Path) -> None:
    async with door_at(tmp_path, policies={}) as door:
        response = await door.post()
    assert (response.status_code, response.json()["error"]) == (403, "insufficient_scope")
