import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dcr_protocol.json_document import JsonValue
from tests.fakes.https_publisher import Publisher, json_answer, publishing
from tests.unit.server.registrant import Registrant, registrant_at

ONE = "https://shop.example.com/cb"
TWO = "https://shop.example.org/cb"


def pairwise(*redirect_uris: str, **members: JsonValue) -> dict[str, JsonValue]:
    return {"redirect_uris": [*redirect_uris], "subject_type": "pairwise", **members}


def listing(*uris: object) -> bytes:
    return json.dumps(uris).encode()


@contextlib.asynccontextmanager
async def published(tmp_path: Path, document: bytes) -> AsyncIterator[tuple[Publisher, Registrant]]:
    async with (
        publishing(tmp_path, json_answer(document)) as publisher,
        registrant_at(tmp_path, fetcher=publisher.fetcher()) as registrant,
    ):
        yield publisher, registrant


async def registered(
    tmp_path: Path, document: bytes, *redirect_uris: str
) -> tuple[Publisher, int, dict[str, JsonValue]]:
    """Register with a sector identifier that publishes this document."""
    async with published(tmp_path, document) as (publisher, registrant):
        body = pairwise(*redirect_uris, sector_identifier_uri=publisher.url("/sector"))
        response = await registrant.post(body)
    return publisher, response.status_code, response.json()


@pytest.mark.parametrize(
    "document", [listing(ONE, TWO), listing(TWO, "https://more.example/", ONE), listing(ONE)]
)
async def test_s150_each_redirect_uri_is_in_the_document(tmp_path: Path, document: bytes) -> None:
    uris = [uri for uri in (ONE, TWO) if uri.encode() in document]
    publisher, status, answer = await registered(tmp_path, document, *uris)
    assert (status, answer["subject_type"]) == (201, "pairwise")
    assert answer["sector_identifier_uri"] == publisher.url("/sector")
    assert len(publisher.requests) == 1


@pytest.mark.parametrize(
    "document",
    [
        listing(),
        listing(TWO),
        listing(ONE + "/"),
        listing(ONE.upper()),
        listing(ONE, 7),
        listing([ONE]),
        json.dumps({"redirect_uris": [ONE]}).encode(),
        json.dumps(ONE).encode(),
        b"null",
        b"<html>",
    ],
)
async def test_s150_a_document_that_does_not_list_it_is_no_sector(
    tmp_path: Path, document: bytes
) -> None:
    _, status, answer = await registered(tmp_path, document, ONE)
    assert (status, answer["error"]) == (400, "invalid_client_metadata")
    assert str(answer["error_description"]).startswith("sector_identifier_uri")


@pytest.mark.parametrize(
    ("redirect_uris", "status"), [((ONE,), 201), ((ONE, ONE + "2"), 201), ((ONE, TWO), 400)]
)
async def test_s152_without_a_document_one_host_is_the_sector(
    registrant: Registrant, redirect_uris: tuple[str, ...], status: int
) -> None:
    assert (await registrant.post(pairwise(*redirect_uris))).status_code == status


async def test_s151_a_document_that_changes_later_does_not_matter_until_the_next_update(
    tmp_path: Path,
) -> None:
    async with published(tmp_path, listing(ONE)) as (publisher, registrant):
        body = pairwise(ONE, sector_identifier_uri=publisher.url())
        client = await registrant.register(body)
        publisher.answer = json_answer(listing(TWO))
        assert (await registrant.read(client.uri, client.token)).status_code == 200
        assert (await registrant.put(client, body)).status_code == 400
        read = await registrant.read(client.uri, client.token)
        assert read.json()["redirect_uris"] == [ONE]


async def test_s129_an_update_fetches_the_document_anew(tmp_path: Path) -> None:
    async with published(tmp_path, listing(ONE, TWO)) as (publisher, registrant):
        client = await registrant.register(pairwise(ONE))
        body = pairwise(ONE, TWO, sector_identifier_uri=publisher.url())
        response = await registrant.put(client, body)
    assert response.status_code == 200, response.text
    assert len(publisher.requests) == 1


async def test_s154_a_document_at_a_private_address_is_not_fetched(tmp_path: Path) -> None:
    async with publishing(tmp_path, json_answer(listing(ONE))) as publisher:
        fetcher = publisher.fetcher(allowed_hosts=[])
        async with registrant_at(tmp_path, fetcher=fetcher) as registrant:
            body = pairwise(ONE, sector_identifier_uri=publisher.url())
            response = await registrant.post(body)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_client_metadata")
    assert "does not resolve to public addresses" in response.json()["error_description"]
    assert publisher.connections == 0


async def test_s154_nothing_is_fetched_for_a_registration_that_is_refused_anyway(
    tmp_path: Path,
) -> None:
    async with published(tmp_path, listing(ONE)) as (publisher, registrant):
        body = pairwise(ONE, sector_identifier_uri=publisher.url())
        assert (await registrant.post(body, token="dcr_iat_x")).status_code == 401
        body["grant_types"] = ["password"]
        assert (await registrant.post(body)).status_code == 400
    assert publisher.connections == 0


@pytest.mark.parametrize(
    "member", ["logo_uri", "client_uri", "policy_uri", "tos_uri", "jwks_uri", "initiate_login_uri"]
)
async def test_s170_no_other_url_is_fetched_at_registration(tmp_path: Path, member: str) -> None:
    async with published(tmp_path, listing()) as (publisher, registrant):
        client = await registrant.register({"redirect_uris": [ONE], member: publisher.url()})
        assert client[member] == publisher.url()
    assert publisher.connections == 0
