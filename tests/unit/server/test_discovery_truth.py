"""Discovery tells the truth: what it names is tried, and what is served is named."""

import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio
from joserfc import jwt
from joserfc.jwk import KeySet

from dcr_protocol.json_document import JsonValue
from tests.unit.server.machine import Machine, machine_at
from tests.unit.server.metadata_examples import ALL_THERE_IS, WEB
from tests.unit.server.registrant import MACHINE, Registrant, bearer, registrant_at

DOCUMENTS = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")
Document = Mapping[str, JsonValue]

# What clients do not look for in discovery, or are led to by something that is there.
FOUND_OTHERWISE = {
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
    "/connect/register/{client_id}",
    "/connect/register/{client_id}/secret",
    "/healthz",
    "/readyz",
    "/openapi.json",
}
GRANT_TYPES = [
    "authorization_code",
    "implicit",
    "password",
    "client_credentials",
    "refresh_token",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "urn:ietf:params:oauth:grant-type:saml2-bearer",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:token-exchange",
    "urn:openid:params:grant-type:ciba",
]


@pytest_asyncio.fixture
async def registrant(tmp_path: Path) -> AsyncIterator[Registrant]:
    policy = ALL_THERE_IS.model_copy(update={"scopes": ("a", "b", "orders.*")})
    async with registrant_at(tmp_path, policies={"all": policy}) as registrant:
        yield registrant


@pytest_asyncio.fixture(params=DOCUMENTS)
async def document(registrant: Registrant, request: pytest.FixtureRequest) -> Document:
    found: Document = (await registrant.http.get(request.param)).json()
    return found


def listed(document: Document, member: str) -> list[str]:
    values = document.get(member, [])
    assert isinstance(values, list)
    return [str(value) for value in values]


async def token_of(machine: Machine) -> str:
    response = await machine.get_token()
    assert response.status_code == 200, response.text
    return str(response.json()["access_token"])


async def prove_issuer(registrant: Registrant, document: Document) -> None:
    assert document["issuer"] == registrant.server.urls.issuer


async def prove_registration_endpoint(registrant: Registrant, document: Document) -> None:
    response = await registrant.http.post(
        str(document["registration_endpoint"]),
        json=dict(MACHINE),
        headers=bearer(registrant.initial_access_token),
    )
    assert response.status_code == 201


async def prove_token_endpoint(registrant: Registrant, document: Document) -> None:
    machine = await machine_at(registrant, "client_secret_basic")
    response = await machine.post(
        str(document["token_endpoint"]), grant_type="client_credentials", scope="a"
    )
    assert response.json()["scope"] == "a"


async def prove_jwks_uri(registrant: Registrant, document: Document) -> None:
    keys = KeySet.import_key_set((await registrant.http.get(str(document["jwks_uri"]))).json())
    token = await token_of(await machine_at(registrant, "client_secret_basic"))
    decoded = jwt.decode(token, keys, algorithms=["ES256", "RS256"])
    assert decoded.claims["iss"] == document["issuer"]


async def prove_introspection_endpoint(registrant: Registrant, document: Document) -> None:
    for method in listed(document, "introspection_endpoint_auth_methods_supported"):
        machine = await machine_at(registrant, method)
        token = await token_of(machine)
        answer = await machine.post(str(document["introspection_endpoint"]), token=token)
        assert answer.json()["active"] is True


async def prove_revocation_endpoint(registrant: Registrant, document: Document) -> None:
    for method in listed(document, "revocation_endpoint_auth_methods_supported"):
        machine = await machine_at(registrant, method)
        token = await token_of(machine)
        revoked = await machine.post(str(document["revocation_endpoint"]), token=token)
        assert revoked.status_code == 200
        answer = await machine.post(str(document["introspection_endpoint"]), token=token)
        assert answer.json() == {"active": False}


async def prove_auth_methods(registrant: Registrant, document: Document) -> None:
    for method in listed(document, "token_endpoint_auth_methods_supported"):
        await token_of(await machine_at(registrant, method))


async def prove_signing_algorithms(registrant: Registrant, document: Document) -> None:
    for algorithm in listed(document, "token_endpoint_auth_signing_alg_values_supported"):
        await token_of(await machine_at(registrant, "private_key_jwt", algorithm))


async def prove_scopes(registrant: Registrant, document: Document) -> None:
    wanted = " ".join(listed(document, "scopes_supported"))
    assert wanted == "a b"
    assert (await registrant.register({**MACHINE, "scope": wanted}))["scope"] == wanted


async def prove_subject_types(registrant: Registrant, document: Document) -> None:
    for subject_type in listed(document, "subject_types_supported"):
        assert (await registrant.register({**WEB, "subject_type": subject_type})).document


async def prove_idempotency(registrant: Registrant, document: Document) -> None:
    assert document["registration_idempotency_supported"] is True
    first, again = [await registrant.register(Idempotency_Key="once") for _ in range(2)]
    assert first["client_id"] == again["client_id"]


async def prove_secret_rotation(registrant: Registrant, document: Document) -> None:
    assert document["registration_client_secret_rotation_supported"] is True
    client = await registrant.register()
    rotated = await registrant.http.post(f"{client.uri}/secret", headers=bearer(client.token))
    assert rotated.json()["client_secret"] != client["client_secret"]


