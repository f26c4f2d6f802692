"""A software statement that is enough to register: RFC 7591 §2.3."""

from pathlib import Path

import pytest

from dcr_server import software_statements
from dcr_server.json_web_tokens import UnverifiedJwt
from dcr_server.remote_keys import Keys
from dcr_server.verification_keys import verify_signature
from tests.fakes.statement_signer import ISSUER
from tests.unit.server.registrant import Registered
from tests.unit.server.statement_bearers import (
    KEY,
    OTHER,
    SIGNER,
    VOUCHED,
    WEB,
    registering,
    with_statement,
    without_token,
)


async def test_a_statement_alone_admits_where_its_issuer_has_a_policy(tmp_path: Path) -> None:
    async with registering(tmp_path, policy="web") as registrant:
        status, document = await without_token(registrant, with_statement())
        assert status == 201, document
        client = Registered(document)
        stored = await registrant.server.storage.clients.find(client["client_id"])
        assert stored is not None
        assert (stored.owner.policy, stored.owner.subject) == ("web", f"{ISSUER} shop")
        assert (await registrant.put(client, with_statement())).status_code == 200


async def test_a_statement_that_admits_alone_is_verified_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[str] = []

    def verify(jwt: UnverifiedJwt, keys: Keys, *, algorithms: tuple[str, ...]) -> None:
        verified.append(jwt.algorithm)
        verify_signature(jwt, keys, algorithms=algorithms)

    monkeypatch.setattr(software_statements, "verify_signature", verify)
    async with registering(tmp_path, policy="web") as registrant:
        assert (await without_token(registrant, with_statement()))[0] == 201
        assert len(verified) == 1
        forged = f"{SIGNER.statement(**VOUCHED)[:-8]}AAAAAAAA"
        assert (await without_token(registrant, with_statement(forged)))[0] == 400
        for body in (b"{", b"[]", b""):
            headers = {"Content-Type": "application/json"}
            answer = await registrant.http.post("/connect/register", content=body, headers=headers)
            assert answer.status_code == 401


async def test_a_statement_alone_admits_nobody_where_its_issuer_has_none(tmp_path: Path) -> None:
    async with registering(tmp_path) as registrant:
        status, document = await without_token(registrant, with_statement())
        assert (status, document["error"]) == (401, "invalid_token")
    async with registering(tmp_path, policy="web") as registrant:
        text = OTHER.statement(**VOUCHED)
        assert (await without_token(registrant, with_statement(text)))[0] == 401
        assert (await without_token(registrant, WEB))[0] == 401


async def test_a_bad_token_is_not_made_up_for_by_a_good_statement(tmp_path: Path) -> None:
    async with registering(tmp_path, policy="web") as registrant:
        response = await registrant.post(with_statement(), token="dcr_iat_wrong")
        assert response.status_code == 401


async def test_what_a_statement_admitted_stays_that_software(tmp_path: Path) -> None:
    async with registering(tmp_path, policy="web") as registrant:
        client = Registered((await without_token(registrant, with_statement()))[1])
        other = SIGNER.statement(**{**VOUCHED, "software_id": "bank"})
        response = await registrant.put(client, with_statement(other))
        assert response.json()["error"] == "unapproved_software_statement"


async def test_it_stays_so_when_its_issuer_admits_nobody_any_more(tmp_path: Path) -> None:
    async with registering(tmp_path, policy="web") as registrant:
        client = Registered((await without_token(registrant, with_statement()))[1])
    both = (ISSUER, OTHER.issuer)
    async with registering(tmp_path, "accepted", counting=both) as registrant:
        # Also by the way of an update without any statement.
        client = Registered((await registrant.put(client, WEB)).json())
        response = await registrant.put(client, with_statement(OTHER.statement(**VOUCHED)))
        assert response.json()["error"] == "unapproved_software_statement"
        assert (await registrant.put(client, with_statement())).status_code == 200


async def test_what_a_token_registered_may_come_with_another_statement(tmp_path: Path) -> None:
    async with registering(tmp_path, counting=(ISSUER, OTHER.issuer)) as registrant:
        client = await registrant.register(with_statement())
        response = await registrant.put(client, with_statement(OTHER.statement(**VOUCHED)))
        assert response.status_code == 200


async def test_a_registration_by_statement_alone_can_be_repeated_by_whoever_made_it(
    tmp_path: Path,
) -> None:
    async with registering(tmp_path, policy="web") as registrant:
        body = with_statement()
        first = await without_token(registrant, body, Idempotency_Key=KEY)
        again = await without_token(registrant, body, Idempotency_Key=KEY)
        assert (first[0], again[0]) == (201, 201)
        assert first[1]["client_id"] == again[1]["client_id"]
        # A statement is known to many: a short key is known soon, too.
        short = await without_token(registrant, body, Idempotency_Key="1")
        assert short[0] == 400
