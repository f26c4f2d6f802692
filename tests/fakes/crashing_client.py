"""Whole passes with the real HTTP client: it may die after an answer, and a Secret can be tried."""

import contextlib
import json
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from joserfc.jwk import JWKRegistry
from pydantic import SecretStr

from dcr_operator.kube import SECRETS
from dcr_operator.outcomes import DiscoveryOutcome, Outcome, ProbeOutcome, Registered
from dcr_operator.ports import Management, ProviderConnection
from dcr_operator.registration_client import HttpRegistrationClient
from dcr_protocol.client_information import ClientInformation
from dcr_server.policies import DEVELOPMENT_POLICY, Policy
from dcr_server.routing import Application
from tests.fakes.client_keys import ClientKey, assertion_claims
from tests.fakes.dcr_server_app import ISSUER, running_app
from tests.fakes.faults import Crash
from tests.fakes.operator_world import SYSTEM, World, encoded

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
    app: Application

    async def dies_after(self, operation: str) -> None:
        self.crashing.crash_after = operation
        with contextlib.suppress(Crash):
            await self.world.run_pass()
        assert not self.crashing.crash_after, "the request was not made"
        self.world.restart()

    async def probe(self, secret: Mapping[str, str] | None = None) -> ProbeOutcome:
        """O2: whether the credentials in the Secret open the client, or those of earlier."""
        secret = secret or self.world.secret() or {}
        return await self.crashing.probe(
            ProviderConnection("ClusterOAuthProvider/main", ISSUER),
            secret["token_endpoint"],
            client_id=secret["client_id"],
            client_secret=SecretStr(secret["client_secret"]),
            auth_method=secret["token_endpoint_auth_method"],
        )

    async def signs_in(self, secret: Mapping[str, str] | None = None) -> bool:
        """O2 for private_key_jwt: whether the key in the Secret gets a token (RFC 7523 §2.2)."""
        secret = secret or self.world.secret() or {}
        key = JWKRegistry.import_key(json.loads(secret["private_key.jwk"]))
        algorithm = json.loads(secret["private_key.jwk"])["alg"]
        claims = assertion_claims(
            secret["client_id"], ISSUER, self.world.seconds(), jti=str(uuid.uuid4())
        )
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": ClientKey(algorithm, key, secret["key_id"]).sign(claims),
        }
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport) as http:
            answer = await http.post(secret["token_endpoint"], data=form)
        return answer.status_code == 200


@contextlib.asynccontextmanager
async def raised_stage(
    folder: Path, *, policy: Policy | None = None, **spec: object
) -> AsyncIterator[Stage]:
    """Have our server and a client that is wanted; both go by the clock of the world."""
    world = World()
    policies = None if policy is None else {DEVELOPMENT_POLICY: policy}
    async with running_app(folder, policies=policies, clock=world.seconds) as (
        app,
        mint,
    ):
        real = HttpRegistrationClient(make_transport=lambda _c, _t: httpx.ASGITransport(app))
        crashing = Crashing(real)
        world.registrations = crashing
        world.add_provider(issuer=ISSUER)
        token = encoded({"token": (await mint()).get_secret_value()})
        world.cluster.edit(SECRETS, SYSTEM, "iat", lambda each: each.update(data=token))
        world.add_client(**{"clientMetadata": MACHINE, **spec})
        yield Stage(world, crashing, app)
        await real.close()
