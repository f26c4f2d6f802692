import json
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc.jwk import JWKRegistry

from dcr_operator.key_pairs import KeyPairs, make_key_pair
from dcr_protocol.client_keys import SECRET_KEY_MEMBERS

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "RS256", "PS256", "EdDSA"])
def test_the_private_key_has_both_forms_and_the_public_one_nothing_secret(algorithm: str) -> None:
    pair = make_key_pair(algorithm, NOW)
    private = json.loads(pair.private_jwk.get_secret_value())
    assert private["alg"] == pair.public_jwk["alg"] == algorithm
    assert private["kid"] == pair.public_jwk["kid"] == pair.kid
    assert SECRET_KEY_MEMBERS.isdisjoint(pair.public_jwk)
    assert pair.public_jwk.items() <= private.items()
    pem = pair.private_pem.get_secret_value()
    assert load_pem_private_key(pem.encode(), None) is not None


def test_a_name_follows_from_the_key() -> None:
    """RFC 7638."""
    pair = make_key_pair("ES256", NOW)
    public: dict[str, str | list[str]] = {k: str(v) for k, v in pair.public_jwk.items()}
    assert JWKRegistry.import_key(public).thumbprint() == pair.kid
    assert make_key_pair("ES256", NOW).kid != pair.kid


def test_a_key_pair_shows_nothing_secret() -> None:
    pair = make_key_pair("ES256", NOW)
    assert json.loads(pair.private_jwk.get_secret_value())["d"] not in repr(pair)
    assert "PRIVATE" not in repr(pair)


async def test_a_key_pair_knows_when_it_was_made() -> None:
    assert (await KeyPairs(lambda: NOW)("ES256")).made_at == NOW
