"""Software statements at the endpoints: RFC 7591 §2.3, RFC 7592 §2.2."""

import asyncio
import json
from pathlib import Path

import pytest

from dcr_protocol.json_document import JsonValue
from tests.fakes.https_publisher import json_answer, publishing
from tests.fakes.statement_signer import ISSUER, NOW
from tests.unit.server.registrant import registrant_at
from tests.unit.server.statement_bearers import (
    KEY,
    OTHER,
    SIGNER,
    VOUCHED,
    WEB,
    policy,
    registering,
    with_statement,
)


async def test_s074_the_statement_comes_back_unmodified_and_its_values_beside_it(
    tmp_path: Path,
) -> None:
    text = SIGNER.statement(**VOUCHED)
    async with registering(tmp_path) as registrant:
        client = await registrant.register(with_statement(text))
        read = (await registrant.read(client.uri, client.token)).json()
    for document in (client.document, read):
        assert document["software_statement"] == text
        assert document["redirect_uris"] == WEB["redirect_uris"]
        assert (document["client_name"], document["software_version"]) == ("Shop", "1")
        assert document["software_id"] == "shop"


async def test_s073_its_values_win_over_those_of_the_request(tmp_path: Path) -> None:
    async with registering(tmp_path) as registrant:
        client = await registrant.register(
            with_statement(
                client_name="Bank",
                redirect_uris=["https://other.test/cb"],
                contacts=["a@shop.test"],
            )
        )
    assert client["client_name"] == "Shop"
    assert client.document["redirect_uris"] == WEB["redirect_uris"]
    assert client.document["contacts"] == ["a@shop.test"]


async def test_s073_the_policy_judges_what_the_statement_says(tmp_path: Path) -> None:
    async with registering(tmp_path) as registrant:
        cases: list[tuple[dict[str, JsonValue], str]] = [
            ({"redirect_uris": ["https://elsewhere.test/cb"]}, "invalid_redirect_uri"),
            ({"redirect_uris": ["https://shop.test/cb#x"]}, "invalid_redirect_uri"),
            ({"grant_types": ["implicit"]}, "invalid_client_metadata"),
            ({"client_name": 7}, "invalid_client_metadata"),
        ]
        for claims, code in cases:
            text = SIGNER.statement(**{**VOUCHED, **claims})
            response = await registrant.post(with_statement(text))
            assert (response.status_code, response.json()["error"]) == (400, code)


@pytest.mark.parametrize("absent", [{}, {"software_statement": ""}, {"software_statement": None}])
async def test_s071_a_policy_that_requires_a_statement_refuses_without(
    tmp_path: Path, absent: dict[str, JsonValue]
) -> None:
    async with registering(tmp_path) as registrant:
        response = await registrant.post({**WEB, **absent})
    assert (response.status_code, response.json()["error"]) == (400, "invalid_software_statement")


async def test_s071_a_policy_that_accepts_statements_does_without(tmp_path: Path) -> None:
    async with registering(tmp_path, "accepted") as registrant:
        client = await registrant.register(WEB)
        assert "software_statement" not in client.document
        assert (await registrant.register(with_statement()))["software_statement"]


async def test_s071_a_policy_that_ignores_statements_takes_no_value_from_one(
    tmp_path: Path,
) -> None:
    async with registering(tmp_path, "ignored") as registrant:
        client = await registrant.register({**with_statement(), **WEB, "client_name": "Own"})
    assert client["client_name"] == "Own"
    assert "software_statement" not in client.document


@pytest.mark.parametrize("text", ["", "x", "e30.e30.e30", 7, ["a"], {"a": 1}])
async def test_s072_what_is_no_statement_is_invalid(tmp_path: Path, text: JsonValue) -> None:
    async with registering(tmp_path) as registrant:
        response = await registrant.post({**WEB, "software_statement": text})
    assert (response.status_code, response.json()["error"]) == (400, "invalid_software_statement")


async def test_s072_an_issuer_that_counts_for_other_policies_only_is_unapproved(
    tmp_path: Path,
) -> None:
    async with registering(tmp_path) as registrant:
        response = await registrant.post(with_statement(OTHER.statement(**VOUCHED)))
    assert response.json()["error"] == "unapproved_software_statement"


async def test_s093_a_refused_statement_uses_up_no_token(tmp_path: Path) -> None:
    async with registering(tmp_path) as registrant:
        token = (await registrant.mint("web", max_uses=1)).get_secret_value()
        bad = await registrant.post(with_statement("e30.e30.e30"), token=token)
        assert bad.status_code == 400
        assert (await registrant.post(with_statement(), token=token)).status_code == 201


async def test_s076_an_update_without_or_with_a_broken_statement_is_refused(
    tmp_path: Path,
) -> None:
    async with registering(tmp_path) as registrant:
        client = await registrant.register(with_statement())
        broken = SIGNER.statement(**VOUCHED)[:-4] + "AAAA"
        for body in (dict(WEB), with_statement(broken)):
            response = await registrant.put(client, body)
            assert response.status_code == 400
            assert response.json()["error"] == "invalid_software_statement"
        assert (await registrant.read(client.uri, client.token)).json()["client_name"] == "Shop"


