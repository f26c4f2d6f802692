"""Statements that no approved issuer made must not be believed: RFC 7515, RFC 8725."""

import base64
import hmac
import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest
from joserfc import jwe
from joserfc.jwk import OctKey

from dcr_protocol.json_document import JsonValue
from dcr_server.policies import Policy
from tests.fakes.https_publisher import json_answer, publishing
from tests.fakes.statement_signer import (
    ISSUER,
    NOW,
    StatementSigner,
    base64url,
    compact,
    encoded,
)
from tests.unit.server.registrant import registrant_at

EC = StatementSigner("ES256", kid="ec")
RSA = StatementSigner("RS256", kid="rsa")
ATTACKER = StatementSigner("ES256", kid="ec")
CLAIMS: Mapping[str, JsonValue] = {
    "iss": ISSUER,
    "iat": NOW,
    "software_id": "shop",
    "client_name": "Bank",
    "redirect_uris": ["https://shop.test/cb"],
}
POLICY = Policy(
    grant_types=("authorization_code",),
    response_types=("code",),
    token_endpoint_auth_methods=("client_secret_basic",),
    redirect_uris=("https://shop.test/*",),
    software_statement="required",
    statement_issuers=(ISSUER,),
)


async def answer_to(tmp_path: Path, text: JsonValue, **issuer: object) -> tuple[int, str]:
    """Register with it, with a good token: all depends on the statement."""
    jwks = EC.write_jwks(tmp_path / "jwks.json", RSA)
    async with registrant_at(
        tmp_path,
        policies={"web": POLICY},
        statement_issuers={ISSUER: {"jwks_file": jwks, **issuer}},
    ) as registrant:
        response = await registrant.post({"software_statement": text})
    return response.status_code, str(response.json().get("error"))


INVALID = (400, "invalid_software_statement")


@pytest.mark.parametrize("signer", [EC, RSA])
async def test_a_good_statement_is_believed(tmp_path: Path, signer: StatementSigner) -> None:
    """Else none of the refusals below would mean anything."""
    text = signer.sign({"alg": signer.algorithm, "kid": signer.kid}, CLAIMS)
    assert (await answer_to(tmp_path, text))[0] == 201


@pytest.mark.parametrize(
    "alg", ["none", "None", "NONE", "nOnE", "", " none", "none\x00", None, 0, [], ["none"]]
)
@pytest.mark.parametrize("signature", [b"", b"\x00", b"signature"])
async def test_s070_statements_without_a_signature(
    tmp_path: Path, alg: JsonValue, signature: bytes
) -> None:
    text = compact({"alg": alg}, CLAIMS, lambda _: signature)
    assert await answer_to(tmp_path, text) == INVALID


def secrets_made_of_public_keys() -> list[bytes]:
    jwk = RSA.jwk()
    return [
        b"",
        RSA.key.as_pem(private=False),
        RSA.key.as_pem(private=False).strip(),
        RSA.key.as_der(private=False),
        json.dumps(jwk).encode(),
        json.dumps(jwk, separators=(",", ":")).encode(),
        str(jwk["n"]).encode(),
        base64.urlsafe_b64decode(f"{jwk['n']}=="),
    ]


def mac(secret: bytes, digest: str, signing_input: bytes) -> bytes:
    return hmac.digest(secret, signing_input, digest)


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512", "hs256"])
async def test_s072_a_public_key_as_the_secret_of_a_mac(tmp_path: Path, alg: str) -> None:
    for secret in secrets_made_of_public_keys():
        for kid in ("rsa", None):
            header = {"alg": alg} if kid is None else {"alg": alg, "kid": kid}
            text = compact(header, CLAIMS, partial(mac, secret, f"sha{alg[2:]}"))
            assert await answer_to(tmp_path, text) == INVALID


