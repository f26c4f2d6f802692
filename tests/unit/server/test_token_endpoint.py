"""RFC 6749 §4.4 and §5.2, RFC 8707, RFC 9068."""

import contextlib
import sqlite3
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from dcr_protocol.json_document import JsonValue
from tests.unit.server.registrant import EVERYTHING, MACHINE, Registrant, registrant_at

pytestmark = pytest.mark.both_databases

WEB: Mapping[str, JsonValue] = {"redirect_uris": ["https://a.example/cb"]}


async def _claims(
    registrant: Registrant, response: httpx.Response, algorithm: str = "ES256"
) -> jwt.Token:
    keys = KeySet.import_key_set((await registrant.http.get("/jwks")).json())
    return jwt.decode(response.json()["access_token"], keys, algorithms=[algorithm])


async def test_an_access_token_is_a_jwt_of_rfc_9068(registrant: Registrant) -> None:
    client = await registrant.register()
    response = await registrant.get_token(client.basic)
    token = await _claims(registrant, response)
    assert token.header["typ"] == "at+jwt"
    now = int(registrant.clock())
    jti = token.claims.pop("jti")
    assert len(jti) == 32
    assert token.claims == {
        "iss": "https://auth.test",
        "sub": client["client_id"],
        "client_id": client["client_id"],
        "aud": "https://auth.test",
        "iat": now,
        "exp": now + 3600,
        "scope": "a b",
    }


async def test_rs256_signs_by_setting(tmp_path: Path) -> None:
    async with registrant_at(tmp_path, signing_algorithm="RS256") as registrant:
        client = await registrant.register()
        token = await _claims(registrant, await registrant.get_token(client.basic), "RS256")
        assert token.header["typ"] == "at+jwt"
        assert token.claims["sub"] == client["client_id"]


async def test_the_policy_says_how_long_a_token_lives(tmp_path: Path) -> None:
    policies = {"default": EVERYTHING.model_copy(update={"access_token_lifetime": 90})}
    async with registrant_at(tmp_path, policies=policies) as registrant:
        client = await registrant.register()
        response = await registrant.get_token(client.basic)
        assert response.json()["expires_in"] == 90
        claims = (await _claims(registrant, response)).claims
        assert claims["exp"] - claims["iat"] == 90


async def test_every_token_has_a_jti_of_its_own(registrant: Registrant) -> None:
    client = await registrant.register()
    tokens = [await registrant.get_token(client.basic) for _ in range(5)]
    assert len({(await _claims(registrant, token)).claims["jti"] for token in tokens}) == 5


async def test_the_response_is_that_of_rfc_6749_and_not_cached(registrant: Registrant) -> None:
    client = await registrant.register()
    response = await registrant.get_token(client.basic, scope="a")
    document = response.json()
    del document["access_token"]
    assert document == {"token_type": "Bearer", "expires_in": 3600, "scope": "a"}
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        pytest.param({"grant_type": ""}, 400, "invalid_request", id="no grant type"),
        pytest.param(
            {"grant_type": "password"}, 400, "unsupported_grant_type", id="a grant not served"
        ),
        pytest.param({"scope": "a c"}, 400, "invalid_scope", id="scope beyond the registration"),
        pytest.param({"scope": "a\nb"}, 400, "invalid_scope", id="no scope of RFC 6749 §3.3"),
        pytest.param({"client_secret": "x"}, 400, "invalid_request", id="§2.3 two ways at once"),
        pytest.param({"client_id": "other"}, 400, "invalid_request", id="§2.3 two clients"),
        pytest.param({"resource": "https://x"}, 400, "invalid_target", id="another audience"),
    ],
)
async def test_errors_of_rfc_6749(
    registrant: Registrant, form: dict[str, str], status: int, error: str
) -> None:
    client = await registrant.register()
    response = await registrant.get_token(client.basic, **form)
    assert (response.status_code, response.json()["error"]) == (status, error)


async def test_a_client_without_the_grant_is_unauthorized(registrant: Registrant) -> None:
    client = await registrant.register(WEB)
    response = await registrant.get_token(client.basic)
    assert response.json()["error"] == "unauthorized_client"


@pytest.mark.parametrize("basic", [("unknown", "x"), ("", ""), ("registered", "wrong")])
async def test_failed_authentication_is_401_with_a_basic_challenge(
    registrant: Registrant, basic: tuple[str, str]
) -> None:
    client = await registrant.register()
    client_id = basic[0].replace("registered", client["client_id"])
    response = await registrant.get_token((client_id, basic[1]))
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert response.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize("method", ["client_secret_post", "none"])
async def test_only_the_registered_method_authenticates(
    registrant: Registrant, method: str
) -> None:
    client = await registrant.register({**WEB, "token_endpoint_auth_method": method})
    secret = str(client.document.get("client_secret", ""))
    response = await registrant.get_token((client["client_id"], secret))
    assert response.json()["error"] == "invalid_client"