def holds(member: str, *values: str) -> "Proof":
    async def prove(_registrant: Registrant, document: Document) -> None:
        assert listed(document, member) == [*values]

    return prove


def equals(member: str, other: str) -> "Proof":
    async def prove(_registrant: Registrant, document: Document) -> None:
        assert document[member] == document[other]

    return prove


Proof = Callable[[Registrant, Document], Awaitable[None]]
_ALGORITHMS: Final = "token_endpoint_auth_signing_alg_values_supported"

PROOFS: Final[Mapping[str, Proof]] = {
    "issuer": prove_issuer,
    "registration_endpoint": prove_registration_endpoint,
    "token_endpoint": prove_token_endpoint,
    "jwks_uri": prove_jwks_uri,
    "introspection_endpoint": prove_introspection_endpoint,
    "revocation_endpoint": prove_revocation_endpoint,
    "grant_types_supported": holds("grant_types_supported", "client_credentials"),
    "response_types_supported": holds("response_types_supported"),
    "response_modes_supported": holds("response_modes_supported"),
    "token_endpoint_auth_methods_supported": prove_auth_methods,
    _ALGORITHMS: prove_signing_algorithms,
    # The proofs of the endpoints try each method; what verifies is the same for all three.
    "introspection_endpoint_auth_methods_supported": prove_introspection_endpoint,
    "introspection_endpoint_auth_signing_alg_values_supported": equals(
        "introspection_endpoint_auth_signing_alg_values_supported", _ALGORITHMS
    ),
    "revocation_endpoint_auth_methods_supported": prove_revocation_endpoint,
    "revocation_endpoint_auth_signing_alg_values_supported": equals(
        "revocation_endpoint_auth_signing_alg_values_supported", _ALGORITHMS
    ),
    "scopes_supported": prove_scopes,
    "registration_idempotency_supported": prove_idempotency,
    "registration_client_secret_rotation_supported": prove_secret_rotation,
    "subject_types_supported": prove_subject_types,
    # S-185: required by OpenID, though no ID Token is issued.
    "id_token_signing_alg_values_supported": holds(
        "id_token_signing_alg_values_supported", "RS256"
    ),
}


async def test_s180_s187_what_is_advertised_is_served(
    registrant: Registrant, document: Document
) -> None:
    assert document.keys() <= PROOFS.keys(), "advertised: add to PROOFS how it is tried"
    for member in document:
        await PROOFS[member](registrant, document)


async def test_s180_s187_what_is_served_is_advertised(
    registrant: Registrant, document: Document
) -> None:
    served = {resource.path for resource in registrant.app.resources}
    told = {str(value).removeprefix("https://auth.test") for value in document.values()}
    assert served - told <= FOUND_OTHERWISE
    assert document["registration_endpoint"] == "https://auth.test/connect/register"


@pytest.mark.parametrize("grant_type", GRANT_TYPES)
async def test_s187_a_grant_type_is_advertised_or_not_supported(
    registrant: Registrant, document: Document, grant_type: str
) -> None:
    machine = await machine_at(registrant, "client_secret_basic")
    response = await machine.post("/token", grant_type=grant_type)
    is_supported = response.json().get("error") != "unsupported_grant_type"
    assert is_supported == (grant_type in listed(document, "grant_types_supported"))


@pytest.mark.parametrize("method", ALL_THERE_IS.token_endpoint_auth_methods)
async def test_s187_an_authentication_method_is_advertised_or_not_registered_for_a_grant_served(
    registrant: Registrant, document: Document, method: str
) -> None:
    keys: dict[str, JsonValue] = {
        "jwks": {"keys": [{"kty": "RSA", "n": "u7Rl3w", "e": "AQAB", "x5c": ["u7Rl3w=="]}]},
        "tls_client_auth_san_dns": "app.example",
    }
    members = {} if method == "none" else keys
    response = await registrant.post({**MACHINE, **members, "token_endpoint_auth_method": method})
    is_advertised = method in listed(document, "token_endpoint_auth_methods_supported")
    assert (response.status_code == 201) == is_advertised, response.text


@pytest.mark.parametrize("path", ["/authorize", "/par", "/bc-authorize", "/userinfo", "/logout"])
async def test_s187_there_are_no_endpoints_for_people(
    registrant: Registrant, document: Document, path: str
) -> None:
    assert (await registrant.http.get(path)).status_code == 404
    assert not [member for member, value in document.items() if str(value).endswith(path)]


async def test_s187_a_proof_of_possession_does_not_bind_a_token(
    registrant: Registrant, document: Document
) -> None:
    assert "dpop_signing_alg_values_supported" not in document
    client = await registrant.register()
    response = await registrant.http.post(
        "/token",
        data={"grant_type": "client_credentials"},
        auth=client.basic,
        headers={"DPoP": "eyJhbGciOiJFUzI1NiJ9.e30.c2ln"},
    )
    assert response.json()["token_type"] == "Bearer"
    _, claims, _ = response.json()["access_token"].split(".")
    # RFC 9449 §6.1: a bound token names the key.
    assert b"cnf" not in base64.urlsafe_b64decode(claims + "==")
