"""A key serves for the algorithms that it is made for, whatever a token's header says."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcr_protocol.json_document import JsonValue
from dcr_server.json_web_tokens import InvalidJwt, parse_jwt
from dcr_server.verification_keys import ASYMMETRIC_ALGORITHMS, Jwk, verify_signature
from tests.fakes.client_keys import base64url, client_key, to_json

CLAIMS: Mapping[str, JsonValue] = {"sub": "x"}


def verify(token: str, *keys: Jwk) -> None:
    verify_signature(parse_jwt(token), keys, algorithms=ASYMMETRIC_ALGORITHMS)


@pytest.mark.parametrize("algorithm", ASYMMETRIC_ALGORITHMS)
def test_every_algorithm_verifies_its_own_signature_only(algorithm: str) -> None:
    mine, other = client_key(algorithm), client_key(algorithm, number=1)
    verify(mine.sign(CLAIMS), mine.jwk)
    with pytest.raises(InvalidJwt, match="does not verify"):
        verify(other.sign(CLAIMS), mine.jwk)
    head, _, signature = mine.sign(CLAIMS).split(".")
    with pytest.raises(InvalidJwt, match="does not verify"):
        verify(f"{head}.{base64url(b'{}')}.{signature}", mine.jwk)


@pytest.mark.parametrize(
    ("signer", "holder", "header"),
    [
        pytest.param("RS256", "ES256", {"alg": "ES256"}, id="an EC key for an RSA signature"),
        pytest.param("ES256", "RS256", {"alg": "RS256"}, id="an RSA key for an EC signature"),
        pytest.param("ES384", "ES256", {"alg": "ES384"}, id="another curve"),
        pytest.param("EdDSA", "ES256", {}, id="an Edwards key"),
    ],
)
def test_what_a_key_is_made_of_decides(
    signer: str, holder: str, header: dict[str, JsonValue]
) -> None:
    token = client_key(signer).sign(CLAIMS, header)
    with pytest.raises(InvalidJwt, match=r"no key fits|does not verify"):
        verify(token, client_key(holder).jwk)


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"use": "enc"}, id="for encryption"),
        pytest.param({"alg": "ES384"}, id="for another algorithm"),
        pytest.param({"key_ops": ["sign"]}, id="not for verifying"),
        pytest.param({"key_ops": "verify"}, id="key_ops that is no array"),
        pytest.param({"crv": "P-384"}, id="said to be on another curve"),
        pytest.param({"kty": "oct", "k": "AAAA"}, id="said to be a secret"),
    ],
)
def test_a_key_says_what_it_is_for(members: dict[str, JsonValue]) -> None:
    key = client_key()
    with pytest.raises(InvalidJwt, match="no key fits"):
        verify(key.sign(CLAIMS), key.jwk | members)
    verify(key.sign(CLAIMS), key.jwk | {"use": "sig", "alg": "ES256", "key_ops": ["verify"]})


def test_the_kid_chooses_among_several() -> None:
    first, second = client_key("ES256", "1"), client_key("ES256", "2")
    verify(second.sign(CLAIMS), first.jwk, second.jwk)
    for kid in (None, "3"):
        with pytest.raises(InvalidJwt, match="the algorithm and the kid"):
            verify(second.sign(CLAIMS, {"kid": kid}), first.jwk, second.jwk)


def test_without_a_kid_the_only_key_that_fits_is_meant() -> None:
    elliptic, rsa = client_key("ES256", "1"), client_key("RS256", "2")
    verify(rsa.sign(CLAIMS, {"kid": None}), elliptic.jwk, rsa.jwk)


def test_a_key_without_name_may_be_named_by_its_holder() -> None:
    key = client_key()
    verify(key.sign(CLAIMS, {"kid": "thumbprint"}), key.jwk)


def test_a_kid_twice_in_a_set_means_neither() -> None:
    first, second = client_key("ES256", "1"), client_key("ES256", "1", number=1)
    with pytest.raises(InvalidJwt, match="several keys"):
        verify(first.sign(CLAIMS), first.jwk, second.jwk)


@pytest.mark.parametrize("name", ["none", "HS256", "HS512", "ES256K", "dir", ""])
def test_only_asymmetric_algorithms_are_accepted(name: str) -> None:
    token = client_key().sign(CLAIMS, {"alg": name})
    with pytest.raises(InvalidJwt, match="not among those"):
        verify_signature(parse_jwt(token), [client_key().jwk], algorithms=(name, "ES256"))


def _modulus(bits: int) -> str:
    return base64url(((1 << (bits - 1)) + 1).to_bytes((bits + 7) // 8))


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"n": _modulus(1024)}, id="short"),
        pytest.param({"n": _modulus(2047)}, id="a bit too short"),
        pytest.param({"n": _modulus(16384)}, id="slow"),
        pytest.param({"e": base64url(b"\x01" * 5)}, id="slow exponent"),
        pytest.param({"n": "!"}, id="not base64url"),
        pytest.param({"n": None}, id="none"),
    ],
)
def test_rsa_keys_are_of_reasonable_size(members: dict[str, JsonValue]) -> None:
    key = client_key("RS256")
    with pytest.raises(InvalidJwt, match="no key fits"):
        verify(key.sign(CLAIMS), key.jwk | members)


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"x": base64url(bytes(32))}, id="no point of the curve"),
        pytest.param({"x": "!"}, id="not base64url"),
        pytest.param({"y": ""}, id="half a point"),
        pytest.param({"y": None}, id="no y"),
    ],
)
def test_a_damaged_key_verifies_nothing(members: dict[str, JsonValue]) -> None:
    key = client_key()
    with pytest.raises(InvalidJwt, match="damaged"):
        verify(key.sign(CLAIMS), key.jwk | members)


_OCTETS = st.binary(max_size=70).map(base64url)
_NUMBERS = st.one_of(_OCTETS, st.just(str(client_key().jwk["x"])), st.text(max_size=5), st.none())
_KEYS = st.fixed_dictionaries(
    {
        "kty": st.sampled_from(["EC", "RSA", "OKP", "oct", "", None]),
        "crv": st.sampled_from(["P-256", "P-384", "P-521", "Ed25519", "X25519", None, 1]),
    },
    optional={
        **dict.fromkeys(("x", "y", "e"), _NUMBERS),
        "n": st.one_of(_NUMBERS, st.binary(min_size=256, max_size=256).map(base64url)),
        "d": _NUMBERS,
        "k": _NUMBERS,
        "use": st.sampled_from(["sig", "enc", None, 1]),
        "key_ops": st.sampled_from([["verify"], [], "verify", None, 1]),
        "alg": st.sampled_from(["ES256", "RS256", None, 1]),
    },
)


@given(algorithm=st.sampled_from(ASYMMETRIC_ALGORITHMS), key=_KEYS, signature=st.binary())
def test_whatever_was_registered_as_a_key_is_refused_in_order(
    algorithm: str, key: dict[str, JsonValue], signature: bytes
) -> None:
    header = base64url(to_json({"alg": algorithm}))
    with pytest.raises(InvalidJwt):
        verify(f"{header}.{base64url(b'{}')}.{base64url(signature)}", key)
