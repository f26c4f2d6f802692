"""Whole passes against our own server in-process: a crash right after each request is survived."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from dcr_operator.kube import SECRETS
from dcr_operator.outcomes import (
    CredentialsAccepted,
    CredentialsRejected,
    DiscoveryOutcome,
    Outcome,
    ProbeOutcome,
    Registered,
)
from dcr_operator.ports import Management, ProviderConnection
from dcr_operator.registration_client import HttpRegistrationClient
from dcr_protocol.client_information import ClientInformation
from tests.fakes.dcr_server_app import ISSUER, running_app
from tests.fakes.faults import Crash
from tests.fakes.operator_world import RESYNC, SYSTEM, World, encoded

MACHINE = {"clientName": "Robot", "grantTypes": ["client_credentials"]}


@dataclass(slots=True)
class Crashing:
    """The real client; the process may die right after an answer has come."""

    real: HttpRegistrationClient
    crash_after: str = ""
    informations: list[ClientInformation] = field(default_factory=list)

    async def discover(self, connection: ProviderConnection) -> DiscoveryOutcome:
        return await self.real.discover(connection)

    async def register(
        self,
        connection: ProviderConnection,
        endpoint: str,
        body: bytes,
        *,
        initial_access_token: SecretStr | None,
        idempotency_key: str,
    ) -> Outcome:
        outcome = await self.real.register(
            connection,
            endpoint,
            body,
            initial_access_token=initial_access_token,
            idempotency_key=idempotency_key,
        )
        return self._answered("register", outcome)

    async def read(self, connection: ProviderConnection, management: Management) -> Outcome:
        return self._answered("read", await self.real.read(connection, management))

    async def update(
        self,
        connection: ProviderConnection,
        management: Management,
        body: bytes,
        *,
        idempotency_key: str,
    ) -> Outcome:
        outcome = await self.real.update(
            connection, management, body, idempotency_key=idempotency_key
        )
        return self._answered("update", outcome)

    async def rotate(
        self,
        connection: ProviderConnection,
        management: Management,
        body: bytes,
        *,
        idempotency_key: str,
    ) -> Outcome:
        outcome = await self.real.rotate(
            connection, management, body, idempotency_key=idempotency_key
        )
        return self._answered("rotate", outcome)

    async def delete(self, connection: ProviderConnection, management: Management) -> Outcome:
        return self._answered("delete", await self.real.delete(connection, management))

    async def probe(
        self,
        connection: ProviderConnection,
        token_endpoint: str,
        *,
        client_id: str,
        client_secret: SecretStr,
        auth_method: str,
    ) -> ProbeOutcome:
        return await self.real.probe(
            connection,
            token_endpoint,
            client_id=client_id,
            client_secret=client_secret,
            auth_method=auth_method,
        )

    @property
    def client_ids(self) -> set[str]:
        return {each.client_id for each in self.informations}

    def _answered(self, operation: str, outcome: Outcome) -> Outcome:
        if isinstance(outcome, Registered):
            self.informations.append(outcome.information)
        if operation == self.crash_after:
            self.crash_after = ""
            raise Crash
        return outcome


@dataclass(slots=True)
class Stage:
    world: World
    crashing: Crashing

    async def dies_after(self, operation: str) -> None:
        self.crashing.crash_after = operation
        with contextlib.suppress(Crash):
            await self.world.run_pass()
        assert not self.crashing.crash_after, "the request was not made"
        self.world.restart()

    async def probe(self) -> ProbeOutcome:
        """O2: whether the credentials in the Secret open the client."""
        secret = self.world.secret() or {}
        return await self.crashing.probe(
            ProviderConnection("ClusterOAuthProvider/main", ISSUER),
            secret["token_endpoint"],
            client_id=secret["client_id"],
            client_secret=SecretStr(secret["client_secret"]),
            auth_method=secret["token_endpoint_auth_method"],
        )


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with running_app(tmp_path) as (app, mint):
        real = HttpRegistrationClient(make_transport=lambda _c, _t: httpx.ASGITransport(app))
        crashing = Crashing(real)
        world = World(registrations=crashing)
        world.add_provider(issuer=ISSUER)
        token = encoded({"token": (await mint()).get_secret_value()})
        world.cluster.edit(SECRETS, SYSTEM, "iat", lambda each: each.update(data=token))
        world.add_client(clientMetadata=MACHINE)
        yield Stage(world, crashing)
        await real.close()


async def test_a_client_lives_and_dies(stage: Stage) -> None:
    await stage.world.settle()
    assert stage.world.condition() == ("True", "Ready")
    assert await stage.probe() == CredentialsAccepted()
    stage.world.set_client(clientMetadata={**MACHINE, "clientName": "Renamed"})
    await stage.world.settle()
    assert "Renamed" in str(stage.world.status["registeredMetadata"])
    stage.world.delete_client()
    await stage.world.settle()
    assert (stage.world.client, stage.world.records()) == (None, [])


async def test_a_crash_after_the_registration_makes_no_second_client(stage: Stage) -> None:
    await stage.dies_after("register")
    await stage.world.settle()
    assert stage.world.condition() == ("True", "Ready")
    assert await stage.probe() == CredentialsAccepted()
    assert len(stage.crashing.client_ids) == 1
    assert stage.world.record.orphans == ()


async def test_a_crash_after_an_update_loses_no_token(stage: Stage) -> None:
    await stage.world.settle()
    stage.world.set_client(clientMetadata={**MACHINE, "clientName": "Renamed"})
    await stage.dies_after("update")
    await stage.world.run_pass()
    stage.world.advance(RESYNC)
    await stage.world.settle()
    assert stage.world.condition() == ("True", "Ready")
    assert await stage.probe() == CredentialsAccepted()
    assert len(stage.crashing.client_ids) == 1


async def test_a_crash_after_a_deletion_leaves_nothing(stage: Stage) -> None:
    await stage.world.settle()
    secret = stage.world.secret() or {}
    stage.world.delete_client()
    await stage.dies_after("delete")
    await stage.world.settle()
    assert (stage.world.client, stage.world.records()) == (None, [])
    gone = await stage.crashing.probe(
        ProviderConnection("ClusterOAuthProvider/main", ISSUER),
        secret["token_endpoint"],
        client_id=secret["client_id"],
        client_secret=SecretStr(secret["client_secret"]),
        auth_method=secret["token_endpoint_auth_method"],
    )
    assert gone == CredentialsRejected()


async def test_a_client_removed_at_the_server_is_registered_again(stage: Stage) -> None:
    await stage.world.settle()
    registration = stage.world.record.registration
    assert registration is not None
    await stage.crashing.delete(
        ProviderConnection("ClusterOAuthProvider/main", ISSUER), registration.management()[0]
    )
    stage.world.advance(RESYNC)
    await stage.world.settle()
    assert stage.world.condition() == ("True", "Ready")
    assert stage.world.status["clientId"] != registration.client_id
    assert await stage.probe() == CredentialsAccepted()
    assert "ClientVanished" in stage.world.events.reasons


@pytest.mark.parametrize("then", ["wanted", "deleted"])
async def test_a_repeat_of_a_registration_whose_client_was_deleted_is_settled(
    stage: Stage, then: str
) -> None:
    await stage.dies_after("register")
    (made,) = stage.crashing.informations
    assert made.registration_access_token is not None
    access = Management(made.registration_client_uri or "", made.registration_access_token)
    await stage.crashing.real.delete(
        ProviderConnection("ClusterOAuthProvider/main", ISSUER), access
    )
    if then == "deleted":
        stage.world.delete_client()
    await stage.world.settle()
    if then == "deleted":
        assert (stage.world.client, stage.world.records()) == (None, [])
        return
    assert stage.world.condition() == ("True", "Ready")
    assert await stage.probe() == CredentialsAccepted()
    assert stage.world.status["clientId"] != made.client_id
    assert stage.world.record.orphans == ()
