import base64

import pytest
from pydantic import JsonValue

from dcr_protocol.client_keys import SECRET_KEY_MEMBERS
from dcr_protocol.errors import InvalidClientMetadata
from tests.unit.protocol.registration_requests import (
    EC_KEY,
    PUBLIC_JWKS,
    RSA_KEY,
    checked,
    machine_client,
    web_client,
)

Document = dict[str, JsonValue]
MODULUS = base64.urlsafe_b64decode("u7Rl3w==")
# Not a certificate, but with the modulus inside, which is all that is compared.
CERTIFICATE = base64.b64encode(b"0\x82" + MODULUS + b"\x01").decode()


def refused(document: Document, description: str) -> None:
    with pytest.raises(InvalidClientMetadata, match=description):
        checked(document)


def accepted(document: Document) -> None:
    assert document.items() <= checked(document).to_wire().items()


def keys(*members: Document, method: str = "private_key_jwt") -> Document:
    return machine_client(token_endpoint_auth_method=method, jwks={"keys": list(members)})


def test_s060_jwks_and_jwks_uri_together_are_refused() -> None:
    both = web_client(jwks=PUBLIC_JWKS, jwks_uri="https://a.example/jwks")
    refused(both, "must not be used together")


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"token_endpoint_auth_method": "private_key_jwt"}, "private_key_jwt"),
        ({"token_endpoint_auth_method": "self_signed_tls_client_auth"}, "self_signed"),
        ({"request_object_signing_alg": "PS256"}, "request_object_signing_alg"),
        ({"backchannel_authentication_request_signing_alg": "ES256"}, "backchannel_authentication"),
        ({"id_token_encrypted_response_alg": "RSA-OAEP-256"}, "id_token_encrypted"),
        ({"userinfo_encrypted_response_alg": "ECDH-ES+A128KW"}, "userinfo_encrypted"),
        ({"authorization_encrypted_response_alg": "RSA-OAEP"}, "authorization_encrypted"),
        ({"introspection_encrypted_response_alg": "ECDH-ES"}, "introspection_encrypted"),
    ],
)
def test_s061_what_uses_the_clients_keys_needs_them(members: Document, reason: str) -> None:
    refused(web_client(**members), f"{reason}.* needs jwks or jwks_uri")
    refused(web_client(**members, jwks={"keys": []}), f"{reason}.* needs jwks or jwks_uri")
    accepted(web_client(**members, jwks_uri="https://a.example/jwks"))
    accepted(web_client(**members, jwks={"keys": [RSA_KEY | {"x5c": [CERTIFICATE]}]}))


@pytest.mark.parametrize(
    "members",
    [
        {"request_object_signing_alg": "none"},
        {"request_object_signing_alg": "HS256"},
        {"id_token_encrypted_response_alg": "dir"},
        {"userinfo_encrypted_response_alg": "A128KW"},
        {"token_endpoint_auth_method": "client_secret_jwt"},
    ],
)
def test_s061_what_uses_the_secret_needs_no_keys(members: Document) -> None:
    accepted(web_client(**members))


def test_s061_self_signed_certificates_come_with_the_keys() -> None:
    refused(keys(RSA_KEY, method="self_signed_tls_client_auth"), "every key of jwks needs x5c")


@pytest.mark.parametrize("member", sorted(SECRET_KEY_MEMBERS))
@pytest.mark.parametrize("key", [RSA_KEY, EC_KEY, {"kty": "AKP", "pub": "abc"}])
def test_s062_private_key_material_is_refused_and_not_quoted(member: str, key: Document) -> None:
    with pytest.raises(InvalidClientMetadata, match="private or symmetric") as caught:
        checked(keys(key | {member: "topsecret"}))
    assert "topsecret" not in str(caught.value)


def test_s062_a_symmetric_key_is_refused() -> None:
    refused(keys({"kty": "oct", "kid": "1"}), "key 0 holds private or symmetric key material")


@pytest.mark.parametrize(
    ("jwks", "description"),
    [
        ({}, "array of keys"),
        ({"keys": {}}, "array of keys"),
        ({"keys": ["x"]}, "key 0 must be an object"),
        ({"keys": [RSA_KEY, {}]}, "key 1 has no kty"),
        ({"keys": [{"kty": 1}]}, "key 0 has no kty"),
        ({"keys": [{"kty": "RSA", "n": "AQAB"}]}, "key 0 has no e"),
        ({"keys": [{"kty": "RSA", "n": 1, "e": "AQAB"}]}, "key 0 has no n"),
        ({"keys": [{"kty": "EC", "crv": "P-256", "x": "AQAB"}]}, "key 0 has no y"),
        ({"keys": [{"kty": "OKP", "x": "AQAB"}]}, "key 0 has no crv"),
        ({"keys": [RSA_KEY | {"kid": 1}]}, "key 0 has a kid that is no string"),
    ],
)
def test_s063_a_key_set_that_is_none_is_refused(jwks: Document, description: str) -> None:
    refused(web_client(jwks=jwks), description)


def test_a_key_of_a_kind_that_we_do_not_know_is_kept() -> None:
    accepted(web_client(jwks={"keys": [{"kty": "AKP", "alg": "ML-DSA-44", "pub": "abc"}]}))


@pytest.mark.parametrize(
    ("uses", "flaw"),
    [
        (("sig", "enc"), False),
        (("sig", "sig"), False),
        (("sig", None), False),
        ((None, None), False),
        (("sig", "enc", None), True),
        (("enc", "sig", 1), True),
    ],
)
def test_s063_with_signing_and_encryption_keys_each_key_says_its_use(
    uses: tuple[JsonValue, ...], flaw: bool
) -> None:
    members = [RSA_KEY if use is None else RSA_KEY | {"use": use} for use in uses]
    if flaw:
        refused(keys(*members), "each key needs use")
    else:
        accepted(keys(*members))


@pytest.mark.parametrize(
    ("x5c", "description"),
    [
        ([], "no array of certificates"),
        ("MIIB", "no array of certificates"),
        ([1], "no array of certificates"),
        (["not base64!"], "not base64"),
        (["ü"], "not base64"),
        (["MIIB"], "does not match its x5c"),
    ],
)
def test_s063_a_certificate_matches_the_bare_key(x5c: JsonValue, description: str) -> None:
    refused(keys(RSA_KEY | {"x5c": x5c}), description)


def test_s063_a_key_beside_a_certificate_is_base64url() -> None:
    refused(keys(RSA_KEY | {"n": "a", "x5c": [CERTIFICATE]}), "not base64")


def test_s064_a_kid_is_unique_within_the_set() -> None:
    refused(keys(RSA_KEY | {"kid": "1"}, EC_KEY | {"kid": "1"}), "same kid")
    accepted(keys(RSA_KEY | {"kid": "1"}, EC_KEY | {"kid": "2"}, EC_KEY))
