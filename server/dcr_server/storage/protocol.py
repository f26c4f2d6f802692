"""What the server asks of its storage, whichever database is behind it.

Every write is one transaction and durable when it returns: a 201 that was sent survives the power.
Refusals are return values, since they are answers; StorageUnavailable is an outage.

    StorageError
    ├── StorageUnavailable    for now: locked, full, out of reach
    └── UnusableStorage       until somebody acts: newer schema, not a database

All methods raise StorageUnavailable.
"""

from collections.abc import Mapping
from typing import Protocol

from dcr_server.records import (
    AuditEntry,
    Client,
    InitialAccessToken,
    Origin,
    Repeatable,
    SigningKey,
)
from dcr_server.storage.requests import (
    AuditFilter,
    ClientFilter,
    Fresh,
    Registration,
    RegistrationOutcome,
    ReplayOutcome,
    Revocation,
    Update,
    UpdateOutcome,
)


class StorageError(Exception):
    """The text is for the operator of the server, never for a client."""


class StorageUnavailable(StorageError):  # noqa: N818 - the state that readiness reports, not a fault
    """The database cannot be reached or written at the moment; the same request may work later."""


class UnusableStorage(StorageError):  # noqa: N818 - named as the state, like its sibling
    """The database is not one that this version can use; waiting does not help."""


class ClientStorage(Protocol):
    async def register(self, registration: Registration) -> RegistrationOutcome: ...

    async def replay(
        self,
        repeatable: Repeatable,
        fresh: Fresh,
        origin: Origin,
        initial_access_token_hash: bytes | None,
    ) -> ReplayOutcome | None:
        """Answer a registration that was done before; None when the key is new.

        The token may be used up; None: something else than a minted token admits the repeat.
        """
        ...

    async def find(self, client_id: str) -> Client | None:
        """Find it, expired or not: the clean-up may be late."""
        ...

    async def update(self, update: Update) -> UpdateOutcome:
        """Replace the metadata, or rotate the secret; an expired client is gone."""
        ...

    async def replay_update(self, update: Update) -> UpdateOutcome | None:
        """Answer an update that was done before; None when the key is new, or there is none.

        What is in force now stays, only the credentials are issued again.
        """
        ...

    async def use_token(self, client_id: str, token_hash: bytes) -> bool:
        """Record the use of a registration access token; False when it is not valid any more."""
        ...

    async def use_secret(self, client_id: str, secret_hash: bytes | None, now: int) -> bool:
        """Record that the client authenticated, None for one without secret; False as above."""
        ...

    async def delete(
        self, client_id: str, *, token_hash: bytes, now: int, origin: Origin
    ) -> bool: ...

    async def remove(self, client_id: str, *, now: int, origin: Origin) -> bool:
        """Delete it for an administrator, who needs no token of it."""
        ...

    async def page(self, wanted: ClientFilter, *, after: str, limit: int) -> tuple[Client, ...]:
        """List by client_id, those that come after one."""
        ...

    async def counts(self) -> Mapping[str, int]:
        """Count the clients of each policy."""
        ...


class InitialAccessTokenStorage(Protocol):
    async def add(self, token: InitialAccessToken, origin: Origin) -> None:
        """Add it; one that is known stays as it is."""
        ...

    async def find(self, token_hash: bytes) -> InitialAccessToken | None: ...

    async def page(
        self, policy: str | None, *, after: str, limit: int
    ) -> tuple[InitialAccessToken, ...]:
        """List by token_id, those that come after one."""
        ...

    async def revoke(self, token_id: str, *, now: int, origin: Origin) -> bool:
        """Forget it, at once in every process that looks; False when there is none."""
        ...


class SigningKeyStorage(Protocol):
    async def all(self) -> tuple[SigningKey, ...]:
        """List them, in the order in which they were made."""
        ...

    async def add_first(self, key: SigningKey) -> None:
        """Add the key unless there is one: processes that start together end up with the same."""
        ...

    async def add(self, key: SigningKey, *, retire_at: int, origin: Origin) -> None:
        """Add a successor; the keys before, unless they end sooner, expire at that time."""
        ...

    async def reseal(
        self, kid: str, sealed_private_key: bytes, *, now: int, origin: Origin
    ) -> None:
        """Keep the same key, sealed with another encryption key."""
        ...


class AssertionStorage(Protocol):
    async def claim(self, assertion_hash: bytes, *, expires_at: int, now: int) -> bool:
        """Note that an assertion was used; False: it was used before, in whichever process."""
        ...


class RevokedTokenStorage(Protocol):
    async def revoke(self, wanted: Revocation) -> None:
        """Remember it until it has expired; once revoked it stays so."""
        ...

    async def is_revoked(self, jwt_id: str) -> bool: ...


class AuditStorage(Protocol):
    async def page(self, wanted: AuditFilter, *, after: int, limit: int) -> tuple[AuditEntry, ...]:
        """List by id, those that come after one."""
        ...


class Storage(Protocol):
    @property
    def clients(self) -> ClientStorage: ...

    @property
    def initial_access_tokens(self) -> InitialAccessTokenStorage: ...

    @property
    def signing_keys(self) -> SigningKeyStorage: ...

    @property
    def assertions(self) -> AssertionStorage: ...

    @property
    def revoked_tokens(self) -> RevokedTokenStorage: ...

    @property
    def audit(self) -> AuditStorage: ...

    async def clean_up(
        self, *, now: int, limit: int, audit_kept_from: int | None = None
    ) -> Mapping[str, int]:
        """Remove what has expired, at most that many of each kind; say how many of which.

        The kinds are clients, initial_access_tokens, idempotency_keys, assertions,
        revoked_tokens and signing_keys; audit if the time is given from which entries are kept.
        """
        ...

    async def check(self) -> None:
        """Raise StorageUnavailable unless reads and writes work."""
        ...

    async def close(self) -> None: ...
