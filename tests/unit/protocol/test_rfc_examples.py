"""The examples of the standards, as JSON under tests/data, named by section."""

import json
from pathlib import Path

import pytest
from pydantic import JsonValue

from dcr_protocol.client_information import (
    client_information_document,
    parse_client_information_response,
)
from dcr_protocol.client_metadata import parse_client_metadata
from dcr_protocol.client_update import check_update_request
from dcr_protocol.json_document import parse_json_object
from dcr_protocol.response_errors import RequestRefused
from dcr_protocol.rules import check_client_metadata
from dcr_protocol.server_metadata import parse_server_metadata

DATA = Path(__file__).parents[2] / "data"

REQUESTS = [
    "rfc7591/3.1-client-registration-request",
    "rfc7591/3.1-client-registration-request-with-jwks",
    "openid_registration/3.1-client-registration-request",
]
RESPONSES = [
    "rfc7591/3.2.1-client-information-response",
    "rfc7592/3-client-information-response",
    "openid_registration/3.2-client-registration-response",
]


def example(name: str) -> bytes:
    return (DATA / f"{name}.json").read_bytes()


def without_extension(name: str) -> dict[str, JsonValue]:
    document = parse_json_object(example(name))
    document.pop("example_extension_parameter", None)
    return document


@pytest.mark.parametrize("name", REQUESTS)
def test_a_registration_request_is_accepted_and_its_extension_dropped(name: str) -> None:
    sent = without_extension(name)
    registered = check_client_metadata(parse_client_metadata(parse_json_object(example(name))))
    assert sent.items() <= registered.to_wire().items()
    added = registered.to_wire().keys() - sent.keys()
    assert added <= {"grant_types", "response_types", "application_type"}


@pytest.mark.parametrize("name", RESPONSES)
def test_a_client_information_response_is_read_without_loss(name: str) -> None:
    information = parse_client_information_response(201, {}, example(name))
    assert information.client_id == "s6BhdRkqt3"
    assert information.deviations == ()
    assert client_information_document(information) == parse_json_object(example(name))


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("rfc7591/3.2.2-error-invalid-redirect-uri", "invalid_redirect_uri"),
        ("rfc7591/3.2.2-error-invalid-client-metadata", "invalid_client_metadata"),
    ],
)
def test_an_error_response_is_read(name: str, code: str) -> None:
    with pytest.raises(RequestRefused) as caught:
        parse_client_information_response(400, {}, example(name))
    assert caught.value.code == code
    assert caught.value.description == json.loads(example(name))["error_description"]


def test_an_update_request_is_accepted() -> None:
    document = parse_json_object(example("rfc7592/2.2-client-update-request"))
    secret = check_update_request(document, "s6BhdRkqt3")
    assert secret is not None
    assert secret.get_secret_value() == document["client_secret"]
    registered = check_client_metadata(parse_client_metadata(document))
    assert registered.localized == {
        "client_name#fr": "Mon Nouvel Exemple",
        "logo_uri#fr": "https://client.example.org/fr/newlogo.png",
    }


def test_authorization_server_metadata_is_read() -> None:
    name = "rfc8414/3.2-authorization-server-metadata-response"
    metadata = parse_server_metadata("https://server.example.com", 200, example(name))
    assert metadata.registration_endpoint == "https://server.example.com/register"
    assert metadata.token_endpoint_auth_methods_supported == (
        "client_secret_basic",
        "private_key_jwt",
    )
