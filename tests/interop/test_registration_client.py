"""The operator's registration client alone, on real providers over real HTTP."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from pydantic import SecretStr

from dcr_operator.outcomes import (
    CredentialsAccepted,
    CredentialsRejected,
    Deleted,
    Discovered,
    InitialAccessTokenRejected,
    Refused,
    Registered,
    RegistrationAccessTokenRejected,
)
from dcr_operator.ports import Management, ProviderConnection
from dcr_operator.registration_client import HttpRegistrationClient
from dcr_protocol.client_information import ClientInformation
from tests.interop.conftest import InteropProvider

pytestmark = pytest.mark.interop

METADATA = {
    "client_name": "before",
    "grant_types": ["client_credentials"],
    "response_types": [],
    "redirect_uris": [],
    "token_endpoint_auth_method": "client_secret_basic",
}


@dataclass(frozen=True)
class Talk:
    """A registration client with one provider at the other end."""

    client: HttpRegistrationClient
    connection: ProviderConnection
    initial_access_token: SecretStr | None
    registration_endpoint: str
    token_endpoint: str

    async def register(
        self, *, token: SecretStr | None = None, key: str = "k1", **members: object
    ) -> object:
        return await self.client.register(
            self.connection,
            self.registration_endpoint,
            json.dumps(METADATA | members).encode(),
            initial_access_token=token or self.initial_access_token,
            idempotency_key=key,
        )

    async def update(self, information: ClientInformation, **members: object) -> object:
        body = {**METADATA, "client_id": information.client_id, **members}
        return await self.client.update(
            self.connection, management(information), json.dumps(body).encode(), idempotency_key="u"
        )

    async def probe(self, information: ClientInformation) -> object:
        assert information.client_secret is not None
        return await self.client.probe(
            self.connection,
            self.token_endpoint,
            client_id=information.client_id,
            client_secret=information.client_secret,
            auth_method="client_secret_basic",
        )


def management(information: ClientInformation) -> Management:
    assert information.registration_client_uri is not None
    assert information.registration_access_token is not None
    return Management(information.registration_client_uri, information.registration_access_token)


@pytest.fixture
async def talk(provider: InteropProvider) -> AsyncIterator[Talk]:
    client = HttpRegistrationClient()
    connection = ProviderConnection("main", provider.issuer, allow_loopback=True)
    discovered = await client.discover(connection)
    assert isinstance(discovered, Discovered), discovered
    token = provider.initial_access_token
    metadata = discovered.metadata
    yield Talk(
        client,
        connection,
        SecretStr(token) if token else None,
        metadata.registration_endpoint or "",
        metadata.token_endpoint or "",
    )
    await client.close()


@pytest.fixture
async def registered(talk: Talk, request: pytest.FixtureRequest) -> ClientInformation:
    outcome = await talk.register(key=request.node.name)
    assert isinstance(outcome, Registered), outcome
    return outcome.information


async def test_a_registered_client_authenticates(talk: Talk, registered: ClientInformation) -> None:
    assert registered.metadata["client_name"] == "before"
    assert await talk.probe(registered) == CredentialsAccepted()


async def test_a_registration_is_read_as_it_was_made(
    talk: Talk, registered: ClientInformation
) -> None:
    outcome = await talk.client.read(talk.connection, management(registered))
    assert isinstance(outcome, Registered), outcome
    assert outcome.information.client_id == registered.client_id
    assert outcome.information.metadata["client_name"] == "before"


async def test_an_update_changes_the_metadata_and_keeps_the_client(
    talk: Talk, registered: ClientInformation
) -> None:
    outcome = await talk.update(registered, client_name="after")
    assert isinstance(outcome, Registered), outcome
    assert outcome.information.client_id == registered.client_id
    assert outcome.information.metadata["client_name"] == "after"
    assert await talk.probe(registered) == CredentialsAccepted()


async def test_the_token_of_before_an_update_is_refused_once_the_new_one_was_used(
    talk: Talk, registered: ClientInformation
) -> None:
    updated = await talk.update(registered, client_name="after")
    assert isinstance(updated, Registered), updated
    used = await talk.client.read(talk.connection, management(updated.information))
    assert isinstance(used, Registered), used
    outcome = await talk.client.read(talk.connection, management(registered))
    assert outcome == RegistrationAccessTokenRejected()


async def test_a_deleted_client_is_gone(talk: Talk, registered: ClientInformation) -> None:
    assert await talk.client.delete(talk.connection, management(registered)) == Deleted()
    outcome = await talk.client.read(talk.connection, management(registered))
    assert outcome == RegistrationAccessTokenRejected()
    assert await talk.probe(registered) == CredentialsRejected()


async def test_metadata_that_break_a_rule_are_refused_with_the_code_of_the_rfc(talk: Talk) -> None:
    outcome = await talk.register(
        key="bad",
        grant_types=["authorization_code"],
        response_types=["code"],
        redirect_uris=["https://app.example/cb#fragment"],
    )
    assert isinstance(outcome, Refused), outcome
    assert (outcome.status, outcome.code) == (400, "invalid_redirect_uri")


@pytest.mark.parametrize("provider", ["dcr-server", "oidc-provider-with-token"], indirect=True)
async def test_a_wrong_initial_access_token_is_told_from_a_refusal(talk: Talk) -> None:
    outcome = await talk.register(token=SecretStr("wrong"), key="wrong")
    assert isinstance(outcome, InitialAccessTokenRejected), outcome
