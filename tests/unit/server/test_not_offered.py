"""Profiles that the server does not claim: what happens to who uses them all the same."""

import base64
import json

import pytest

from dcr_protocol.json_document import JsonValue
from tests.unit.server.registrant import MACHINE, Registrant, bearer

DOCUMENTS = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:"
WEB: dict[str, JsonValue] = {"redirect_uris": ["https://app.example.com/cb"]}
DOCUMENT_AS_CLIENT_ID = "https://app.example.com/client.json"


def unsigned_jwt(**claims: JsonValue) -> str:
    parts = ({"alg": "RS256", "typ": "JWT", "kid": "x"}, claims)
    encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts)
    return ".".join([*(part.rstrip("=") for part in encoded), "c2lnbmF0dXJl"])


JWT_SVID = unsigned_jwt(sub="spiffe://example.org/ns/a/sa/b", aud=["https://auth.test"], exp=2**40)


@pytest.mark.parametrize("path", DOCUMENTS)
async def test_s186_s194_s220_s222_nothing_of_them_is_advertised(
    registrant: Registrant, path: str
) -> None:
    advertised = (await registrant.http.get(path)).json()
    assert not {
        "mtls_endpoint_aliases",
        "tls_client_certificate_bound_access_tokens",
        "protected_resources",
        "client_id_metadata_document_supported",
    } & set(advertised)


async def test_s194_there_is_no_protected_resource(registrant: Registrant) -> None:
    response = await registrant.http.get("/.well-known/oauth-protected-resource")
    assert response.status_code == 404


@pytest.mark.parametrize("kind", ["jwt-spiffe", "jwt-bearer", "saml2-bearer", "unheard-of"])
async def test_s200_an_svid_authenticates_nobody(registrant: Registrant, kind: str) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE + kind,
        "client_assertion": JWT_SVID,
    }
    response = await registrant.http.post("/token", data=form)
    assert response.status_code in {400, 401}
    assert response.json()["error"] in {"invalid_client", "invalid_request"}


@pytest.mark.parametrize("path", DOCUMENTS)
@pytest.mark.parametrize(
    "method", ["spiffe_jwt", "spiffe_x509", "tls_client_auth", "self_signed_tls_client_auth"]
)
async def test_s200_s201_methods_of_workload_identity_are_neither_advertised_nor_registered(
    registrant: Registrant, path: str, method: str
) -> None:
    advertised = (await registrant.http.get(path)).json()
    assert method not in advertised["token_endpoint_auth_methods_supported"]
    response = await registrant.post({**MACHINE, "token_endpoint_auth_method": method})
    assert (response.status_code, response.json()["error"]) == (400, "invalid_client_metadata")


async def test_s201_a_spiffe_id_as_client_id_authenticates_nobody(registrant: Registrant) -> None:
    client = await registrant.register({**MACHINE, "spiffe_id": "spiffe://example.org/a"})
    form = {"grant_type": "client_credentials", "client_id": "spiffe://example.org/a"}
    assert (await registrant.http.post("/token", data=form)).json()["error"] == "invalid_client"
    assert (await registrant.get_token(client.basic)).status_code == 200


async def test_s202_s203_s204_a_bundle_is_a_text_that_is_kept_and_nothing_else(
    registrant: Registrant,
) -> None:
    # Nothing listens there: fetching it would fail, or be refused as a special-use address.
    members: dict[str, JsonValue] = {
        "spiffe_id": "spiffe://example.org/a",
        "spiffe_bundle_endpoint": "https://127.0.0.1:9/bundle",
    }
    client = await registrant.register({**MACHINE, **members})
    read = (await registrant.read(client.uri, client.token)).json()
    assert members.items() <= read.items()
    assert (await registrant.get_token(client.basic)).status_code == 200


@pytest.mark.parametrize(
    "subject", ["spiffe://example.org/ns/a/sa/b", "system:serviceaccount:team-a:default"]
)
async def test_s210_an_identity_of_a_workload_is_no_initial_access_token(
    registrant: Registrant, subject: str
) -> None:
    token = unsigned_jwt(
        iss="https://kubernetes.default.svc", sub=subject, aud=["https://auth.test"], exp=2**40
    )
    response = await registrant.post(token=token)
    assert (response.status_code, response.json()["error"]) == (401, "invalid_token")


@pytest.mark.parametrize("client_id", [DOCUMENT_AS_CLIENT_ID, "https://127.0.0.1:9/client"])
async def test_s220_s221_s222_a_url_as_client_id_authenticates_nobody(
    registrant: Registrant, client_id: str
) -> None:
    response = await registrant.get_token((client_id, "secret"))
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    form = {"grant_type": "client_credentials", "client_id": client_id}
    assert (await registrant.http.post("/token", data=form)).json()["error"] == "invalid_client"


async def test_s223_a_url_cannot_be_registered_as_client_id(registrant: Registrant) -> None:
    client = await registrant.register({**MACHINE, "client_id": DOCUMENT_AS_CLIENT_ID})
    assert client["client_id"].isalnum()


async def test_s221_lists_of_what_a_client_could_do_are_not_understood(
    registrant: Registrant,
) -> None:
    lists: dict[str, JsonValue] = {
        "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
        "id_token_signing_alg_values_supported": ["ES256"],
    }
    client = await registrant.register({**MACHINE, **lists})
    assert not lists.keys() & client.document.keys()


@pytest.mark.parametrize("content_type", ["application/jwt", "application/jose"])
async def test_s230_s231_s232_a_signed_jwt_is_no_body(
    registrant: Registrant, content_type: str
) -> None:
    body = unsigned_jwt(iss="software", redirect_uris=["https://app.example.com/cb"]).encode()
    client = await registrant.register(WEB)
    headers = {**bearer(client.token), "Content-Type": content_type}
    for response in (
        await registrant.post(body, Content_Type=content_type),
        await registrant.http.put(client.uri, content=body, headers=headers),
    ):
        assert (response.status_code, response.json()["error"]) == (415, "invalid_request")


async def test_s230_an_access_token_does_not_manage_a_registration(registrant: Registrant) -> None:
    client = await registrant.register()
    token = (await registrant.get_token(client.basic)).json()["access_token"]
    assert (await registrant.read(client.uri, token)).status_code == 401
    assert (await registrant.post(token=token)).status_code == 401
