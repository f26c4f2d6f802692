"""/openapi.json describes what is served: every path, every method, and nothing else."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any, cast

import jsonschema
import pytest
import schemathesis
from pydantic import SecretStr

from dcr_protocol.client_metadata import ClientMetadata
from dcr_protocol.errors import RegistrationErrorCode
from dcr_server import health
from dcr_server.admin.app import create_admin_app
from dcr_server.app import create_app
from dcr_server.openapi import openapi_document
from dcr_server.openapi_schemas import registration_request
from dcr_server.opening import admin_url
from dcr_server.routing import Application
from dcr_server.settings import Settings
from tests.unit.server.administrator import TOKEN
from tests.unit.server.registrant import MACHINE, Registrant, registrant_at
from tests.unit.server.strangers import OPEN, door_at

DATA = Path(__file__).parents[2] / "data"
EXAMPLES = json.loads(
    resources.files("dcr_server").joinpath("openapi_examples.json").read_text("utf-8")
)
TLS = {"tls_cert_file": "tls.crt", "tls_key_file": "tls.key"}
METHODS = {"get", "head", "put", "post", "delete", "patch", "options", "trace"}


def _admin_app(registrant: Registrant) -> Application:
    return create_admin_app(registrant.server, SecretStr(TOKEN), health.healthz)


def _served(app: Application) -> set[tuple[str, str]]:
    served = {(resource.path, method) for resource in app.resources for method in resource.methods}
    assert len(app.resources) == len({path for path, _ in served})
    return served


async def _document(registrant: Registrant) -> dict[str, Any]:
    response = await registrant.http.get("/openapi.json")
    assert response.status_code == 200
    document: dict[str, Any] = response.json()
    return document


def _described(document: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {
        (path, method.upper())
        for path, item in document["paths"].items()
        for method in METHODS & item.keys()
    }


def _operations(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for path, method in _described(document):
        yield document["paths"][path][method.lower()]


async def test_every_route_and_method_is_described_and_nothing_else(
    registrant: Registrant,
) -> None:
    served = _served(registrant.app) | _served(_admin_app(registrant))
    assert _described(await _document(registrant)) == served


async def test_where_a_path_is_served_is_told(registrant: Registrant) -> None:
    document = await _document(registrant)
    public = {path for path, _ in _served(registrant.app)}
    admin = {path for path, _ in _served(_admin_app(registrant))}
    for path, item in document["paths"].items():
        servers = {server["url"] for server in item.get("servers", document["servers"])}
        assert ("https://auth.test" in servers) == (path in public)
        assert ("http://127.0.0.1:8082" in servers) == (path in admin)


@pytest.mark.parametrize(
    ("settings", "url", "host"),
    [
        ({}, "http://127.0.0.1:8082", None),
        ({"admin_listen": "[::1]:9"}, "http://[::1]:9", None),
        ({"admin_listen": "10.0.0.7:9"}, "http://{host}:9", "127.0.0.1"),
        ({"admin_listen": "0.0.0.0:9", **TLS}, "https://{host}:9", "127.0.0.1"),
        ({"admin_listen": "off"}, None, None),
    ],
    ids=str,
)
async def test_the_admin_listener_is_where_it_is_configured_and_no_host_is_told(
    registrant: Registrant, settings: dict[str, str], url: str | None, host: str | None
) -> None:
    configured = Settings.model_validate(settings)
    server = replace(registrant.server, admin_url=admin_url(configured))
    paths: Any = openapi_document(server, registrant.app.resources)["paths"]
    if url is None:
        assert not [path for path in paths if path.startswith("/admin")]
        assert len(paths["/healthz"]["servers"]) == 1
        return
    (listener,) = paths["/admin/clients"]["servers"]
    assert paths["/healthz"]["servers"][1] == listener
    assert listener["url"] == url
    assert listener.get("variables", {}).get("host", {}).get("default") == host
    assert "10.0.0.7" not in json.dumps(paths)


async def test_it_is_openapi_3_1_to_others(registrant: Registrant) -> None:
    document = await _document(registrant)
    assert document["openapi"].startswith("3.1")
    schemathesis.openapi.from_dict(document).validate()
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


async def test_operations_have_names_of_their_own(registrant: Registrant) -> None:
    document = await _document(registrant)
    names = [operation["operationId"] for operation in _operations(document)]
    assert sorted(set(names)) == sorted(names)


async def test_nothing_is_kept_that_no_operation_refers_to(registrant: Registrant) -> None:
    document = await _document(registrant)
    components = document["components"]
    text = json.dumps(document)
    for kind in ("schemas", "parameters", "responses", "headers"):
        for name in components[kind]:
            assert f'"#/components/{kind}/{name}"' in text
    used = {
        name for one in _operations(document) for entry in one.get("security", ()) for name in entry
    }
    assert used == set(components["securitySchemes"])


async def test_every_reference_leads_somewhere(registrant: Registrant) -> None:
    document = await _document(registrant)

    def references(value: object) -> Iterator[str]:
        if isinstance(value, dict):
            yield from [str(value["$ref"])] if "$ref" in value else []
            value = list(value.values())
        for child in value if isinstance(value, list) else ():
            yield from references(child)

    for found in set(references(document)):
        place: Any = document
        for step in found.removeprefix("#/").split("/"):
            place = place[step]


async def test_urls_follow_an_issuer_with_a_path(tmp_path: Path) -> None:
    async with registrant_at(tmp_path, issuer="https://auth.test/tenant") as registrant:
        document = (await registrant.http.get("https://auth.test/openapi.json")).json()
    assert document["servers"] == [{"url": "https://auth.test/tenant"}]
    paths = document["paths"]
    assert "servers" not in paths["/connect/register"]
    for path in ("/healthz", "/openapi.json", "/.well-known/oauth-authorization-server/tenant"):
        assert paths[path]["servers"][0] == {"url": "https://auth.test"}


async def test_whether_a_registration_needs_a_token_is_told(tmp_path: Path) -> None:
    needed: list[dict[str, list[str]]] = [{"initialAccessToken": []}]
    for opened, security in ((None, needed), (OPEN, [*needed, {}])):
        async with door_at(tmp_path, opened=opened) as door:
            resources = create_app(door.server).resources
            paths = cast("Any", openapi_document(door.server, resources)["paths"])
            assert paths["/connect/register"]["post"]["security"] == security


def test_the_request_is_described_from_the_model() -> None:
    described = registration_request()["properties"]
    assert isinstance(described, dict)
    assert set(described) == set(ClientMetadata.model_fields) - {"localized"}


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("registration_request", "rfc7591/3.1-client-registration-request"),
        ("update_request", "rfc7592/2.2-client-update-request"),
        ("client_information", "rfc7592/3-client-information-response"),
    ],
)
async def test_the_examples_are_those_of_the_rfcs_and_fit_their_schemas(
    registrant: Registrant, name: str, file: str
) -> None:
    example = EXAMPLES[name]
    assert example == json.loads((DATA / f"{file}.json").read_bytes())
    document = await _document(registrant)
    shown = [
        content
        for operation in _operations(document)
        for place in (operation.get("requestBody", {}), *operation["responses"].values())
        for content in place.get("content", {}).values()
        if content.get("example") == example
    ]
    assert shown
    for content in shown:
        _check(document, content["schema"], example)


async def test_real_answers_fit_their_schemas(registrant: Registrant) -> None:
    document = await _document(registrant)
    client = await registrant.register({**MACHINE, "client_name#de": "Bär", "unknown": 1})
    _check(document, {"$ref": "#/components/schemas/ClientInformation"}, client.document)
    refused = await registrant.post(b"{")
    _check(document, {"$ref": "#/components/schemas/Error"}, refused.json())
    for path in ("openid-configuration", "oauth-authorization-server"):
        served = (await registrant.http.get(f"/.well-known/{path}")).json()
        _check(document, {"$ref": "#/components/schemas/AuthorizationServerMetadata"}, served)
    keys = (await registrant.http.get("/jwks")).json()
    _check(document, {"$ref": "#/components/schemas/JwkSet"}, keys)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"client_name": 1}, id="a number for a name"),
        pytest.param({"redirect_uris": "https://a.example"}, id="no array"),
        pytest.param({"grant_types": [None]}, id="null in an array"),
        pytest.param({"client_name": "a\nb"}, id="a control character"),
        pytest.param({"default_max_age": -1}, id="a negative age"),
        pytest.param({"client_name#de": 1}, id="a number in another language"),
    ],
)
async def test_what_the_schema_forbids_is_refused(
    registrant: Registrant, body: Mapping[str, Any]
) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(body, registration_request())
    assert (await registrant.post({**MACHINE, **body})).status_code == 400


async def test_every_error_code_is_described(registrant: Registrant) -> None:
    error = (await _document(registrant))["components"]["schemas"]["Error"]
    assert error["properties"]["error"]["enum"] == [code.value for code in RegistrationErrorCode]


def _check(document: Mapping[str, Any], schema: Mapping[str, Any], value: object) -> None:
    jsonschema.validate(value, {**schema, "components": document["components"]})
