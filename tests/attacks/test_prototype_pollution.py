"""Names that mean something to an object model, a template or a database mean nothing here."""

import pytest

from dcr_protocol.client_metadata import ClientMetadata
from dcr_protocol.json_document import JsonValue
from tests.unit.server.registrant import MACHINE, Registrant

NAMES = [
    "__proto__",
    "constructor",
    "prototype",
    "constructor.prototype",
    "hasOwnProperty",
    "toString",
    "__class__",
    "__dict__",
    "__init__",
    "__globals__",
    "__reduce__",
    "__pydantic_fields__",
    "__pydantic_extra__",
    "__pydantic_private__",
    "__fields_set__",
    "model_config",
    "model_fields",
    "model_copy",
    "to_wire",
    "localized",
    "$ref",
    "$where",
    "$gt",
    "@type",
    "self",
    "cls",
    "",
    " ",
    "client_name ",
    "client_name[]",
    "client_name.x",
    "Client_Name",
    "CLIENT_NAME",
    "clientName",
    "is_admin",
    "policy",
    "owner",
    "subject",
    "credentials",
    "issued_at",
    "expires_at",
    "secret_hash",
    "token_hash",
    "max_clients",
    "client_id#de",
    "client_secret#de",
    "redirect_uris#de",
    "grant_types#de",
    "__proto__#de",
    "#de",
    "client_name#",
    "client_name##de",
    "client_name#de#fr",
    "client_name#../../x",
]
VALUES: list[JsonValue] = ["x", 1, True, {"isAdmin": True}, ["x"], {"__proto__": {"x": 1}}]


@pytest.mark.parametrize("name", NAMES)
async def test_s020_an_unknown_member_changes_nothing_and_does_not_come_back(
    registrant: Registrant, name: str
) -> None:
    plain = await registrant.register()
    for value in VALUES:
        client = await registrant.register({**MACHINE, name: value})
        assert client.document.keys() == plain.document.keys()
        read = (await registrant.read(client.uri, client.token)).json()
        assert name not in read
        updated = await registrant.put(client, {**MACHINE, name: value})
        assert updated.json().keys() == read.keys()


async def test_the_model_is_what_it_was(registrant: Registrant) -> None:
    before = dict(ClientMetadata.model_fields), ClientMetadata.model_config
    for name in NAMES:
        await registrant.post({**MACHINE, name: {"default": "polluted"}})
    assert (dict(ClientMetadata.model_fields), ClientMetadata.model_config) == before
    assert (await registrant.register()).document.get("client_name") is None


@pytest.mark.parametrize("name", ["__proto__", "constructor", "__class__", "$ref", "", "kty#de"])
async def test_odd_names_in_a_key_come_back_as_data(registrant: Registrant, name: str) -> None:
    key: dict[str, JsonValue] = {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43}
    response = await registrant.post({**MACHINE, "jwks": {"keys": [{**key, name: "x"}]}})
    assert response.status_code in {201, 400}
    if response.status_code == 201:
        assert response.json()["jwks"]["keys"][0][name] == "x"
