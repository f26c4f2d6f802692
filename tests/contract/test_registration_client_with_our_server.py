"""The operator's HTTP client meets our own server: the two halves of one protocol."""

import dataclasses
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from starlette.types import ASGIApp

from dcr_operator.outcomes import (
    CredentialsAccepted,
    CredentialsRejected,
    Deleted,
    Discovered,
    InitialAccessTokenRejected,
    Outcome,
    Refused,
    Registered,
    RegistrationAccessTokenRejected,
)
from dcr_operator.ports import Management, ProviderConnection
from dcr_operator.registration_client import HttpRegistrationClient
from dcr_protocol.client_information import ClientInformation
from dcr_protocol.secret_rotation import secret_rotation_request
from dcr_server.app import create_app
from dcr_server.policies import DEVELOPMENT_POLICY, OpenRegistration
from dcr_server.rates import Rate
from tests.fakes.dcr_server_app import (
    ISSUER,
    Mint,
    minting_for,
    running_app,
    running_server,
)

CONNECTION = ProviderConnection("ClusterOAuthProvider/main", ISSUER)
METADATA = {"client_name": "app", "grant_types": ["client_credentials"], "response_types": []}


@dataclass(frozen=True)
class Pair:
    """Our client and our server, wired without sockets."""

    client: HttpRegistrationClient
    mint: Mint

    async def endpoint(self) -> str:
        found = await self.client.discover(CONNECTION)
        assert isinstance(found, Discovered)
        assert found.metadata.registration_endpoint is not None
        return found.metadata.registration_endpoint

    async def register(
        self, token: SecretStr | None, *, key: str = "key-1", **more: object
    ) -> Outcome:
        body = json.dumps(METADATA | more).encode()
        return await self.client.register(
            CONNECTION,
            await self.endpoint(),
            body,
            initial_access_token=token,
            idempotency_key=key,
        )

    async def registered(self) -> ClientInformation:
        return information(await self.register(await self.mint()))

    async def probe(self, client: ClientInformation) -> object:
        assert client.client_secret is not None
        return await self.client.probe(
            CONNECTION,
            f"{ISSUER}/token",
            client_id=client.client_id,
            client_secret=client.client_secret,
            auth_method="client_secret_basic",
        )


def information(outcome: Outcome) -> ClientInformation:
    assert isinstance(outcome, Registered)
    return outcome.information


def management(client: ClientInformation) -> Management:
    assert client.registration_client_uri is not None
    assert client.registration_access_token is not None
    return Management(client.registration_client_uri, client.registration_access_token)


def update_body(client: ClientInformation, name: str) -> bytes:
    return json.dumps({**METADATA, "client_id": client.client_id, "client_name": name}).encode()


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    async with running_app(tmp_path) as (app, mint):
        client = HttpRegistrationClient(make_transport=lambda _c, _t: transport_to(app))
        yield Pair(client, mint)
        await client.close()


def transport_to(app: ASGIApp) -> httpx.AsyncBaseTransport:
    return httpx.ASGITransport(app)


async def test_discovery_says_that_requests_may_be_repeated(pair: Pair) -> None:
    found = await pair.client.discover(CONNECTION)
    assert isinstance(found, Discovered)
    assert found.metadata.registration_idempotency_supported


async def test_a_registration_yields_everything_that_managing_needs(pair: Pair) -> None:
    client = await pair.registered()
    assert client.client_secret is not None
    assert client.metadata["client_name"] == "app"
    assert management(client).registration_client_uri.startswith(ISSUER)
    assert await pair.probe(client) == CredentialsAccepted()


async def test_a_repeated_registration_is_the_same_client(pair: Pair) -> None:
    """A lost answer: the intent is repeated with its key, even with a token for one use."""
    token = await pair.mint(max_uses=1)
    first = information(await pair.register(token))
    second = information(await pair.register(token))
    assert second.client_id == first.client_id
    assert await pair.probe(second) == CredentialsAccepted()


