"""RFC 6749 §2.3, RFC 7521 §4.2, RFC 7523 §3: who a client is, at every endpoint that asks."""

from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from dcr_protocol.json_document import JsonValue
from dcr_server.client_assertions import CLIENT_ASSERTION_TYPE
from tests.fakes.client_keys import ClientKey, assertion_claims, client_key, to_json
from tests.fakes.https_publisher import json_answer, publishing, raw_answer
from tests.unit.server.registrant import (
    EVERYTHING,
    MACHINE,
    Registered,
    Registrant,
    registrant_at,
)

ISSUER = "https://auth.test"
KEY = client_key()
POST: Mapping[str, JsonValue] = {**MACHINE, "token_endpoint_auth_method": "client_secret_post"}
PRIVATE_KEY_JWT: Mapping[str, JsonValue] = {
    **MACHINE,
    "token_endpoint_auth_method": "private_key_jwt",
    "jwks": KEY.jwks,
}
BY_URI: Mapping[str, JsonValue] = {
    **MACHINE,
    "token_endpoint_auth_method": "private_key_jwt",
}


async def token(registrant: Registrant, form: Mapping[str, str], **headers: str) -> httpx.Response:
    return await registrant.http.post(
        "/token", data={"grant_type": "client_credentials", **form}, headers=headers
    )


def with_assertion(text: str) -> dict[str, str]:
    return {"client_assertion_type": CLIENT_ASSERTION_TYPE, "client_assertion": text}


def assertion(
    registrant: Registrant, client: Registered, key: ClientKey = KEY, **claims: JsonValue
) -> dict[str, str]:
    return with_assertion(
        key.sign(assertion_claims(client["client_id"], ISSUER, registrant.clock(), **claims))
    )


def is_refused(response: httpx.Response) -> bool:
    """Every failure looks the same."""
    assert response.json() == {
        "error": "invalid_client",
        "error_description": "client authentication failed",
    }
    assert response.headers["www-authenticate"].startswith("Basic ")
    return response.status_code == 401


async def test_client_secret_post_authenticates_where_it_is_registered(
    registrant: Registrant,
) -> None:
    client = await registrant.register(POST)
    client_id, secret = client.basic
    good = {"client_id": client_id, "client_secret": secret}
    assert (await token(registrant, good)).status_code == 200
    assert is_refused(await token(registrant, {**good, "client_secret": "wrong"}))
    assert is_refused(await token(registrant, {"client_secret": secret}))
    assert is_refused(await token(registrant, {"client_id": client_id}))


async def test_private_key_jwt_authenticates_where_it_is_registered(registrant: Registrant) -> None:
    client = await registrant.register(PRIVATE_KEY_JWT)
    assert (await token(registrant, assertion(registrant, client))).status_code == 200
    named = {**assertion(registrant, client, jti="2"), "client_id": client["client_id"]}
    assert (await token(registrant, named)).status_code == 200
    assert "client_secret" not in client.document


@pytest.mark.parametrize("metadata", [MACHINE, POST], ids=["basic", "post"])
async def test_a_secret_is_sent_in_the_registered_way_only(
    registrant: Registrant, metadata: Mapping[str, JsonValue]
) -> None:
    client = await registrant.register(metadata)
    client_id, secret = client.basic
    by_header = await registrant.get_token(client.basic)
    by_body = await token(registrant, {"client_id": client_id, "client_secret": secret})
    assert sorted([by_header.status_code, by_body.status_code]) == [200, 401]


async def test_a_client_with_a_secret_has_no_use_for_an_assertion(registrant: Registrant) -> None:
    client = await registrant.register({**MACHINE, "jwks": KEY.jwks})
    assert is_refused(await token(registrant, assertion(registrant, client)))


async def test_a_client_with_a_key_has_no_use_for_a_secret(registrant: Registrant) -> None:
    client = await registrant.register(PRIVATE_KEY_JWT)
    assert is_refused(await registrant.get_token((client["client_id"], "")))
    assert is_refused(await registrant.get_token((client["client_id"], "None")))