async def test_its_own_client_id_in_the_body_does_no_harm(registrant: Registrant) -> None:
    client = await registrant.register()
    response = await registrant.get_token(client.basic, client_id=client["client_id"])
    assert response.status_code == 200


async def test_tokens_are_issued_after_an_update_while_the_database_is_locked(
    tmp_path: Path,
) -> None:
    async with registrant_at(tmp_path, busy_timeout=0.05) as registrant:
        client = await registrant.register()
        await registrant.put(client)
        with contextlib.closing(sqlite3.connect(tmp_path / "dcr-server.db")) as other:
            other.execute("BEGIN IMMEDIATE")
            assert (await registrant.get_token(client.basic)).status_code == 200
            assert (await registrant.read(client.uri, client.token)).status_code == 200


async def test_a_policy_that_was_narrowed_narrows_the_tokens(tmp_path: Path) -> None:
    async with registrant_at(tmp_path) as registrant:
        client = await registrant.register()
    narrow = EVERYTHING.model_copy(update={"scopes": ("b",)})
    async with registrant_at(tmp_path, policies={"default": narrow}) as registrant:
        assert (await registrant.get_token(client.basic)).json()["scope"] == "b"
        refused = await registrant.get_token(client.basic, scope="a")
        assert refused.json()["error"] == "invalid_scope"
    nothing = EVERYTHING.model_copy(update={"grant_types": ()})
    async with registrant_at(tmp_path, policies={"default": nothing}) as registrant:
        refused = await registrant.get_token(client.basic)
        assert refused.json()["error"] == "unauthorized_client"


async def test_s143_a_secret_that_expired_gets_no_token(tmp_path: Path) -> None:
    expiring = EVERYTHING.model_copy(update={"secret_lifetime": 60})
    async with registrant_at(tmp_path, policies={"default": expiring}) as registrant:
        client = await registrant.register()
        registrant.clock.seconds += 59
        assert (await registrant.get_token(client.basic)).status_code == 200
        registrant.clock.seconds += 1
        assert (await registrant.get_token(client.basic)).status_code == 401


@pytest.mark.parametrize("method", ["client_secret_jwt", "none"])
async def test_a_method_that_could_get_no_token_is_not_registered(
    registrant: Registrant, method: str
) -> None:
    response = await registrant.post({**MACHINE, "token_endpoint_auth_method": method})
    assert (response.status_code, response.json()["error"]) == (400, "invalid_client_metadata")


async def test_no_credentials_at_all(registrant: Registrant) -> None:
    response = await registrant.http.post("/token", data={"grant_type": "client_credentials"})
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        pytest.param(b"{}", "application/json", 415, id="not a form"),
        pytest.param(b"scope=a&scope=b", "application/x-www-form-urlencoded", 400, id="repeated"),
        pytest.param(b"scope=%ff", "application/x-www-form-urlencoded", 400, id="not UTF-8"),
        pytest.param(b"scope=\xff", "application/x-www-form-urlencoded", 400, id="not ASCII"),
        pytest.param(b"a=1&" * 99, "application/x-www-form-urlencoded", 400, id="too many"),
    ],
)
async def test_bad_bodies(
    registrant: Registrant, body: bytes, content_type: str, status: int
) -> None:
    response = await registrant.http.post(
        "/token", content=body, headers={"Content-Type": content_type}
    )
    assert (response.status_code, response.json()["error"]) == (status, "invalid_request")


async def test_a_policy_names_the_audiences(tmp_path: Path) -> None:
    policies = {"p": EVERYTHING.model_copy(update={"audiences": ("https://a", "https://b")})}
    async with registrant_at(tmp_path, policies=policies) as registrant:
        client = await registrant.register()
        every = await _claims(registrant, await registrant.get_token(client.basic))
        one = await registrant.get_token(client.basic, resource="https://b")
        assert every.claims["aud"] == ["https://a", "https://b"]
        assert (await _claims(registrant, one)).claims["aud"] == "https://b"


async def test_a_client_of_a_policy_that_is_gone_gets_no_token(tmp_path: Path) -> None:
    async with registrant_at(tmp_path, policies={"old": EVERYTHING}) as registrant:
        client = await registrant.register(MACHINE)
    async with registrant_at(tmp_path, policies={"new": EVERYTHING}) as registrant:
        response = await registrant.get_token(client.basic)
        assert response.json()["error"] == "unauthorized_client"


async def test_tokens_verify_after_a_restart(tmp_path: Path) -> None:
    async with registrant_at(tmp_path) as registrant:
        client = await registrant.register()
        before = await registrant.get_token(client.basic)
    async with registrant_at(tmp_path) as registrant:
        assert (await _claims(registrant, before)).claims["sub"] == client["client_id"]
        assert len((await registrant.http.get("/jwks")).json()["keys"]) == 1


async def test_the_jwks_shows_public_parts_only(registrant: Registrant) -> None:
    (key,) = (await registrant.http.get("/jwks")).json()["keys"]
    assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
