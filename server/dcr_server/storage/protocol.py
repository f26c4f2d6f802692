"""What the server asks of its storage, whichever database is behind it.

Every write is one transaction and durable when it returns: a 201 that was sent survives the power.
Refusals are return values, since they are answers; StorageUnavailable is an outage.

    StorageError
    ├── StorageUnavailable    for now: locked, full, out of reach
    └── UnusableStorage       until somebody acts: newer schema, not a database
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from dcr_protocol.json_document import JsonValue
from dcr_server.records import Client, InitialAccessToken, Repeatable, SigningKey


class StorageError(Exception):
    """The text is for the operator of the server, never for a client."""


class StorageUnavailable(StorageError):  # noqa: N818 - the state that readiness reports, not a fault
    """The database cannot be reached or written at the moment; the same request may work later."""


class UnusableStorage(StorageError):  # noqa: N818 - named as the state, like its sibling
    """The database is not one that this version can use; waiting does not help."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """Hashes of credentials that an answer may carry; the secret only where one is needed."""

    token_hash: bytes
    secret_hash: bytes


@dataclass(frozen=True, slots=True)
class TokenHolder:
    """Who presents a registration access token for a client."""

    client_id: str
    token_hash: bytes


@dataclass(frozen=True, slots=True)
class Registration:
    """A client to add, and what must hold in the same transaction."""

    client: Client
    fresh: Fresh
    initial_access_token_hash: bytes
    now: int
    max_clients: int | None = None
    repeatable: Repeatable | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """Metadata to put in the place of what is there, by the holder of a token."""

    holder: TokenHolder
    fresh: Fresh
    metadata: Mapping[str, JsonValue]
    repeatable: Repeatable | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    client: Client


@dataclass(frozen=True, slots=True)
class Replayed:
    """The client that the Idempotency-Key made, with one more pair of credentials.

    What it is registered for may have changed since, and with it whether it has a secret.
    """

    client: Client


@dataclass(frozen=True, slots=True)
class Updated:
    client: Client
    secret_issued: bool


@dataclass(frozen=True, slots=True)
class IdempotencyKeyReused:
    """The key came with another body before."""


@dataclass(frozen=True, slots=True)
class ReplayedClientGone:
    """The client that the key once registered has been deleted."""


@dataclass(frozen=True, slots=True)
class InitialAccessTokenSpent:
    """Used up, revoked or expired since it was looked up."""


@dataclass(frozen=True, slots=True)
class ClientLimitReached:
    pass


@dataclass(frozen=True, slots=True)
class TokenRetired:
    """The client is gone, or the registration access token no longer among those that it holds."""


ReplayOutcome = Replayed | IdempotencyKeyReused | ReplayedClientGone
RegistrationOutcome = Registered | ReplayOutcome | InitialAccessTokenSpent | ClientLimitReached
UpdateOutcome = Updated | IdempotencyKeyReused | TokenRetired


class ClientStorage(Protocol):
    """All methods raise StorageUnavailable."""

    async def register(self, registration: Registration) -> RegistrationOutcome: ...

    async def replay(self, repeatable: Repeatable, fresh: Fresh) -> ReplayOutcome | None:
        """Answer a registration that was done before; None when the key is new."""
        ...

    async def find(self, client_id: str) -> Client | None: ...

    async def update(self, update: Update) -> UpdateOutcome: ...

    async def replay_update(
        self, repeatable: Repeatable, holder: TokenHolder, fresh: Fresh
    ) -> UpdateOutcome | None:
        """Answer an update that was done before; None when the key is new.

        What is in force now stays, only the credentials are issued again.
        """
        ...

    async def retire(self, client_id: str, *, token_or_secret_hash: bytes) -> bool:
        """Record the use of a credential; False when it is not valid any more."""
        ...

    async def delete(self, client_id: str, *, token_hash: bytes, now: int) -> bool: ...


class InitialAccessTokenStorage(Protocol):
    """All methods raise StorageUnavailable."""

    async def add(self, token: InitialAccessToken) -> None:
        """Add it; one that is known stays as it is."""
        ...

    async def find(self, token_hash: bytes) -> InitialAccessToken | None: ...


class SigningKeyStorage(Protocol):
    """All methods raise StorageUnavailable."""

    async def all(self) -> tuple[SigningKey, ...]: ...

    async def add_first(self, key: SigningKey) -> None:
        """Add the key unless there is one: processes that start together end up with the same."""
        ...


class Storage(Protocol):
    @property
    def clients(self) -> ClientStorage: ...

    @property
    def initial_access_tokens(self) -> InitialAccessTokenStorage: ...

    @property
    def signing_keys(self) -> SigningKeyStorage: ...

    async def check(self) -> None:
        """Raise StorageUnavailable unless reads and writes work."""
        ...

    async def close(self) -> None: ...