async def test_s076_an_update_with_a_new_statement_takes_its_values(tmp_path: Path) -> None:
    text = SIGNER.statement(**{**VOUCHED, "software_version": "2"})
    async with registering(tmp_path) as registrant:
        client = await registrant.register(with_statement())
        response = await registrant.put(client, with_statement(text, software_version="9"))
    assert response.status_code == 200
    assert response.json()["software_version"] == "2"
    assert response.json()["software_statement"] == text


async def test_s076_a_statement_that_has_expired_since_is_refused_in_an_update(
    tmp_path: Path,
) -> None:
    text = SIGNER.statement(**VOUCHED, exp=NOW + 100)
    async with registering(tmp_path) as registrant:
        client = await registrant.register(with_statement(text))
        registrant.clock.seconds += 161
        response = await registrant.put(client, with_statement(text))
        assert response.json()["error"] == "invalid_software_statement"
        assert (await registrant.read(client.uri, client.token)).status_code == 200


async def test_s075_a_statement_that_serves_once_registers_one_client(tmp_path: Path) -> None:
    text = SIGNER.statement(**VOUCHED, jti="1", exp=NOW + 600)
    async with registering(tmp_path, single_use=True) as registrant:
        client = await registrant.register(with_statement(text), Idempotency_Key=KEY)
        again = await registrant.post(with_statement(text))
        assert again.json()["error"] == "invalid_software_statement"
        # The lost answer of the first, and the client's own updates, are no second use.
        repeated = await registrant.register(with_statement(text), Idempotency_Key=KEY)
        assert repeated["client_id"] == client["client_id"]
        assert (await registrant.put(repeated, with_statement(text))).status_code == 200


async def test_s093_a_registration_that_is_refused_does_not_use_up_the_statement(
    tmp_path: Path,
) -> None:
    text = SIGNER.statement(redirect_uris=WEB["redirect_uris"], jti="1", exp=NOW + 600)
    async with registering(tmp_path, single_use=True) as registrant:
        refused = await registrant.post(with_statement(text, grant_types=["implicit"]))
        assert refused.status_code == 400
        assert (await registrant.post(with_statement(text))).status_code == 201


async def test_s093_a_limit_that_refuses_does_not_use_up_the_statement(tmp_path: Path) -> None:
    text, other = (SIGNER.statement(**VOUCHED, jti=jti, exp=NOW + 600) for jti in ("1", "2"))
    async with registering(tmp_path, single_use=True, max_clients=1) as registrant:
        client = await registrant.register(with_statement(other))
        assert (await registrant.post(with_statement(text))).status_code == 403
        await registrant.delete(client.uri, client.token)
        assert (await registrant.post(with_statement(text))).status_code == 201


async def test_s093_a_refused_single_use_statement_uses_up_no_token(tmp_path: Path) -> None:
    text, other = (SIGNER.statement(**VOUCHED, jti=jti, exp=NOW + 600) for jti in ("1", "2"))
    async with registering(tmp_path, single_use=True) as registrant:
        await registrant.register(with_statement(text))
        token = (await registrant.mint("web", max_uses=1)).get_secret_value()
        refused = await registrant.post(with_statement(text), token=token)
        assert refused.json()["error"] == "invalid_software_statement"
        assert (await registrant.post(with_statement(other), token=token)).status_code == 201


async def test_concurrent_repeats_of_a_single_use_statement_get_the_same_client(
    tmp_path: Path,
) -> None:
    text = SIGNER.statement(**VOUCHED, jti="1", exp=NOW + 600)
    async with registering(tmp_path, single_use=True) as registrant:
        repeats = (registrant.post(with_statement(text), Idempotency_Key=KEY) for _ in range(4))
        answers = await asyncio.gather(*repeats)
        assert [answer.status_code for answer in answers] == [201] * 4
        assert len({answer.json()["client_id"] for answer in answers}) == 1
        strangers = (registrant.post(with_statement(text)) for _ in range(4))
        assert {answer.status_code for answer in await asyncio.gather(*strangers)} == {400}


async def test_keys_of_an_issuer_by_url_come_through_the_fetcher(tmp_path: Path) -> None:
    body = json.dumps({"keys": [SIGNER.jwk()]}).encode()
    async with (
        publishing(tmp_path, json_answer(body)) as publisher,
        registrant_at(
            tmp_path,
            policies={"web": policy("required")},
            statement_issuers={ISSUER: {"jwks_uri": publisher.url("/jwks")}},
            fetcher=publisher.fetcher(),
        ) as registrant,
    ):
        for _ in range(3):
            await registrant.register(with_statement())
        assert len(publisher.requests) == 1
