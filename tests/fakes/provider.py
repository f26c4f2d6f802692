"""A provider in memory that behaves as the recorded ones: two kinds, by `idempotent`.

Without idempotency it is like oidc-provider: every POST makes a client, the registration access
token rotates on PUT and the old one is dead at once, an unknown client is a 401. With it, it is
like our server: a repeat yields the same client with fresh credentials, and the earlier pair
stays good until a later one is used; the key of a client that was deleted is refused. Whether the
token changes on PUT, on GET or never can be chosen for both.

With `rotates` it has our server's extension: the secret before a rotation stays good for the
overlap that was asked for. With a `lifetime` secrets expire; with `renews` a PUT brings the next.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from pydantic import JsonValue, SecretStr

from dcr_operator.outcomes import (
    CannotTell,
    CredentialsAccepted,
    CredentialsRejected,
    Deleted,
    Discovered,
    DiscoveryOutcome,
    InitialAccessTokenRejected,
    NotSupported,
    Outcome,
    ProbeOutcome,
    Refused,
    Registered,
    RegistrationAccessTokenRejected,
    Unreachable,
)
from dcr_operator.ports import Management, ProviderConnection
from dcr_protocol.client_information import ClientInformation
from dcr_protocol.server_metadata import AuthorizationServerMetadata
from tests.fakes.faults import Fault, Wire

ISSUER = "https://id.example.com"
INITIAL_ACCESS_TOKEN = "iat-of-the-tests"


@dataclass(slots=True)
class RegisteredClient:
    client_id: str
    metadata: dict[str, JsonValue]
    secrets: list[str]
    tokens: list[str]  # the newest last
    key: str = ""
    expires_at: int = 0  # of the newest secret
    overlapping: dict[str, float] = field(default_factory=dict)  # until when, of rotated secrets
    rotations: set[str] = field(default_factory=set)  # their keys


@dataclass(slots=True)
class Numbers:
    """Count what is given out; shared by all who look at one provider."""

    last: int = 0

    def next(self) -> int:
        self.last += 1
        return self.last


@dataclass(slots=True)
class FakeProvider:
    idempotent: bool = False
    issuer: str = ISSUER
    token_changes_on_update: bool = True
    token_changes_on_read: bool = False
    manages: bool = True
    updates: bool = True
    shows_secret: bool = True  # to a read and an update, not to a registration alone
    deletes: Outcome | None = None  # what a deletion is answered with, and nothing is done
    rotates: bool = False
    renews: bool = False
    lifetime: int = 0  # of a secret, in seconds; 0 never ends
    clock: Callable[[], float] = lambda: 0.0  # seconds since 1970
    down: bool = False
    deviations: tuple[str, ...] = ()  # what is odd about its answers
    outage: str = "connection refused"
    refuses: Refused | None = None
    client_id: str = ""  # of every client, in place of one that is counted
    instead: Outcome | None = None  # what a gateway answers in place of the provider
    instead_once: bool = False
    initial_access_token: str | None = INITIAL_ACCESS_TOKEN
    overrides: dict[str, JsonValue] = field(default_factory=dict)
    wire: Wire = field(default_factory=Wire)
    clients: dict[str, RegisteredClient] = field(default_factory=dict)
    spent_keys: set[str] = field(default_factory=set)  # of clients that are deleted
    numbers: Numbers = field(default_factory=Numbers)

    async def discover(self, connection: ProviderConnection) -> DiscoveryOutcome:
        if self.down:
            return Unreachable(self.outage, may_have_arrived=False)
        document = self._document(connection)
        return await self.wire.call("get discovery", lambda: document, _undiscovered)

    def _document(self, connection: ProviderConnection) -> DiscoveryOutcome:
        return Discovered(
            AuthorizationServerMetadata(
                issuer=connection.issuer,
                registration_endpoint=f"{connection.issuer}/register",
                token_endpoint=f"{connection.issuer}/token",
                authorization_endpoint=f"{connection.issuer}/authorize",
                jwks_uri=f"{connection.issuer}/jwks",
                registration_idempotency_supported=self.idempotent,
                registration_client_secret_rotation_supported=self.rotates,
            )
        )

    async def register(
        self,
        connection: ProviderConnection,
        endpoint: str,
        body: bytes,
        *,
        initial_access_token: SecretStr | None,
        idempotency_key: str,
    ) -> Outcome:
        assert (connection.issuer, endpoint) == (self.issuer, f"{self.issuer}/register")
        token = initial_access_token.get_secret_value() if initial_access_token else None
        return await self._call("register", lambda: self._register(body, token, idempotency_key))

    async def read(self, connection: ProviderConnection, management: Management) -> Outcome:
        assert connection.issuer == self.issuer
        return await self._call("read", lambda: self._read(management))

    async def update(
        self,
        connection: ProviderConnection,
        management: Management,
        body: bytes,
        *,
        idempotency_key: str,
    ) -> Outcome:
        assert connection.issuer == self.issuer
        assert idempotency_key
        return await self._call("update", lambda: self._update(management, body))

    async def rotate(
        self,
        connection: ProviderConnection,
        management: Management,
        body: bytes,
        *,
        idempotency_key: str,
    ) -> Outcome:
        assert connection.issuer == self.issuer
        assert idempotency_key
        return await self._call("rotate", lambda: self._rotate(management, body, idempotency_key))

    async def delete(self, connection: ProviderConnection, management: Management) -> Outcome:
        assert connection.issuer == self.issuer
        return await self._call("delete", lambda: self._delete(management))

    async def probe(
        self,
        connection: ProviderConnection,
        token_endpoint: str,
        *,
        client_id: str,
        client_secret: SecretStr,
        auth_method: str,
    ) -> ProbeOutcome:
        assert connection.issuer == self.issuer
        assert token_endpoint == f"{self.issuer}/token"
        if self.down:
            return CannotTell("the token endpoint does not answer")

        def do() -> ProbeOutcome:
            opens = self.opens(client_id, client_secret.get_secret_value(), auth_method)
            return CredentialsAccepted() if opens else CredentialsRejected()

        return await self.wire.call("probe", do, lambda _: CannotTell("no answer"))

    def opens(
        self, client_id: str, client_secret: str, auth_method: str = "client_secret_basic"
    ) -> bool:
        """Whether the credentials get a token; using a pair retires the earlier ones."""
        if not self.would_open(client_id, client_secret, auth_method):
            return False
        issued = self.clients[client_id].secrets
        if client_secret in issued:
            _use(issued, client_secret)
        return True

    def would_open(self, client_id: str, client_secret: str, auth_method: str) -> bool:
        """Whether the credentials would get a token, without using them."""
        client = self.clients.get(client_id)
        if client is None or client.metadata["token_endpoint_auth_method"] != auth_method:
            return False
        if self.clock() < client.overlapping.get(client_secret, 0.0):
            return True
        return client_secret in client.secrets and not 0 < client.expires_at <= self.clock()

    async def _call(self, operation: str, do: Callable[[], Outcome]) -> Outcome:
        if self.down:
            return await self.wire.call(
                f"provider {operation}", lambda: _failed(Fault.NOT_SENT), _failed
            )
        instead = self.instead
        if instead is not None:
            self.instead = None if self.instead_once else instead
            return await self.wire.call(f"provider {operation}", lambda: instead, _failed)
        return await self.wire.call(f"provider {operation}", do, _failed)

    def _register(self, body: bytes, token: str | None, key: str) -> Outcome:
        if token != self.initial_access_token:
            return InitialAccessTokenRejected("invalid_token")
        if self.refuses is not None:
            return self.refuses
        if self.idempotent:
            if key in self.spent_keys:
                return Refused(409, "invalid_request", "the client of this key has been deleted")
            for client in self.clients.values():
                if client.key == key:
                    return self._issue(client)
        name = self.client_id or f"client-{self.numbers.next()}"
        client = RegisteredClient(name, json.loads(body), [], [], key)
        self.clients[client.client_id] = client
        return self._issue(client)

    def _issue(self, client: RegisteredClient) -> Outcome:
        number = self.numbers.next()
        client.secrets.append(f"secret-{number}")
        client.tokens.append(f"rat-{number}")
        client.expires_at = int(self.clock()) + self.lifetime if self.lifetime else 0
        return self._answer(client, issued=True)

    def _answer(self, client: RegisteredClient, *, issued: bool = False) -> Outcome:
        shown = issued or self.shows_secret
        token = SecretStr(client.tokens[-1]) if self.manages else None
        return Registered(
            ClientInformation(
                client_id=client.client_id,
                client_secret=SecretStr(client.secrets[-1]) if shown else None,
                client_id_issued_at=1_700_000_000,
                client_secret_expires_at=client.expires_at,
                registration_access_token=token,
                registration_client_uri=self._uri(client) if self.manages else None,
                metadata={**client.metadata, **self.overrides},
                deviations=self.deviations,
            )
        )

    def _uri(self, client: RegisteredClient) -> str:
        return f"{self.issuer}/register/{client.client_id}"

    def _find(self, management: Management) -> RegisteredClient | None:
        client = self.clients.get(management.registration_client_uri.rpartition("/")[2])
        token = management.registration_access_token.get_secret_value()
        if client is None or token not in client.tokens:
            return None
        _use(client.tokens, token)
        return client

    def _read(self, management: Management) -> Outcome:
        client = self._find(management)
        if client is None:
            return RegistrationAccessTokenRejected()
        if self.token_changes_on_read:
            self._change_token(client)
        return self._answer(client)

    def _change_token(self, client: RegisteredClient) -> None:
        kept = client.tokens if self.idempotent else []
        client.tokens = [*kept, f"rat-{self.numbers.next()}"]

    def _update(self, management: Management, body: bytes) -> Outcome:
        client = self._find(management)
        if client is None:
            return RegistrationAccessTokenRejected()
        if not self.updates:
            return NotSupported(405)
        if self.refuses is not None:
            return self.refuses
        document = json.loads(body)
        assert document.pop("client_id") == client.client_id
        client.metadata = document
        if self.token_changes_on_update:
            self._change_token(client)
        if self.renews and client.expires_at - self.clock() <= self.lifetime / 3:
            self._retire(client, client.expires_at)
            return self._issue(client)
        return self._answer(client)

    def _rotate(self, management: Management, body: bytes, key: str) -> Outcome:
        client = self._find(management)
        if client is None:
            return RegistrationAccessTokenRejected()
        if not self.rotates:
            return NotSupported(404)
        if self.refuses is not None:
            return self.refuses
        if not (self.idempotent and key in client.rotations):
            client.rotations.add(key)
            self._retire(client, self.clock() + json.loads(body)["overlap"])
        if not self.idempotent:
            client.tokens = []
        return self._issue(client)

    def _retire(self, client: RegisteredClient, until: float) -> None:
        """Let the secrets so far end at their own time, or at this one if that is earlier."""
        end = min(until, client.expires_at or until)
        client.overlapping |= dict.fromkeys(client.secrets, end)
        client.secrets = []

    def _delete(self, management: Management) -> Outcome:
        if self.deletes is not None:
            return self.deletes
        client = self._find(management)
        if client is None:
            return RegistrationAccessTokenRejected()
        self.forget(client.client_id)
        return Deleted()

    def forget(self, client_id: str) -> None:
        """Have the client no more, whoever wished so."""
        self.spent_keys.add(self.clients.pop(client_id).key)


def _failed(fault: Fault) -> Outcome:
    if fault is Fault.GATEWAY_404:
        return NotSupported(404)
    return Unreachable("no answer", may_have_arrived=fault is not Fault.NOT_SENT)


def _undiscovered(_fault: Fault) -> DiscoveryOutcome:
    return Unreachable("no answer", may_have_arrived=False)


def _use(issued: list[str], used: str) -> None:
    """The first use of a credential retires those issued before it."""
    del issued[: issued.index(used)]
