"""Whoever has not the client's private key gets no token, however the assertion is made up.

Every forgery is answered like every other failure: 401 invalid_client, the same text.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import ECKey

from dcr_protocol.json_document import JsonValue
from dcr_server.client_assertions import CLIENT_ASSERTION_TYPE
from tests.fakes.client_keys import ClientKey, assertion_claims, base64url, client_key, to_json
from tests.unit.server.registrant import MACHINE, Registered, Registrant, registrant_at

ISSUER = "https://auth.test"
VICTIM_KEY = client_key("ES256", "victim")
ATTACKER_KEY = client_key("ES256", "victim", number=1)
FAILED = {"error": "invalid_client", "error_description": "client authentication failed"}


@dataclass(frozen=True)
class Scene:
    """A victim, and an attacker who is a client too and knows all that is public."""

    registrant: Registrant
    victim: Registered
    attacker: Registered

    def claims(self, **claims: JsonValue) -> dict[str, JsonValue]:
        return assertion_claims(self.victim["client_id"], ISSUER, self.registrant.clock(), **claims)

    def by_attacker(self, header: Mapping[str, JsonValue] | None = None) -> str:
        return ATTACKER_KEY.sign(self.claims(), header)

    def with_signature(self, signature: bytes, header: Mapping[str, JsonValue]) -> str:
        return f"{self.signing_input(header)}.{base64url(signature)}"

    def signing_input(self, header: Mapping[str, JsonValue]) -> str:
        return f"{base64url(to_json(dict(header)))}.{base64url(to_json(self.claims()))}"

    def hmac(self, secret: bytes) -> str:
        signing_input = self.signing_input({"alg": "HS256", "kid": "victim"})
        mac = hmac.new(secret, signing_input.encode(), hashlib.sha256).digest()
        return f"{signing_input}.{base64url(mac)}"


def _private_key_jwt(key: ClientKey) -> dict[str, JsonValue]:
    return {**MACHINE, "token_endpoint_auth_method": "private_key_jwt", "jwks": key.jwks}


async def scene_at(registrant: Registrant) -> Scene:
    victim = await registrant.register(_private_key_jwt(VICTIM_KEY))
    attacker = await registrant.register(_private_key_jwt(ATTACKER_KEY))
    return Scene(registrant, victim, attacker)


async def present(registrant: Registrant, assertion: str, path: str = "/token") -> httpx.Response:
    return await registrant.http.post(
        path,
        data={
            "grant_type": "client_credentials",
            "token": "x",
            "client_assertion_type": CLIENT_ASSERTION_TYPE,
            "client_assertion": assertion,
        },
    )


def is_refused(response: httpx.Response) -> bool:
    assert response.json() == FAILED
    return response.status_code == 401


def public_pem(key: ClientKey) -> bytes:
    assert isinstance(key.key, ECKey)
    return key.key.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _stolen_signature(scene: Scene) -> bytes:
    token = VICTIM_KEY.sign(scene.claims(jti="seen"))
    return base64.urlsafe_b64decode(token.rsplit(".", 1)[1] + "==")


_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ES256: Mapping[str, JsonValue] = {"alg": "ES256", "kid": "victim"}

Forgery = Callable[[Scene], str]
FORGERIES: Mapping[str, Forgery] = {
    "alg none": lambda s: s.with_signature(b"", {"alg": "none"}),
    "alg None": lambda s: s.with_signature(b"", {"alg": "None"}),
    "alg nOnE": lambda s: s.with_signature(b"", {"alg": "nOnE"}),
    "alg none with a blank": lambda s: s.with_signature(b"", {"alg": "none "}),
    "alg none and a signature": lambda s: s.with_signature(_stolen_signature(s), {"alg": "none"}),
    "alg as an array": lambda s: s.with_signature(b"", {"alg": ["none"]}),
    "no alg": lambda s: s.with_signature(b"", {"kid": "victim"}),
    "no signature": lambda s: s.with_signature(b"", ES256),
    "HS256 with the public key as PEM": lambda s: s.hmac(public_pem(VICTIM_KEY)),
    "HS256 with the public key as PEM, stripped": lambda s: s.hmac(public_pem(VICTIM_KEY).strip()),
    "HS256 with the JWK": lambda s: s.hmac(to_json(VICTIM_KEY.jwk)),
    "HS256 with a coordinate": lambda s: s.hmac(str(VICTIM_KEY.jwk["x"]).encode()),
    "HS256 with nothing": lambda s: s.hmac(b""),
    "HS256 with the client_id": lambda s: s.hmac(s.victim["client_id"].encode()),
    "a key of one's own": lambda s: s.by_attacker(),
    "jwk in the header": lambda s: s.by_attacker({"jwk": ATTACKER_KEY.jwk}),
    "jku in the header": lambda s: s.by_attacker({"jku": "https://attacker.test/jwks"}),
    "x5u in the header": lambda s: s.by_attacker({"x5u": "https://attacker.test/chain"}),
    "x5c in the header": lambda s: s.by_attacker({"x5c": [base64.b64encode(b"0").decode()]}),
    "kid of the attacker's client": lambda s: s.by_attacker({"kid": s.attacker["client_id"]}),
    "kid that is a path": lambda s: s.by_attacker({"kid": "../../../../dev/null"}),
    "kid that is SQL": lambda s: s.by_attacker({"kid": "x' UNION SELECT 'y"}),
    "kid that is a URL": lambda s: s.by_attacker({"kid": "https://attacker.test/jwks#1"}),
    "kid that is empty": lambda s: s.by_attacker({"kid": ""}),
    "no kid": lambda s: s.by_attacker({"kid": None}),
    "ES256 key named for RS256": lambda s: VICTIM_KEY.sign(s.claims(), {"alg": "RS256"}),
    "ES256 key named for ES384": lambda s: VICTIM_KEY.sign(s.claims(), {"alg": "ES384"}),
    "ES256 key named for EdDSA": lambda s: VICTIM_KEY.sign(s.claims(), {"alg": "EdDSA"}),
    "RSA signature": lambda s: client_key("RS256").sign(s.claims(), {"kid": "victim"}),
    "a stolen signature": lambda s: s.with_signature(_stolen_signature(s), ES256),
    "a signature of zeros": lambda s: s.with_signature(bytes(64), ES256),
    "a signature of the curve's order": lambda s: s.with_signature(_ORDER.to_bytes(32) * 2, ES256),
    "a signature of half the size": lambda s: s.with_signature(_stolen_signature(s)[:32], ES256),
    "a signature as DER": lambda s: s.with_signature(bytes.fromhex("3006020101020101"), ES256),
    "crit": lambda s: VICTIM_KEY.sign(s.claims(), {"crit": ["exp"]}),
    "crit with b64": lambda s: VICTIM_KEY.sign(s.claims(), {"crit": ["b64"], "b64": False}),
    "b64 without crit": lambda s: (
        f"{base64url(to_json({'alg': 'ES256', 'b64': False}))}.{json.dumps(s.claims())}.AA"
    ),
    "an access token by typ": lambda s: VICTIM_KEY.sign(s.claims(), {"typ": "at+jwt"}),
    "a DPoP proof by typ": lambda s: VICTIM_KEY.sign(s.claims(), {"typ": "dpop+jwt"}),
    "a software statement by claims": lambda s: VICTIM_KEY.sign(s.claims(sub=None)),
    "an ID Token by claims": lambda s: VICTIM_KEY.sign(s.claims(iss=ISSUER, aud="client")),
    "a blank before": lambda s: " " + VICTIM_KEY.sign(s.claims()),
    "a newline after": lambda s: VICTIM_KEY.sign(s.claims()) + "\n",
    "a NUL after": lambda s: VICTIM_KEY.sign(s.claims()) + "\0",
    "padding": lambda s: VICTIM_KEY.sign(s.claims()) + "==",
    "JSON serialization": lambda _: json.dumps({"payload": "e30", "signatures": []}),
    "an encrypted token": lambda _: "eyJhbGciOiJkaXIifQ.." + ".".join(["AA"] * 3),
    "a token in a token": lambda s: VICTIM_KEY.sign(
        VICTIM_KEY.sign(s.claims()).encode(), {"cty": "JWT"}
    ),
    "only dots": lambda _: "." * 8000,
    "too many dots": lambda _: "." * 60_000,
    "a huge claim": lambda s: VICTIM_KEY.sign(s.claims(padding="x" * 40_000)),
    "a deep claim": lambda s: VICTIM_KEY.sign(
        to_json(s.claims())[:-1] + b',"a":' + b"[" * 2000 + b"]" * 2000 + b"}"
    ),
    "a long number": lambda s: VICTIM_KEY.sign(
        to_json(s.claims(exp=None))[:-1] + b',"exp":' + b"9" * 5000 + b"}"
    ),
    "an infinite exp": lambda s: VICTIM_KEY.sign(
        to_json(s.claims(exp=None))[:-1] + b',"exp":1e999}'
    ),
    "NaN as exp": lambda s: VICTIM_KEY.sign(to_json(s.claims(exp=None))[:-1] + b',"exp":NaN}'),
    "exp twice": lambda s: VICTIM_KEY.sign(to_json(s.claims())[:-1] + b',"exp":1}'),
    "exp as a string": lambda s: VICTIM_KEY.sign(s.claims(exp="9999999999")),
    "exp as a boolean": lambda s: VICTIM_KEY.sign(s.claims(exp=True)),
    "a byte order mark": lambda s: VICTIM_KEY.sign(b"\xef\xbb\xbf" + to_json(s.claims())),
    "claims in UTF-16": lambda s: VICTIM_KEY.sign(json.dumps(s.claims()).encode("utf-16")),
    "alg twice, none last": lambda s: VICTIM_KEY.sign_parts(
        b'{"alg":"ES256","kid":"victim","alg":"none"}', to_json(s.claims())
    ),
    "kid twice": lambda s: VICTIM_KEY.sign_parts(
        b'{"alg":"ES256","kid":"victim","kid":"other"}', to_json(s.claims())
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES.keys())
async def test_a_forged_assertion_gets_nothing_anywhere(tmp_path: Path, forgery: Forgery) -> None:
    async with registrant_at(tmp_path) as registrant:
        scene = await scene_at(registrant)
        for path in ("/token", "/introspect", "/revoke"):
            assert is_refused(await present(registrant, forgery(scene), path))
        # What makes the difference is the forgery alone.
        assert (await present(registrant, VICTIM_KEY.sign(scene.claims()))).status_code == 200


def _as_the_victim(scene: Scene, **claims: JsonValue) -> str:
    own = assertion_claims(scene.attacker["client_id"], ISSUER, scene.registrant.clock())
    return ATTACKER_KEY.sign({**own, **claims})


async def test_a_client_cannot_speak_for_another(tmp_path: Path) -> None:
    async with registrant_at(tmp_path) as registrant:
        scene = await scene_at(registrant)
        victim = scene.victim["client_id"]
        for claims in ({"sub": victim}, {"iss": victim}, {"iss": victim, "sub": victim}):
            assert is_refused(await present(registrant, _as_the_victim(scene, **claims)))
        form = {
            "grant_type": "client_credentials",
            "client_id": victim,
            "client_assertion_type": CLIENT_ASSERTION_TYPE,
            "client_assertion": _as_the_victim(scene),
        }
        assert is_refused(await registrant.http.post("/token", data=form))


@pytest.mark.parametrize("order", ["victim first", "attacker first"])
async def test_a_subject_that_is_named_twice_is_nobody(tmp_path: Path, order: str) -> None:
    async with registrant_at(tmp_path) as registrant:
        scene = await scene_at(registrant)
        names = [scene.victim["client_id"], scene.attacker["client_id"]]
        first, last = names if order == "victim first" else reversed(names)
        rest = to_json(scene.claims(iss=None, sub=None))[1:]
        twice = "".join(f'"iss":"{name}","sub":"{name}",' for name in (first, last))
        assertion = ATTACKER_KEY.sign(b"{" + twice.encode() + rest)
        assert is_refused(await present(registrant, assertion))


async def test_an_access_token_is_no_assertion(tmp_path: Path) -> None:
    async with registrant_at(tmp_path) as registrant:
        scene = await scene_at(registrant)
        issued = await present(registrant, VICTIM_KEY.sign(scene.claims()))
        assert is_refused(await present(registrant, issued.json()["access_token"]))


async def test_an_assertion_that_names_another_server_too_could_be_passed_on(
    tmp_path: Path,
) -> None:
    async with registrant_at(tmp_path) as registrant:
        scene = await scene_at(registrant)
        for audience in (
            "https://attacker.test",
            [ISSUER, "https://attacker.test"],
            [f"{ISSUER}/token", "https://attacker.test/token"],
            "https://AUTH.test",
            f"{ISSUER}/token/",
            f"{ISSUER}/connect/register",
            [],
            [[ISSUER]],
            {"issuer": ISSUER},
        ):
            forged = VICTIM_KEY.sign(scene.claims(aud=audience))  # type: ignore[arg-type]
            assert is_refused(await present(registrant, forged))


async def test_two_assertions_in_one_request_are_none(tmp_path: Path) -> None:
    async with registrant_at(tmp_path) as registrant:
        scene = await scene_at(registrant)
        good = VICTIM_KEY.sign(scene.claims())
        body = f"client_assertion_type={CLIENT_ASSERTION_TYPE}&grant_type=client_credentials"
        response = await registrant.http.post(
            "/token",
            content=f"{body}&client_assertion={scene.by_attacker()}&client_assertion={good}",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


async def test_a_name_that_looks_like_the_victims_is_another(tmp_path: Path) -> None:
    async with registrant_at(tmp_path) as registrant:
        scene = await scene_at(registrant)
        victim = scene.victim["client_id"]
        for name in (
            victim.upper() + " ",
            f"{victim}\0",
            f"{victim}\u200b",
            f" {victim}",
            f"{victim}/",
        ):
            assertion = ATTACKER_KEY.sign(scene.claims(iss=name, sub=name))
            assert is_refused(await present(registrant, assertion))


@pytest.mark.parametrize(
    "jwk",
    [
        pytest.param({**VICTIM_KEY.jwk, "use": "enc"}, id="for encryption"),
        pytest.param({**VICTIM_KEY.jwk, "key_ops": ["sign"]}, id="for signing"),
        pytest.param({**VICTIM_KEY.jwk, "alg": "ES384"}, id="for another algorithm"),
        pytest.param({**VICTIM_KEY.jwk, "crv": "P-384"}, id="of a curve that is not its own"),
        pytest.param({**VICTIM_KEY.jwk, "x": "AAAA"}, id="off the curve"),
        pytest.param({"kty": "RSA", "n": "AQAB", "e": "AQ", "kid": "victim"}, id="of 17 bits"),
        pytest.param(
            {"kty": "RSA", "n": "_" * 20_000, "e": "_" * 20_000, "kid": "victim"}, id="of megabits"
        ),
    ],
)
async def test_a_key_that_was_registered_wrong_verifies_nothing(
    tmp_path: Path, jwk: dict[str, JsonValue]
) -> None:
    async with registrant_at(tmp_path) as registrant:
        keys: list[JsonValue] = [jwk]
        response = await registrant.post({**_private_key_jwt(VICTIM_KEY), "jwks": {"keys": keys}})
        assert response.status_code in {201, 400}
        if response.status_code == 201:
            client = Registered(response.json())
            claims = assertion_claims(client["client_id"], ISSUER, registrant.clock())
            for key in (VICTIM_KEY, client_key("RS256", "victim")):
                assert is_refused(await present(registrant, key.sign(claims)))