@pytest.mark.parametrize(
    "alg", ["es256", "Es256", "ES256 ", "RS256", "PS256", "ES384", "EdDSA", "ES256K", "RS1", "dir"]
)
async def test_s072_a_signature_under_another_algorithms_name(tmp_path: Path, alg: str) -> None:
    for kid in ("ec", "rsa"):
        text = EC.sign({"alg": alg, "kid": kid}, CLAIMS)
        assert await answer_to(tmp_path, text) == INVALID


async def test_s072_keys_that_the_statement_brings_along(tmp_path: Path) -> None:
    jwk = ATTACKER.jwk()
    brought: list[dict[str, JsonValue]] = [
        {"jwk": jwk},
        {"jwk": jwk, "kid": "ec"},
        {"jwk": {**jwk, "kid": "ec"}, "kid": "ec"},
        {"jwk": {**jwk, "d": "AA"}},
        {"keys": [jwk]},
        {"x5c": [base64.b64encode(b"certificate").decode()]},
        {"x5t": base64url(b"x" * 20)},
        {"x5t#S256": base64url(b"x" * 32)},
    ]
    for header in brought:
        text = ATTACKER.sign({"alg": "ES256", **header}, CLAIMS)
        assert await answer_to(tmp_path, text) == INVALID


@pytest.mark.parametrize("member", ["jku", "x5u", "iss", "jwks_uri", "kid"])
async def test_s072_urls_of_keys_in_the_header_are_not_followed(
    tmp_path: Path, member: str
) -> None:
    document = json.dumps({"keys": [ATTACKER.jwk()]}).encode()
    async with publishing(tmp_path, json_answer(document)) as attackers:
        jwks = EC.write_jwks(tmp_path / "jwks.json")
        async with registrant_at(
            tmp_path,
            policies={"web": POLICY},
            statement_issuers={ISSUER: {"jwks_file": jwks}},
            fetcher=attackers.fetcher(),
        ) as registrant:
            text = ATTACKER.sign({"alg": "ES256", member: attackers.url()}, CLAIMS)
            response = await registrant.post({"software_statement": text})
            by_claim = ATTACKER.sign(
                {"alg": "ES256"}, {**CLAIMS, "jwks_uri": attackers.url(), "jku": attackers.url()}
            )
            claimed = await registrant.post({"software_statement": by_claim})
    assert response.json()["error"] == "invalid_software_statement"
    assert claimed.json()["error"] == "invalid_software_statement"
    assert attackers.connections == 0


@pytest.mark.parametrize(
    "kid",
    [
        *("ec", "../../etc/passwd", "' OR 1=1 --", "/dev/null", "", "rsa", "x" * 5000, "ec\x00"),
        *(0, None, True, ["ec"], {"ec": 1}),
    ],
)
async def test_s072_the_kid_leads_to_no_other_key(tmp_path: Path, kid: JsonValue) -> None:
    text = compact({"alg": "ES256", "kid": kid}, CLAIMS, ATTACKER.signature)
    assert await answer_to(tmp_path, text) == INVALID


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["exp"]},
        {"crit": []},
        {"crit": ["b64"], "b64": False},
        {"crit": None},
        {"typ": "at+jwt"},
        {"typ": "application/dpop+jwt"},
        {"typ": "secevent+jwt"},
        {"typ": 7},
    ],
)
async def test_s072_headers_that_mean_another_thing(
    tmp_path: Path, header: dict[str, JsonValue]
) -> None:
    text = compact({"alg": "ES256", "kid": "ec", **header}, CLAIMS, EC.signature)
    assert await answer_to(tmp_path, text) == INVALID


async def test_s072_members_that_come_twice(tmp_path: Path) -> None:
    claims = json.dumps(dict(CLAIMS))
    twice_in_header = b'{"alg": "none", "alg": "ES256", "kid": "ec"}'
    twice_in_claims = claims[:-1].encode() + b', "iss": "https://other.test"}'
    for header, body in (
        (twice_in_header, claims.encode()),
        (b'{"alg": "ES256", "kid": "ec"}', twice_in_claims),
        (b'{"alg": "ES256", "\\u0061lg": "none", "kid": "ec"}', claims.encode()),
    ):
        assert await answer_to(tmp_path, compact(header, body, EC.signature)) == INVALID


