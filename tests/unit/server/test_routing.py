import pytest

from dcr_server.routing import Resource, resource_at
from tests.unit.server.registrant import Registrant


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


async def test_s010_another_method_is_405_with_all_of_the_path(registrant: Registrant) -> None:
    answer = await registrant.http.request("PATCH", "/connect/register/some-client")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, PUT, DELETE, HEAD"


@pytest.mark.parametrize("path", ["/connect/register/", "/healthz/", "//healthz", "/Healthz"])
async def test_another_path_is_404_and_nothing_is_redirected(
    registrant: Registrant, path: str
) -> None:
    answer = await registrant.http.get(f"https://auth.test{path}")
    assert answer.status_code == 404
    assert answer.json()["error"] == "invalid_request"


async def test_head_is_answered_like_get(registrant: Registrant) -> None:
    answer = await registrant.http.head("/healthz")
    assert answer.status_code == 200
