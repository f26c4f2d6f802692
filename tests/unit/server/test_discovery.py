"""RFC 8414 and OpenID Connect Discovery: S-180 to S-185, and that nothing is promised in vain."""

from pathlib import Path

import pytest

from dcr_protocol.server_metadata import discovery_urls, parse_server_metadata
from dcr_server.policies import Policy
from tests.unit.server.registrant import MACHINE, Registrant, registrant_at

ENDPOINTS = (
    "registration_endpoint",
    "token_endpoint",
    "introspection_endpoint",
    "revocation_endpoint",
)
ISSUERS = ["https://auth.test", "https://auth.test/", "https://auth.test/tenants/a"]


@pytest.mark.parametrize("issuer", ISSUERS)
async def test_s181_both_documents_are_where_clients_look(tmp_path: Path, issuer: str) -> None:
    async with registrant_at(tmp_path, issuer=issuer) as registrant:
        for url in discovery_urls(issuer):
            response = await registrant.http.get(url)
            metadata = parse_server_metadata(issuer, response.status_code, response.content)
            # S-182: identical, trailing slash included.
            assert metadata.issuer == issuer
            assert metadata.registration_idempotency_supported is True


@pytest.mark.parametrize("issuer", ISSUERS)
async def test_every_advertised_endpoint_is_there(tmp_path: Path, issuer: str) -> None:
    async with registrant_at(tmp_path, issuer=issuer) as registrant:
        metadata = (await registrant.http.get(discovery_urls(issuer)[0])).json()
        assert (await registrant.http.get(metadata["jwks_uri"])).status_code == 200
        for endpoint in ENDPOINTS:
            assert (await registrant.http.post(metadata[endpoint])).status_code in {401, 415}


async def test_a_client_registers_and_reads_below_an_issuer_with_a_path(tmp_path: Path) -> None:
    issuer = "https://auth.test/tenants/a"
    async with registrant_at(tmp_path, issuer=issuer) as registrant:
        response = await registrant.http.post(
            f"{issuer}/connect/register",
            json=dict(MACHINE),
            headers={"Authorization": f"Bearer {registrant.initial_access_token}"},
        )
        client = response.json()
        read = await registrant.read(
            client["registration_client_uri"], client["registration_access_token"]
        )
        assert read.status_code == 200


async def test_s183_members_with_a_misleading_default_are_there(registrant: Registrant) -> None:
    document = (await registrant.http.get("/.well-known/oauth-authorization-server")).json()
    assert document["grant_types_supported"] == ["client_credentials"]
    for endpoint in ("token", "introspection", "revocation"):
        assert document[f"{endpoint}_endpoint_auth_methods_supported"] == [
            "client_secret_basic",
            "client_secret_post",
            "private_key_jwt",
        ]
    assert document["response_types_supported"] == []
    assert document["response_modes_supported"] == []


async def test_s184_signing_algorithms_are_listed_none_is_not_among_them(
    registrant: Registrant,
) -> None:
    document = (await registrant.http.get("/.well-known/oauth-authorization-server")).json()
    for endpoint in ("token", "introspection", "revocation"):
        algorithms = document[f"{endpoint}_endpoint_auth_signing_alg_values_supported"]
        assert {"ES256", "RS256", "PS256"} <= set(algorithms)
        assert not [name for name in algorithms if name == "none" or name.startswith("HS")]


async def test_what_is_not_served_is_not_advertised(registrant: Registrant) -> None:
    document = (await registrant.http.get("/.well-known/openid-configuration")).json()
    assert not {
        "authorization_endpoint",
        "userinfo_endpoint",
    } & set(document)


async def test_s185_openid_requires_these(registrant: Registrant) -> None:
    document = (await registrant.http.get("/.well-known/openid-configuration")).json()
    assert document["subject_types_supported"] == ["public", "pairwise"]
    assert "RS256" in document["id_token_signing_alg_values_supported"]


async def test_scopes_that_policies_name_are_listed(tmp_path: Path) -> None:
    policies = {"a": Policy(scopes=("b", "c.*")), "b": Policy(scopes=("a",))}
    async with registrant_at(tmp_path, policies=policies) as registrant:
        document = (await registrant.http.get("/.well-known/openid-configuration")).json()
        assert document["scopes_supported"] == ["a", "b"]


async def test_public_documents_may_be_cached(registrant: Registrant) -> None:
    for path in ("/jwks", "/.well-known/openid-configuration"):
        assert "public" in (await registrant.http.get(path)).headers["cache-control"]