async def test_an_intent_of_the_operator_repeats_an_open_registration_too(tmp_path: Path) -> None:
    """Its key is a UUID: long enough to tell strangers apart."""
    async with running_server(tmp_path) as closed:
        opened = OpenRegistration(policy=DEVELOPMENT_POLICY, rate=Rate(9, 60))
        app = create_app(dataclasses.replace(closed, open_registration=opened))
        client = HttpRegistrationClient(make_transport=lambda _c, _t: transport_to(app))
        pair = Pair(client, minting_for(closed))
        intent = str(uuid.UUID(int=7))
        first = information(await pair.register(None, key=intent))
        second = information(await pair.register(None, key=intent))
        assert second.client_id == first.client_id
        assert isinstance(await pair.register(None, key="key-1"), Refused)
        await client.close()


async def test_a_client_is_read_updated_and_deleted(pair: Pair) -> None:
    client = await pair.registered()
    read = information(await pair.client.read(CONNECTION, management(client)))
    assert read.client_id == client.client_id
    updated = information(
        await pair.client.update(
            CONNECTION,
            management(client),
            update_body(client, "renamed"),
            idempotency_key="key-2",
        )
    )
    assert updated.metadata["client_name"] == "renamed"
    token = updated.registration_access_token or management(client).registration_access_token
    held = Management(management(client).registration_client_uri, token)
    assert await pair.client.delete(CONNECTION, held) == Deleted()
    assert await pair.probe(client) == CredentialsRejected()
    assert await pair.client.delete(CONNECTION, held) == RegistrationAccessTokenRejected()
    assert await pair.client.read(CONNECTION, held) == RegistrationAccessTokenRejected()


async def test_a_rotated_secret_and_the_one_before_are_valid_during_the_overlap(
    pair: Pair,
) -> None:
    client = await pair.registered()
    body = secret_rotation_request(60)
    rotated = information(
        await pair.client.rotate(CONNECTION, management(client), body, idempotency_key="key-2")
    )
    assert rotated.client_secret not in (None, client.client_secret)
    for held in (client, rotated, client):
        assert await pair.probe(held) == CredentialsAccepted()


async def test_a_repeated_rotation_brings_a_secret_that_works(pair: Pair) -> None:
    client = await pair.registered()
    lost, repeated = [
        information(
            await pair.client.rotate(
                CONNECTION,
                management(client),
                secret_rotation_request(0),
                idempotency_key="key-2",
            )
        )
        for _ in range(2)
    ]
    assert repeated.client_secret != lost.client_secret
    assert await pair.probe(repeated) == CredentialsAccepted()
    assert await pair.probe(lost) == CredentialsRejected()
    assert await pair.probe(client) == CredentialsRejected()


@pytest.mark.parametrize("token", [None, SecretStr("wrong")], ids=["none", "wrong"])
async def test_without_a_valid_initial_access_token_nothing_is_registered(
    pair: Pair, token: SecretStr | None
) -> None:
    assert isinstance(await pair.register(token), InitialAccessTokenRejected)


async def test_a_spent_initial_access_token_is_rejected(pair: Pair) -> None:
    token = await pair.mint(max_uses=1)
    await pair.register(token, key="first")
    assert isinstance(await pair.register(token, key="second"), InitialAccessTokenRejected)


async def test_metadata_that_breaks_a_rule_are_refused_with_the_rfcs_code(pair: Pair) -> None:
    outcome = await pair.register(
        await pair.mint(),
        grant_types=["authorization_code"],
        response_types=["code"],
        redirect_uris=["https://app.example.com/#fragment"],
    )
    assert isinstance(outcome, Refused)
    assert (outcome.status, outcome.code) == (400, "invalid_redirect_uri")


async def test_the_token_of_one_client_does_not_open_another(pair: Pair) -> None:
    one, other = (
        await pair.registered(),
        information(await pair.register(await pair.mint(), key="other")),
    )
    mixed = Management(
        management(one).registration_client_uri, management(other).registration_access_token
    )
    assert await pair.client.read(CONNECTION, mixed) == RegistrationAccessTokenRejected()
