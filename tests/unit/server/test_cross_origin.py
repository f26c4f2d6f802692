"""S-011: browsers of listed origins may use the endpoints, and nobody else's may."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from pydantic import TypeAdapter, ValidationError

from dcr_server.app import create_app
from dcr_server.cross_origin import Origins
from tests.fakes.dcr_server_app import ISSUER, running_server

PAGE = "https://inspector.example.com"
QUESTION = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization, content-type",
}


@pytest_asyncio.fixture(params=[PAGE, "*"])
async def http(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[httpx.AsyncClient]:
    async with running_server(tmp_path, cors_allowed_origins=(request.param,)) as server:
        transport = httpx.ASGITransport(create_app(server))
        async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as http:
            yield http


async def test_s011_a_browser_that_asks_first_needs_no_token(http: httpx.AsyncClient) -> None:
    response = await http.options("/connect/register", headers={"Origin": PAGE, **QUESTION})
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["access-control-allow-origin"] == PAGE
    assert "Authorization" in response.headers["access-control-allow-headers"]
    assert "PUT" in response.headers["access-control-allow-methods"]


async def test_s011_the_page_reads_answers_and_refusals_alike(http: httpx.AsyncClient) -> None:
    for path, status in (("/jwks", 200), ("/connect/register/x", 401), ("/nowhere", 404)):
        response = await http.get(path, headers={"Origin": PAGE})
        assert response.status_code == status
        assert response.headers["access-control-allow-origin"] == PAGE
        assert "WWW-Authenticate" in response.headers["access-control-expose-headers"]
        assert response.headers["vary"] == "Origin"


async def test_s011_no_cookie_is_ever_allowed(http: httpx.AsyncClient) -> None:
    response = await http.options("/connect/register", headers={"Origin": PAGE, **QUESTION})
    assert "access-control-allow-credentials" not in response.headers


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", f"{PAGE}.evil.example", f"{PAGE}:444", PAGE.upper(), "null", ""],
)
@pytest.mark.parametrize("http", [PAGE], indirect=True)
async def test_s011_another_page_reads_nothing(http: httpx.AsyncClient, origin: str) -> None:
    asked = await http.options("/connect/register", headers={"Origin": origin, **QUESTION})
    answered = await http.get("/jwks", headers={"Origin": origin})
    assert (asked.status_code, answered.status_code) == (405, 200)
    for response in (asked, answered):
        assert "access-control-allow-origin" not in response.headers
        assert response.headers["vary"] == "Origin"


@pytest.mark.parametrize("http", [PAGE], indirect=True)
async def test_an_answer_that_a_cache_keeps_is_not_given_to_another_page(
    http: httpx.AsyncClient,
) -> None:
    response = await http.get("/.well-known/openid-configuration")
    assert response.headers["vary"] == "Origin"


@pytest.mark.parametrize(
    "value",
    [
        "inspector.example.com",
        "https://inspector.example.com/",
        "https://Inspector.example.com",
        "https://inspector.example.com:443",
        "https://*.example.com",
        "https://user@inspector.example.com",
        "https://",
        "null",
        "",
    ],
)
def test_what_no_browser_sends_as_origin_is_refused(value: str) -> None:
    with pytest.raises(ValidationError, match="is no origin"):
        TypeAdapter(Origins).validate_python(value)


@pytest.mark.parametrize(
    "value", [f"{PAGE}, http://localhost:3000,https://[::1]:8443", "*", [PAGE, "https://b.example"]]
)
def test_origins_are_a_list_or_text_with_commas(value: object) -> None:
    assert TypeAdapter(Origins).validate_python(value)
