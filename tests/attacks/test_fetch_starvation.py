"""Documents that never come must not hold up what others need to be fetched."""

import asyncio
import json
from pathlib import Path

import pytest

from dcr_server.fetch_targets import FetchError
from dcr_server.fetching import DEFAULT_LIMITS
from dcr_server.opening import Outside, make_outside
from dcr_server.remote_keys import KeysUnavailable
from dcr_server.settings import Settings
from tests.fakes.https_publisher import Answer, Publisher, json_answer, publishing, silence
from tests.fakes.statement_signer import ISSUER, NOW, StatementSigner

SIGNER = StatementSigner()
KEYS = json_answer(json.dumps({"keys": [SIGNER.jwk()]}).encode())
HOST = "localhost"


def outside(publisher: Publisher) -> Outside:
    """Make it as the server does, with the system's resolver."""
    return make_outside(
        Settings.model_validate(
            {
                "fetch_allowed_hosts": [HOST],
                "fetch_ca_file": publisher.ca_file,
                "statement_issuers": {ISSUER: {"jwks_uri": publisher.url("/issuer")}},
            }
        )
    )


def slow_but_for(*paths: str, publisher: Publisher) -> Answer:
    """Answer requests for these paths; all others wait for ever."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        path = publisher.requests[-1].split(" ")[1]
        await (KEYS if path in paths else silence)(writer)

    return answer


async def test_s170_slow_documents_of_strangers_do_not_hold_up_the_keys_of_others(
    tmp_path: Path,
) -> None:
    async with publishing(tmp_path, silence, HOST) as publisher:
        publisher.answer = slow_but_for("/issuer", "/client", publisher=publisher)
        made = outside(publisher)
        more_than_places = range(2 * DEFAULT_LIMITS.at_once)
        busy = [
            asyncio.create_task(made.fetcher.fetch_json(publisher.url(f"/{number}")))
            for number in more_than_places
        ]
        await publisher.arrived.wait()
        statement = await made.statements.verified(SIGNER.statement(), now=NOW)
        keys = await made.remote_keys.keys(publisher.url("/client"), kid=None)
        assert not any(task.done() for task in busy)
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)
    assert statement.issuer == ISSUER
    assert len(keys) == 1


async def test_s170_slow_key_sets_of_clients_do_not_hold_up_those_of_issuers(
    tmp_path: Path,
) -> None:
    async with publishing(tmp_path, silence, HOST) as publisher:
        publisher.answer = slow_but_for("/issuer", publisher=publisher)
        made = outside(publisher)
        busy = [
            asyncio.create_task(made.remote_keys.keys(publisher.url(f"/{number}"), kid="x"))
            for number in range(2 * DEFAULT_LIMITS.at_once)
        ]
        await publisher.arrived.wait()
        assert (await made.statements.verified(SIGNER.statement(), now=NOW)).issuer == ISSUER
        assert not any(task.done() for task in busy)
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)


async def test_s170_many_assertions_with_made_up_kids_are_one_request(tmp_path: Path) -> None:
    async with publishing(tmp_path, KEYS, HOST) as publisher:
        made = outside(publisher)
        await asyncio.gather(
            *(made.remote_keys.keys(publisher.url(), kid=str(number)) for number in range(200))
        )
        assert publisher.connections == 1


async def test_s170_a_key_set_that_fails_is_not_asked_for_by_each_assertion(
    tmp_path: Path,
) -> None:
    async with publishing(tmp_path, json_answer(b"{}"), HOST) as publisher:
        made = outside(publisher)
        for _ in range(20):
            with pytest.raises(KeysUnavailable):
                await made.remote_keys.keys(publisher.url(), kid="x")
        assert publisher.connections == 1
        with pytest.raises(FetchError):
            await made.fetcher.fetch_json(publisher.url("/", name="127.0.0.1"))
