"""The admin API meets the same care: limits hold, odd input is 400 or 404, never a 5xx."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.attacks.answers import refusal
from tests.unit.server.administrator import TOKEN, Administrator, administrator_at
from tests.unit.server.registrant import bearer

LISTS = ("clients", "initial-access-tokens", "audit")


@pytest_asyncio.fixture
async def administrator(tmp_path: Path) -> AsyncIterator[Administrator]:
    async with administrator_at(tmp_path) as administrator:
        yield administrator


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "limit",
    [
        "0000005000",
        "000000500" + "9" * 1000,
        "1e2",
        "+5",
        " 5",
        "5_0",
        "\u0665",
        "0x10",
        "5.0",
        "-5",
    ],
)
async def test_a_limit_cannot_be_talked_up(
    administrator: Administrator, path: str, limit: str
) -> None:
    assert refusal(await administrator.get(path, limit=limit), 400) == "invalid_request"


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "after",
    ["' OR 1=1 --", "AAAA", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "LTE", "\U0001f600", "Li4vLi4v"],
)
async def test_a_forged_cursor_is_refused_or_finds_nothing_else(
    administrator: Administrator, path: str, after: str
) -> None:
    everything = (await administrator.get(path)).json()["items"]
    response = await administrator.get(path, after=after)
    if response.status_code == 200:
        assert all(item in everything for item in response.json()["items"])
    else:
        assert refusal(response, 400) == "invalid_request"


@pytest.mark.parametrize(
    "value", ["' OR '1'='1", "%", "_", "*", "default' --", "\\", "\u017f", "DEFAULT", "default "]
)
async def test_a_filter_is_a_value_and_no_pattern(administrator: Administrator, value: str) -> None:
    await administrator.registrant.register()
    for path in LISTS:
        response = await administrator.get(path, policy=value)
        assert response.status_code == 200
        assert response.json()["items"] == []


@pytest.mark.parametrize(
    "wanted",
    [
        {"policy": "default", "expires_in": 2**63},
        {"policy": "default", "expires_in": 10**400},
        {"policy": "default", "expires_in": "999999999999d"},
        {"policy": "default", "expires_in": True},
        {"policy": "default", "expires_in": 1.5},
        {"policy": "default", "max_uses": 2**63},
        {"policy": "default", "max_uses": 10**400},
        {"policy": "default", "max_uses": "1"},
        {"policy": "default", "subject": "a\u0000b"},
        {"policy": "default", "note": "\u2028\x7f"},
        {"policy": "__proto__"},
        {"policy": ["default"]},
        {"policy": "default", "token_hash": "00" * 32},
    ],
    ids=ascii,
)
async def test_a_token_that_cannot_be_is_refused(
    administrator: Administrator, wanted: dict[str, object]
) -> None:
    before = (await administrator.get("initial-access-tokens")).json()
    response = await administrator.post("initial-access-tokens", wanted)
    assert refusal(response, 400) == "invalid_request"
    assert (await administrator.get("initial-access-tokens")).json() == before


@pytest.mark.parametrize(
    "name", ["%00", "%ff", "..%2f..", "' OR 1=1 --", "%F0%9F%98%80", "x" * 5000, "*", "%"]
)
async def test_odd_names_are_404(administrator: Administrator, name: str) -> None:
    for path in (f"clients/{name}", f"initial-access-tokens/{name}"):
        assert refusal(await administrator.delete(path), 404) == "invalid_request"
    assert refusal(await administrator.get(f"clients/{name}"), 404) == "invalid_request"


@pytest.mark.parametrize(
    "change", [TOKEN[:-1], TOKEN + "x", TOKEN.upper(), TOKEN[::-1], TOKEN.replace("-", "_")]
)
async def test_a_near_miss_of_the_admin_token_opens_nothing(
    administrator: Administrator, change: str
) -> None:
    assert change != TOKEN
    for path in LISTS:
        response = await administrator.http.get(f"/admin/{path}", headers=bearer(change))
        assert refusal(response, 401) == "invalid_token"


async def test_the_admin_token_opens_nothing_else(administrator: Administrator) -> None:
    registrant = administrator.registrant
    client = await registrant.register()
    refusal(await registrant.post(token=TOKEN), 401)
    refusal(await registrant.read(client.uri, TOKEN), 401)
    refusal(await registrant.get_token((client["client_id"], TOKEN)), 401)
    # Nor does what clients hold open the administration.
    for token in (client.token, client["client_secret"], registrant.initial_access_token):
        response = await administrator.http.get("/admin/clients", headers=bearer(token))
        assert refusal(response, 401) == "invalid_token"
