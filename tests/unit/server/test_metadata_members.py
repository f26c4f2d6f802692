"""Every member of client metadata through the whole life of a client, and refused when bad."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from dcr_protocol.client_metadata import ClientMetadata
from dcr_protocol.json_document import JsonValue, parse_json_object
from tests.unit.server.metadata_examples import (
    ALL_THERE_IS,
    BAD_VALUES,
    EXAMPLES,
    WEB,
    WITH_TESTS_OF_THEIR_OWN,
    Document,
    Example,
)
from tests.unit.server.registrant import Registered, Registrant, registrant_at

# Hundreds of cases: one server for all of them, as clients do not touch each other.
pytestmark = pytest.mark.asyncio(loop_scope="module")

DATA = Path("tests/data")
# What is provisioned when a PUT leaves it out.
DEFAULTS: Document = {
    "token_endpoint_auth_method": "client_secret_basic",
    "grant_types": ["authorization_code"],
    "response_types": ["code"],
    "application_type": "web",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def registrant(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Registrant]:
    folder = tmp_path_factory.mktemp("members")
    async with registrant_at(folder, policies={"all": ALL_THERE_IS}) as registrant:
        yield registrant


async def test_every_member_that_we_understand_has_an_example() -> None:
    shown = {example.member.partition("#")[0] for example in EXAMPLES}
    assert shown | WITH_TESTS_OF_THEIR_OWN == ClientMetadata.model_fields.keys() - {"localized"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.member)
async def test_s085_s110_s125_s162_a_member_comes_back_from_post_get_put_and_get(
    registrant: Registrant, example: Example
) -> None:
    sent = example.document
    client = await registrant.register(sent)
    assert sent.items() <= client.document.items()
    read = (await registrant.read(client.uri, client.token)).json()
    assert sent.items() <= read.items()
    updated = Registered((await registrant.put(client, sent)).json())
    assert sent.items() <= updated.document.items()
    again = (await registrant.read(client.uri, updated.token)).json()
    assert again == updated.document


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.member)
async def test_s121_an_update_without_a_member_deletes_it(
    registrant: Registrant, example: Example
) -> None:
    client = await registrant.register(example.document)
    updated = (await registrant.put(client, WEB)).json()
    expected = (DEFAULTS | WEB).get(example.member)
    assert updated.get(example.member) == expected


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.member)
async def test_s026_null_and_the_empty_string_are_omissions_and_delete(
    registrant: Registrant, example: Example
) -> None:
    client = await registrant.register(example.document)
    for nothing in (None, ""):
        updated = await registrant.put(client, {**WEB, example.member: nothing})
        if example.member == "redirect_uris":
            assert updated.json()["error"] == "invalid_redirect_uri"
        else:
            assert updated.json().get(example.member) == DEFAULTS.get(example.member)


def of_another_type(value: JsonValue) -> Iterator[JsonValue]:
    yield from (other for other in ("text", True, 1, 1.5) if type(other) is not type(value))
    if not isinstance(value, dict):
        yield {"keys": []}
    of_others: list[JsonValue] = [[1], [None], [["text"]], [{}]]
    of_text: list[JsonValue] = [["text"]]
    yield from of_others if isinstance(value, list) else of_text


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.member)
async def test_s027_a_member_of_another_type_is_refused_by_post_and_put(
    registrant: Registrant, example: Example
) -> None:
    client = await registrant.register(example.document)
    code = "redirect_uri" if example.member == "redirect_uris" else "client_metadata"
    for wrong in of_another_type(example.value):
        document = {**example.document, example.member: wrong}
        for response in (await registrant.post(document), await registrant.put(client, document)):
            assert (response.status_code, response.json()["error"]) == (400, f"invalid_{code}")
    read = (await registrant.read(client.uri, client.token)).json()
    assert example.document.items() <= read.items()


@pytest.mark.parametrize(
    "members", [bad for _, bad in BAD_VALUES], ids=[name for name, _ in BAD_VALUES]
)
async def test_s021_s173_a_bad_value_is_refused_by_post_and_put(
    registrant: Registrant, members: Document
) -> None:
    client = await registrant.register(WEB)
    for response in (
        await registrant.post({**WEB, **members}),
        await registrant.put(client, {**WEB, **members}),
    ):
        assert response.status_code == 400
        assert response.json()["error"] == "invalid_client_metadata"


@pytest.mark.parametrize(
    "name",
    [
        "rfc7591/3.1-client-registration-request",
        "rfc7591/3.1-client-registration-request-with-jwks",
    ],
)
async def test_the_examples_of_rfc_7591_are_registered_without_their_extension(
    registrant: Registrant, name: str
) -> None:
    body = (DATA / f"{name}.json").read_bytes()
    response = await registrant.post(body)
    expected = parse_json_object(body)
    assert expected.pop("example_extension_parameter")
    assert response.status_code == 201
    assert expected.items() <= response.json().items()
    assert "example_extension_parameter" not in response.json()


@pytest.mark.parametrize(
    "member", ["dpop_bound_access_tokens", "tls_client_certificate_bound_access_tokens"]
)
async def test_bound_tokens_are_refused_where_this_server_would_issue_bearer_tokens(
    registrant: Registrant, member: str
) -> None:
    machine: Document = {"grant_types": ["client_credentials"]}
    refused = await registrant.post({**machine, member: True})
    assert refused.json()["error"] == "invalid_client_metadata"
    assert member in refused.json()["error_description"]
    await registrant.register({**machine, member: False})
