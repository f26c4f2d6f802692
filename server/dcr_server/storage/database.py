"""The storage, whichever database performs its operations."""

import time
from collections.abc import Hashable, Mapping
from functools import partial
from typing import Final, Protocol, TypeVar

from dcr_server.records import (
    AuditEntry,
    Client,
    InitialAccessToken,
    Origin,
    Repeatable,
    SigningKey,
)
from dcr_server.storage import (
    audit_operations,
    client_operations,
    key_operations,
    listing_operations,
    registration_operations,
    token_operations,
)
from dcr_server.storage.operations import Begin, BeginAll, Operation
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

_MOST_RECENT: Final = 1000
_SECONDS_RECENT: Final = 1.0

T = TypeVar("T")
Item = TypeVar("Item")


class Database(Protocol):
    """Performs operations. All methods raise StorageUnavailable."""

    async def read(self, operation: Operation[T]) -> T:
        """Perform what only reads; it sees what was committed."""
        ...

    async def scan(self, operation: Operation[T]) -> T:
        """Do the same for what may look at every row, while everything else goes on."""
        ...

    async def write(self, begin: Begin[T]) -> T:
        """Perform it as one transaction, durable when this returns."""
        ...

    async def write_together(self, begin: BeginAll[Item, T], key: Hashable, item: Item) -> T:
        """Perform it for what else waits with the same key, where that costs less than each alone.

        A key is for one operation, which gives an outcome for each item.
        """
        ...

    async def check(self) -> None: ...

    async def close(self) -> None: ...


class DatabaseStorage:
    """Implements `storage.protocol.Storage`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.clients = Clients(database)
        self.initial_access_tokens = InitialAccessTokens(database)
        self.signing_keys = SigningKeys(database)
        self.assertions = Assertions(database)
        self.revoked_tokens = RevokedTokens(database)
        self.audit = Audit(database)

    async def clean_up(
        self, *, now: int, limit: int, audit_kept_from: int | None = None
    ) -> Mapping[str, int]:
        counts = {
            kind: await self._database.write(partial(clean_up, now, limit))
            for kind, clean_up in listing_operations.CLEAN_UPS.items()
        }
        if audit_kept_from is not None:
            shorten = partial(audit_operations.shorten, audit_kept_from, limit)
            counts["audit"] = await self._database.write(shorten)
        return counts

    async def check(self) -> None:
        await self._database.check()

    async def close(self) -> None:
        await self._database.close()


class Clients:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def register(self, registration: Registration) -> RegistrationOutcome:
        key = registration_operations.alike(registration)
        if key is None:
            return await self._database.write(
                partial(registration_operations.register, registration)
            )
        together = registration_operations.register_together
        return await self._database.write_together(together, key, registration)

    async def replay(
        self,
        repeatable: Repeatable,
        fresh: Fresh,
        origin: Origin,
        initial_access_token_hash: bytes | None,
    ) -> ReplayOutcome | None:
        # Most keys are new: then nothing is written.
        if not await self._database.read(client_operations.is_known(repeatable)):
            return None
        return await self._database.write(
            partial(client_operations.replay, repeatable, fresh, origin, initial_access_token_hash)
        )

    async def find(self, client_id: str) -> Client | None:
        return await self._database.read(client_operations.find(client_id))

    async def update(self, update: Update) -> UpdateOutcome:
        return await self._database.write(partial(client_operations.update, update))

    async def replay_update(self, update: Update) -> UpdateOutcome | None:
        key = update.repeatable
        if key is None or not await self._database.read(client_operations.is_known(key)):
            return None
        return await self._database.write(partial(client_operations.replay_update, update))

    async def use_token(self, client_id: str, token_hash: bytes) -> bool:
        return await self._database.write(
            partial(client_operations.use_token, client_id, token_hash)
        )

    async def use_secret(self, client_id: str, secret_hash: bytes | None, now: int) -> bool:
        return await self._database.write(
            partial(client_operations.use_secret, client_id, secret_hash, now)
        )

    async def delete(self, client_id: str, *, token_hash: bytes, now: int, origin: Origin) -> bool:
        return await self._database.write(
            partial(client_operations.delete, client_id, token_hash, now, origin)
        )

    async def remove(self, client_id: str, *, now: int, origin: Origin) -> bool:
        return await self._database.write(partial(client_operations.remove, client_id, now, origin))

    async def page(self, wanted: ClientFilter, *, after: str, limit: int) -> tuple[Client, ...]:
        return await self._database.scan(listing_operations.page(wanted, after, limit))

    async def counts(self) -> Mapping[str, int]:
        return await self._database.read(listing_operations.counts())


class InitialAccessTokens:
    """Remembers for a second a token that was found and has no limit of uses.

    No registration and no repeat of one rests on it: their transactions look at the token itself.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._recent: dict[bytes, tuple[float, InitialAccessToken]] = {}

    async def add(self, token: InitialAccessToken, origin: Origin) -> None:
        await self._database.write(partial(token_operations.add, token, origin))

    async def find(self, token_hash: bytes) -> InitialAccessToken | None:
        until, recent = self._recent.get(token_hash, (0.0, None))
        if recent is not None and time.monotonic() < until:
            return recent
        found = await self._database.read(token_operations.find(token_hash))
        if found is not None and found.max_uses is None:
            if len(self._recent) >= _MOST_RECENT:
                self._recent.clear()
            self._recent[token_hash] = (time.monotonic() + _SECONDS_RECENT, found)
        return found

    async def page(
        self, policy: str | None, *, after: str, limit: int
    ) -> tuple[InitialAccessToken, ...]:
        return await self._database.scan(token_operations.page(policy, after, limit))

    async def revoke(self, token_id: str, *, now: int, origin: Origin) -> bool:
        revoked = await self._database.write(
            partial(token_operations.revoke, token_id, now, origin)
        )
        # Not before: until then it would be found, and remembered, once more.
        self._recent.clear()
        return revoked


class SigningKeys:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> tuple[SigningKey, ...]:
        return await self._database.read(key_operations.all_keys())

    async def add_first(self, key: SigningKey) -> None:
        await self._database.write(partial(key_operations.add_first, key))

    async def add(self, key: SigningKey, *, retire_at: int, origin: Origin) -> None:
        await self._database.write(partial(key_operations.add, key, retire_at, origin))

    async def reseal(
        self, kid: str, sealed_private_key: bytes, *, now: int, origin: Origin
    ) -> None:
        await self._database.write(
            partial(key_operations.reseal, kid, sealed_private_key, now, origin)
        )


class Assertions:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, assertion_hash: bytes, *, expires_at: int, now: int) -> bool:
        return await self._database.write(
            partial(key_operations.claim_assertion, assertion_hash, expires_at, now)
        )


class RevokedTokens:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def revoke(self, wanted: Revocation) -> None:
        await self._database.write(partial(key_operations.revoke_token, wanted))

    async def is_revoked(self, jwt_id: str) -> bool:
        return await self._database.read(key_operations.is_revoked(jwt_id))


class Audit:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, wanted: AuditFilter, *, after: int, limit: int) -> tuple[AuditEntry, ...]:
        return await self._database.scan(audit_operations.page(wanted, after, limit))
