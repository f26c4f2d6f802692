"""Two providers in memory as one `RegistrationClient`: a request goes where its connection says."""

from dataclasses import dataclass

from pydantic import SecretStr

from dcr_operator.outcomes import DiscoveryOutcome, Outcome, ProbeOutcome
from dcr_operator.ports import Management, ProviderConnection
from tests.fakes.provider import FakeProvider


@dataclass(slots=True)
class ProvidersByIssuer:
    main: FakeProvider
    other: FakeProvider

    def _at(self, connection: ProviderConnection) -> FakeProvider:
        return self.other if connection.issuer == self.other.issuer else self.main

    async def discover(self, connection: ProviderConnection) -> DiscoveryOutcome:
        return await self._at(connection).discover(connection)

    async def register(
        self,
        connection: ProviderConnection,
        endpoint: str,
        body: bytes,
        *,
        initial_access_token: SecretStr | None,
        idempotency_key: str,
    ) -> Outcome:
        return await self._at(connection).register(
            connection,
            endpoint,
            body,
            initial_access_token=initial_access_token,
            idempotency_key=idempotency_key,
        )

    async def read(self, connection: ProviderConnection, management: Management) -> Outcome:
        return await self._at(connection).read(connection, management)

    async def update(
        self,
        connection: ProviderConnection,
        management: Management,
        body: bytes,
        *,
        idempotency_key: str,
    ) -> Outcome:
        return await self._at(connection).update(
            connection, management, body, idempotency_key=idempotency_key
        )

    async def rotate(
        self,
        connection: ProviderConnection,
        management: Management,
        body: bytes,
        *,
        idempotency_key: str,
    ) -> Outcome:
        return await self._at(connection).rotate(
            connection, management, body, idempotency_key=idempotency_key
        )

    async def delete(self, connection: ProviderConnection, management: Management) -> Outcome:
        return await self._at(connection).delete(connection, management)

    async def probe(
        self,
        connection: ProviderConnection,
        token_endpoint: str,
        *,
        client_id: str,
        client_secret: SecretStr,
        auth_method: str,
    ) -> ProbeOutcome:
        return await self._at(connection).probe(
            connection,
            token_endpoint,
            client_id=client_id,
            client_secret=client_secret,
            auth_method=auth_method,
        )