async def test_s072_signatures_that_are_none(tmp_path: Path) -> None:
    good = EC.sign({"alg": "ES256", "kid": "ec"}, CLAIMS)
    header, claims, signature = good.split(".")
    for forged in (
        b"",
        b"\x00" * 64,
        b"\xff" * 64,
        b"\x00" * 63 + b"\x01",
        base64.urlsafe_b64decode(signature + "==")[:-1],
        base64.urlsafe_b64decode(signature + "==") + b"\x00",
        bytes(reversed(base64.urlsafe_b64decode(signature + "=="))),
    ):
        text = f"{header}.{claims}.{base64url(forged)}"
        assert await answer_to(tmp_path, text) == INVALID


async def test_s072_a_good_signature_over_something_else(tmp_path: Path) -> None:
    header = {"alg": "ES256", "kid": "ec"}
    good = EC.sign(header, CLAIMS)
    first, second, signature = good.split(".")
    changed = encoded({**CLAIMS, "client_name": "Another Bank"})
    other_header = encoded({**header, "typ": "JWT"})
    for text in (
        f"{first}.{changed}.{signature}",
        f"{other_header}.{second}.{signature}",
        f"{first}.{second}=.{signature}",
        f"{first}.{second}.{signature}=",
        f"{first}.{second}.{signature}.{signature}",
        f"{first}.{second}.{signature}.",
        f".{first}.{second}.{signature}",
        f"{first}..{signature}",
        f"{first}.{second}",
        f"{first}.{second}.{signature}\n",
        f" {good}",
        f"{first}. {second}.{signature}",
        good.replace(".", "%2e"),
        f"Bearer {good}",
    ):
        assert await answer_to(tmp_path, text) == INVALID


async def test_s072_two_signatures(tmp_path: Path) -> None:
    """The JSON form of RFC 7515 §7.2 may hold a good and a bad one; it is not taken at all."""
    header, claims, good = EC.sign({"alg": "ES256", "kid": "ec"}, CLAIMS).split(".")
    bad = ATTACKER.sign({"alg": "ES256", "kid": "ec"}, CLAIMS).split(".")[2]
    signatures: JsonValue = [
        {"protected": header, "signature": good},
        {"protected": header, "signature": bad},
    ]
    general: dict[str, JsonValue] = {"payload": claims, "signatures": signatures}
    flattened: dict[str, JsonValue] = {"payload": claims, "protected": header, "signature": good}
    forms: list[JsonValue] = [general, flattened, [general]]
    for form in forms:
        assert await answer_to(tmp_path, form) == INVALID
        assert await answer_to(tmp_path, json.dumps(form)) == INVALID