@pytest.mark.parametrize(
    ("form", "header"),
    [
        pytest.param({"client_secret": "x"}, True, id="header and secret"),
        pytest.param(with_assertion("x"), True, id="header and assertion"),
        pytest.param({"client_secret": "x", **with_assertion("x")}, False, id="secret, assertion"),
        pytest.param({"client_assertion_type": "x"}, True, id="header and half an assertion"),
    ],
)
async def test_one_way_per_request(
    registrant: Registrant, form: dict[str, str], header: bool
) -> None:
    headers = {"Authorization": "Basic YTpi"} if header else {}
    response = await token(registrant, {"client_id": "a", **form}, **headers)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


async def test_two_headers_are_two_ways(registrant: Registrant) -> None:
    response = await registrant.http.post(
        "/token",
        data={"grant_type": "client_credentials"},
        headers=[("Authorization", "Basic YTpi"), ("Authorization", "Basic YTpi")],
    )
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("form", "header"),
    [
        pytest.param({}, "", id="nothing"),
        pytest.param({}, "Bearer x", id="a bearer token"),
        pytest.param({}, "Basic !", id="no base64"),
        pytest.param({}, "Basic YQ==", id="no colon"),
        pytest.param({}, "Basic YTpi", id="an unknown client"),
        pytest.param({"client_id": "a", "client_secret": "b"}, "", id="an unknown client by post"),
        pytest.param({"client_id": "a\0", "client_secret": "b"}, "", id="a NUL in the name"),
        pytest.param({"client_id": "é", "client_secret": "b"}, "", id="a name of other letters"),
        pytest.param(with_assertion("x"), "", id="no JWT"),
        pytest.param({"client_assertion_type": CLIENT_ASSERTION_TYPE}, "", id="no assertion"),
        pytest.param({"client_assertion": "x.y.z"}, "", id="no type of assertion"),
        pytest.param(
            {"client_assertion": "x", "client_assertion_type": "saml2-bearer"}, "", id="SAML"
        ),
    ],
)
async def test_every_failure_is_the_same(
    registrant: Registrant, form: dict[str, str], header: str
) -> None:
    assert is_refused(
        await token(registrant, form, **({"Authorization": header} if header else {}))
    )


async def test_an_assertion_of_an_unknown_client_is_refused(registrant: Registrant) -> None:
    client = await registrant.register(PRIVATE_KEY_JWT)
    await registrant.delete(client.uri, client.token)
    assert is_refused(await token(registrant, assertion(registrant, client)))


async def test_the_client_id_parameter_is_that_of_the_assertion(registrant: Registrant) -> None:
    client = await registrant.register(PRIVATE_KEY_JWT)
    form = {**assertion(registrant, client), "client_id": "other"}
    assert is_refused(await token(registrant, form))


async def test_the_audience_is_the_issuer_or_the_token_endpoint_unless_the_policy_is_strict(
    tmp_path: Path,
) -> None:
    strict = EVERYTHING.model_copy(update={"client_assertion_audience": "issuer"})
    for policy, status in ((EVERYTHING, 200), (strict, 401)):
        async with registrant_at(tmp_path, policies={"default": policy}) as registrant:
            client = await registrant.register(PRIVATE_KEY_JWT)
            form = assertion(registrant, client, aud=f"{ISSUER}/token")
            assert (await token(registrant, form)).status_code == status


async def test_an_assertion_is_good_for_one_use_and_another_client_may_use_the_same_jti(
    registrant: Registrant,
) -> None:
    first, second = [await registrant.register(PRIVATE_KEY_JWT) for _ in range(2)]
    form = assertion(registrant, first)
    assert (await token(registrant, form)).status_code == 200
    assert is_refused(await token(registrant, form))
    assert (await token(registrant, assertion(registrant, second))).status_code == 200


async def test_what_failed_did_not_use_the_jti_up(registrant: Registrant) -> None:
    client = await registrant.register(PRIVATE_KEY_JWT)
    forged = assertion(registrant, client, client_key(number=1))
    assert is_refused(await token(registrant, forged))
    assert (await token(registrant, assertion(registrant, client))).status_code == 200


async def test_keys_come_from_the_registered_jwks_uri(tmp_path: Path) -> None:
    async with (
        publishing(tmp_path, json_answer(to_json(KEY.jwks))) as publisher,
        registrant_at(tmp_path, fetcher=publisher.fetcher()) as registrant,
    ):
        client = await registrant.register({**BY_URI, "jwks_uri": publisher.url()})
        assert publisher.requests == []
        for jti in ("1", "2"):
            form = assertion(registrant, client, jti=jti)
            assert (await token(registrant, form)).status_code == 200
        assert len(publisher.requests) == 1
        forged = assertion(registrant, client, client_key(number=1), jti="3")
        assert is_refused(await token(registrant, forged))


