from urllib.parse import unquote

import pytest

from dcr_server.routing import Resource, resource_at
from tests.unit.server.registrant import Registrant, bearer


async def _nothing(*_: object) -> None:
    raise AssertionError


@pytest.mark.parametrize(
    ("template", "path", "parameters"),
    [
        ("/connect/register", "/connect/register", {}),
        ("/connect/register", "/connect/register/", None),
        ("/clients/{client_id}", "/clients/a.b%2F", {"client_id": "a.b%2F"}),
        ("/clients/{client_id}", "/clients/", None),
        ("/clients/{client_id}", "/clients/a/b", None),
        ("/clients/{client_id}", "/clients/a\n", {"client_id": "a\n"}),
        ("/clients/{client_id}/secret", "/clients/a/secret", {"client_id": "a"}),
        ("/a.b/{client_id}", "/axb/c", None),
    ],
)
def test_a_path_is_matched_whole_and_a_parameter_is_one_segment(
    registrant: Registrant, template: str, path: str, parameters: dict[str, str] | None
) -> None:
    resource: Resource = resource_at(registrant.server, template, GET=_nothing)  # type: ignore[arg-type]  # never called
    assert resource.parameters(path) == parameters


@pytest.mark.parametrize(
    ("template", "segments", "parameters"),
    [
        ("/connect/register", "/connect/register", {}),
        ("/connect/register", "/connect/register/", None),
        ("/clients/{client_id}", "/clients/a%2Fb", {"client_id": "a/b"}),
        ("/clients/{client_id}", "/clients/a%252Fb", {"client_id": "a%2Fb"}),
        ("/clients/{client_id}", "/clients/", None),
        ("/clients/{client_id}", "/clients/a/b", None),
        ("/clients/{client_id}", "/others/a", None),
        ("/clients/{client_id}/secret", "/clients/a/secret", {"client_id": "a"}),
        ("/clients/{client_id}/secret", "/clients/a%2Fsecret", None),
        (
            "/clients/{client_id}/secret",
            "/clients/{client_id}/secret",
            {"client_id": "{client_id}"},
        ),
    ],
)
def test_an_encoded_slash_separates_nothing(
    registrant: Registrant, template: str, segments: str, parameters: dict[str, str] | None
) -> None:
    resource: Resource = resource_at(registrant.server, template, GET=_nothing)  # type: ignore[arg-type]  # never called
    assert resource.parameters_of([*map(unquote, segments.split("/"))]) == parameters


@pytest.mark.parametrize(
    "path", ["a%2Fb", "a%2fb", "%2F", "a%2F..%2Fb", "a%2Fsecret", "%C3%A9%2F%00", "a%20b"]
)
async def test_s102_a_client_id_of_any_spelling_is_unknown_like_any_other(
    registrant: Registrant, path: str
) -> None:
    client = await registrant.register()
    unknown = await registrant.read(f"{client.uri}x", client.token)
    answer = await registrant.read(f"/connect/register/{path}", client.token)
    assert (answer.status_code, answer.json()) == (401, unknown.json())
    assert answer.headers["www-authenticate"] == unknown.headers["www-authenticate"]


async def test_an_encoded_slash_does_not_lead_to_another_operation(registrant: Registrant) -> None:
    client = await registrant.register()
    answer = await registrant.http.post(f"{client.uri}%2Fsecret", headers=bearer(client.token))
    assert answer.status_code == 405


async def test_s010_another_method_is_405_with_all_of_the_path(registrant: Registrant) -> None:
    answer = await registrant.http.request("PATCH", "/connect/register/some-client")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, PUT, DELETE, HEAD"


@pytest.mark.parametrize(
    "path", ["/connect/register/", "/healthz/", "//healthz", "/Healthz", "/connect%2Fregister"]
)
async def test_another_path_is_404_and_nothing_is_redirected(
    registrant: Registrant, path: str
) -> None:
    answer = await registrant.http.get(f"https://auth.test{path}")
    assert answer.status_code == 404
    assert answer.json()["error"] == "invalid_request"


async def test_head_is_answered_like_get(registrant: Registrant) -> None:
    answer = await registrant.http.head("/healthz")
    assert answer.status_code == 200