async def test_s072_nested_and_encrypted_statements(tmp_path: Path) -> None:
    good = EC.sign({"alg": "ES256", "kid": "ec"}, CLAIMS)
    nested = EC.sign({"alg": "ES256", "kid": "ec", "cty": "JWT"}, good.encode())
    quoted = EC.sign({"alg": "ES256", "kid": "ec"}, json.dumps(good).encode())
    inside = EC.sign({"alg": "ES256", "kid": "ec"}, {"software_statement": good})
    key = OctKey.import_key(b"k" * 32)
    encrypted = jwe.encrypt_compact({"alg": "dir", "enc": "A256GCM"}, good, key)
    for text in (nested, quoted, inside, encrypted):
        assert await answer_to(tmp_path, text) == INVALID


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"iss": "https://statements.test/"}, "unapproved_software_statement"),
        ({"iss": "HTTPS://statements.test"}, "unapproved_software_statement"),
        ({"iss": "https://statements.test\x00"}, "unapproved_software_statement"),
        ({"iss": "https://statements.test.evil.test"}, "unapproved_software_statement"),
        ({"iss": "https://statements。test"}, "unapproved_software_statement"),
        ({"iss": " https://statements.test"}, "unapproved_software_statement"),
        ({"iss": [ISSUER]}, "invalid_software_statement"),
        ({"iss": {"a": ISSUER}}, "invalid_software_statement"),
        ({"iss": None}, "invalid_software_statement"),
        ({"iat": NOW + 3600}, "invalid_software_statement"),
        ({"iat": NOW - 3600}, "invalid_software_statement"),
        ({"iat": -NOW}, "invalid_software_statement"),
        ({"iat": "1800000000"}, "invalid_software_statement"),
        ({"exp": NOW - 3600}, "invalid_software_statement"),
        ({"nbf": NOW + 3600}, "invalid_software_statement"),
        ({"aud": "https://other.test"}, "invalid_software_statement"),
        ({"aud": "https://auth.test.evil.test"}, "invalid_software_statement"),
    ],
)
async def test_s072_s075_claims_that_are_not_for_us_or_not_for_now(
    tmp_path: Path, claims: dict[str, JsonValue], code: str
) -> None:
    """Signed by the approved issuer itself."""
    text = EC.sign({"alg": "ES256", "kid": "ec"}, {**CLAIMS, **claims})
    assert await answer_to(tmp_path, text, max_age="10m") == (400, code)


async def test_s072_a_key_of_one_issuer_signs_for_another(tmp_path: Path) -> None:
    ours = EC.write_jwks(tmp_path / "ours.json")
    theirs = ATTACKER.write_jwks(tmp_path / "theirs.json")
    async with registrant_at(
        tmp_path,
        policies={"web": POLICY},
        statement_issuers={
            ISSUER: {"jwks_file": ours},
            "https://others.test": {"jwks_file": theirs},
        },
    ) as registrant:
        text = ATTACKER.sign({"alg": "ES256", "kid": "ec"}, CLAIMS)
        response = await registrant.post({"software_statement": text})
    assert response.json()["error"] == "invalid_software_statement"


async def test_s072_a_key_that_is_for_encryption_or_another_algorithm(tmp_path: Path) -> None:
    text = EC.sign({"alg": "ES256", "kid": "ec"}, CLAIMS)
    for members in ({"use": "enc"}, {"alg": "ECDH-ES"}, {"key_ops": ["deriveKey"]}, {"kid": "x"}):
        path = tmp_path / "jwks.json"
        path.write_text(json.dumps({"keys": [EC.jwk(**members)]}), encoding="utf-8")
        async with registrant_at(
            tmp_path,
            policies={"web": POLICY},
            statement_issuers={ISSUER: {"jwks_file": path}},
        ) as registrant:
            response = await registrant.post({"software_statement": text})
        assert response.json()["error"] == "invalid_software_statement"


@pytest.mark.parametrize(
    "text",
    [
        *("." * 1000, "a" * 32768, "e30." * 3, "..", "null.null.null"),
        f"{base64url(b'[' * 10000)}.e30.AA",
        f"{base64url(b'{' + b'[' * 10000)}.e30.AA",
        f"{base64url(json.dumps({'alg': 'ES256', 'x': 'y' * 20000}).encode())}.e30.AA",
        f"{base64url(b'[]')}.{base64url(b'[]')}.AA",
        f"{base64url(b'1')}.{base64url(b'1')}.AA",
        f"{base64url(bytes([0xFF]))}.e30.AA",
        "é.é.é",
        "e30.e30.\ud83d\ude00",
    ],
)
async def test_s072_nonsense_costs_little_and_is_refused(tmp_path: Path, text: str) -> None:
    status, code = await answer_to(tmp_path, text)
    assert (status, code) in {INVALID, (400, "invalid_client_metadata"), (400, "invalid_request")}