async def test_nonsense_makes_nobody_fetch(tmp_path: Path) -> None:
    async with (
        publishing(tmp_path, raw_answer("HTTP/1.1 500 No")) as publisher,
        registrant_at(tmp_path, fetcher=publisher.fetcher()) as registrant,
    ):
        client = await registrant.register({**BY_URI, "jwks_uri": publisher.url()})
        for wrong in ({"exp": 1}, {"aud": "https://other"}, {"jti": None}):
            assert is_refused(await token(registrant, assertion(registrant, client, **wrong)))
        assert publisher.requests == []
        assert is_refused(await token(registrant, assertion(registrant, client)))
        assert len(publisher.requests) == 1


async def test_the_first_use_of_a_key_ends_the_time_of_an_unused_client(tmp_path: Path) -> None:
    policy = EVERYTHING.model_copy(update={"unused_client_lifetime": 100})
    async with registrant_at(tmp_path, policies={"default": policy}) as registrant:
        used, unused = [await registrant.register(PRIVATE_KEY_JWT) for _ in range(2)]
        assert (await token(registrant, assertion(registrant, used))).status_code == 200
        registrant.clock.seconds += 100
        again = assertion(registrant, used, jti="2")
        assert (await token(registrant, again)).status_code == 200
        assert is_refused(await token(registrant, assertion(registrant, unused)))


@pytest.mark.parametrize("algorithm", ["HS256", "ES256K", "RSA1_5"])
async def test_an_algorithm_that_is_not_served_is_not_registered(
    registrant: Registrant, algorithm: str
) -> None:
    response = await registrant.post(
        {**PRIVATE_KEY_JWT, "token_endpoint_auth_signing_alg": algorithm}
    )
    assert (response.status_code, response.json()["error"]) == (400, "invalid_client_metadata")


async def test_s143_a_secret_whose_time_is_over_gets_no_token_and_manages_the_client(
    tmp_path: Path,
) -> None:
    policy = EVERYTHING.model_copy(update={"secret_lifetime": 100})
    async with registrant_at(tmp_path, policies={"default": policy}) as registrant:
        client = await registrant.register()
        registrant.clock.seconds += 99
        assert (await registrant.get_token(client.basic)).status_code == 200
        registrant.clock.seconds += 1
        assert is_refused(await registrant.get_token(client.basic))
        renewed = await registrant.put(client)
        assert renewed.status_code == 200
        fresh = Registered(renewed.json())
        assert (await registrant.get_token(fresh.basic)).status_code == 200


async def test_the_secret_before_is_valid_for_the_overlap(registrant: Registrant) -> None:
    client = await registrant.register()
    rotated = await registrant.http.post(
        f"{client.uri}/secret",
        json={"overlap": 60},
        headers={"Authorization": f"Bearer {client.token}"},
    )
    fresh = Registered(rotated.json())
    for basic in (fresh.basic, client.basic):
        assert (await registrant.get_token(basic)).status_code == 200
    registrant.clock.seconds += 60
    assert is_refused(await registrant.get_token(client.basic))
    assert (await registrant.get_token(fresh.basic)).status_code == 200


async def test_an_unknown_client_is_judged_like_a_known_one_to_the_signature(
    registrant: Registrant,
) -> None:
    client = await registrant.register(PRIVATE_KEY_JWT)
    unknown = Registered({"client_id": "unknown"})
    with capture_logs() as logs:
        for claimed in (client, unknown):
            form = assertion(registrant, claimed, client_key(number=1))
            assert is_refused(await token(registrant, form))
    failures = [each for each in logs if each["event"] == "client_authentication_failed"]
    assert [each["reason"] for each in failures] == ["the signature does not verify"] * 2


async def test_the_reason_is_in_the_log_and_the_assertion_is_not(registrant: Registrant) -> None:
    client = await registrant.register(PRIVATE_KEY_JWT)
    form = assertion(registrant, client, exp=1)
    with capture_logs() as logs:
        assert is_refused(await token(registrant, form))
    assert {"reason": "expired", "client_id": client["client_id"]}.items() <= logs[0].items()
    assert form["client_assertion"].split(".")[1] not in str(logs)
