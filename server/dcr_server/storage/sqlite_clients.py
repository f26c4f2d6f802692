"""Registrations in SQLite: each method is one operation of a group commit, or one point read."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, cast

from pydantic_core import to_json

from dcr_protocol.json_document import JsonValue
from dcr_server.credentials import (
    Credentials,
    Held,
    after_replay,
    after_update,
    after_use,
    find_secret,
    find_token,
)
from dcr_server.records import Client, Owner, Repeatable
from dcr_server.storage.group_commit import GroupCommitWriter
from dcr_server.storage.protocol import (
    ClientLimitReached,
    Fresh,
    IdempotencyKeyReused,
    InitialAccessTokenSpent,
    Registered,
    Registration,
    RegistrationOutcome,
    Replayed,
    ReplayedClientGone,
    ReplayOutcome,
    TokenHolder,
    TokenRetired,
    Update,
    Updated,
    UpdateOutcome,
)
from dcr_server.storage.sqlite_connection import Row, SqliteReader

SECONDS_THAT_A_KEY_OUTLIVES_ITS_CLIENT: Final = 24 * 60 * 60

# An expired key is as good as none: it goes when another client is deleted, or is replaced.
_KEY: Final = """SELECT body_hash, client_id FROM idempotency_keys
    WHERE key_hash = ? AND (expires_at IS NULL OR expires_at > ?)"""
_CLIENT: Final = """SELECT
    client_id, policy, subject, issued_at, secret_expires_at, credentials, metadata
    FROM clients WHERE client_id = ?"""


class SqliteClients:
    def __init__(self, writer: GroupCommitWriter, reader: SqliteReader) -> None:
        self._writer = writer
        self._reader = reader

    async def find(self, client_id: str) -> Client | None:
        row = self._reader.row(_CLIENT, (client_id,))
        return None if row is None else _client(row)

    async def register(self, registration: Registration) -> RegistrationOutcome:
        return await self._writer.run(lambda connection: _register(connection, registration))

    async def replay(self, repeatable: Repeatable, fresh: Fresh) -> ReplayOutcome | None:
        if not self._is_known(repeatable):
            return None
        return await self._writer.run(lambda connection: _replay(connection, repeatable, fresh))

    async def update(self, update: Update) -> UpdateOutcome:
        return await self._writer.run(lambda connection: _update(connection, update))

    async def replay_update(
        self, repeatable: Repeatable, holder: TokenHolder, fresh: Fresh
    ) -> UpdateOutcome | None:
        if not self._is_known(repeatable):
            return None
        return await self._writer.run(
            lambda connection: _replay_update(connection, repeatable, holder, fresh)
        )

    async def retire(self, client_id: str, *, token_or_secret_hash: bytes) -> bool:
        return await self._writer.run(
            lambda connection: _retire(connection, client_id, token_or_secret_hash)
        )

    async def delete(self, client_id: str, *, token_hash: bytes, now: int) -> bool:
        return await self._writer.run(
            lambda connection: _delete(connection, client_id, token_hash, now)
        )

    def _is_known(self, repeatable: Repeatable) -> bool:
        return self._reader.row(_KEY, (repeatable.key_hash, repeatable.at)) is not None


def _register(connection: sqlite3.Connection, registration: Registration) -> RegistrationOutcome:
    # A replay comes before use counting: a lost response must not cost the last use of a token.
    if registration.repeatable is not None:
        replayed = _replay(connection, registration.repeatable, registration.fresh)
        if replayed is not None:
            return replayed
    if not _is_below_limit(connection, registration):
        return ClientLimitReached()
    if not _use_initial_access_token(connection, registration):
        return InitialAccessTokenSpent()
    _insert(connection, registration.client)
    if registration.repeatable is not None:
        _remember_key(connection, registration.repeatable, registration.client.client_id)
    return Registered(registration.client)


def _earlier_client(
    connection: sqlite3.Connection, repeatable: Repeatable
) -> str | IdempotencyKeyReused | None:
    row = connection.execute(_KEY, (repeatable.key_hash, repeatable.at)).fetchone()
    if row is None:
        return None
    return str(row[1]) if row[0] == repeatable.body_hash else IdempotencyKeyReused()


def _replay(
    connection: sqlite3.Connection, repeatable: Repeatable, fresh: Fresh
) -> ReplayOutcome | None:
    client_id = _earlier_client(connection, repeatable)
    if client_id is None or isinstance(client_id, IdempotencyKeyReused):
        return client_id
    client = _find(connection, client_id)
    if client is None:
        return ReplayedClientGone()
    held = after_replay(
        client.credentials,
        token_hash=fresh.token_hash,
        secret_hash=fresh.secret_hash if client.needs_secret else None,
    )
    return Replayed(_store(connection, replace(client, credentials=held)))


def _is_below_limit(connection: sqlite3.Connection, registration: Registration) -> bool:
    if registration.max_clients is None:
        return True
    row = connection.execute(
        "SELECT clients FROM client_counts WHERE policy = ?", (registration.client.owner.policy,)
    ).fetchone()
    clients = 0 if row is None else int(row[0])
    return clients < registration.max_clients


def _use_initial_access_token(connection: sqlite3.Connection, registration: Registration) -> bool:
    cursor = connection.execute(
        """UPDATE initial_access_tokens SET uses = uses + 1 WHERE token_hash = ?
            AND (max_uses IS NULL OR uses < max_uses)
            AND (expires_at IS NULL OR expires_at > ?)""",
        (registration.initial_access_token_hash, registration.now),
    )
    return cursor.rowcount == 1


def _insert(connection: sqlite3.Connection, client: Client) -> None:
    connection.execute(
        "INSERT INTO clients VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            client.client_id,
            client.owner.policy,
            client.owner.subject,
            client.issued_at,
            client.secret_expires_at,
            _credentials_to_json(client.credentials),
            _metadata_to_json(client.metadata),
        ),
    )
    connection.execute(
        """INSERT INTO client_counts VALUES (?, 1)
            ON CONFLICT (policy) DO UPDATE SET clients = clients + 1""",
        (client.owner.policy,),
    )


def _remember_key(connection: sqlite3.Connection, repeatable: Repeatable, client_id: str) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO idempotency_keys (key_hash, body_hash, client_id) VALUES (?, ?, ?)",
        (repeatable.key_hash, repeatable.body_hash, client_id),
    )


def _update(connection: sqlite3.Connection, update: Update) -> UpdateOutcome:
    if update.repeatable is not None:
        replayed = _replay_update(connection, update.repeatable, update.holder, update.fresh)
        if replayed is not None:
            return replayed
    client, presented = _present(connection, update.holder)
    if client is None or presented is None:
        return TokenRetired()
    if update.repeatable is not None:
        _remember_key(connection, update.repeatable, client.client_id)
    changed = replace(client, metadata=update.metadata)
    return _issue(connection, changed, presented, update.fresh)


def _replay_update(
    connection: sqlite3.Connection, repeatable: Repeatable, holder: TokenHolder, fresh: Fresh
) -> UpdateOutcome | None:
    earlier = _earlier_client(connection, repeatable)
    if earlier is None or isinstance(earlier, IdempotencyKeyReused):
        return earlier
    client, presented = _present(connection, holder)
    if client is None or presented is None:
        return TokenRetired()
    return _issue(connection, client, presented, fresh)


def _present(
    connection: sqlite3.Connection, holder: TokenHolder
) -> tuple[Client | None, Credentials | None]:
    client = _find(connection, holder.client_id)
    presented = None if client is None else find_token(client.credentials, holder.token_hash)
    return client, presented


def _issue(
    connection: sqlite3.Connection, client: Client, presented: Credentials, fresh: Fresh
) -> Updated:
    """Give a new token to the holder of one; a secret only if the client needs and has none."""
    secret_hash = (presented.secret_hash or fresh.secret_hash) if client.needs_secret else None
    issued = Credentials(pair=presented.pair, token_hash=fresh.token_hash, secret_hash=secret_hash)
    held = after_update(after_use(client.credentials, presented), issued)
    stored = _store(connection, replace(client, credentials=held))
    return Updated(stored, secret_issued=secret_hash == fresh.secret_hash)


def _retire(connection: sqlite3.Connection, client_id: str, used_hash: bytes) -> bool:
    client = _find(connection, client_id)
    if client is None:
        return False
    held = client.credentials
    used = find_token(held, used_hash) or find_secret(held, used_hash)
    if used is None:
        return False
    left = after_use(held, used)
    if left != held:
        _store(connection, replace(client, credentials=left))
    return True


def _delete(connection: sqlite3.Connection, client_id: str, token_hash: bytes, now: int) -> bool:
    client = _find(connection, client_id)
    if client is None or find_token(client.credentials, token_hash) is None:
        return False
    connection.execute("DELETE FROM clients WHERE client_id = ?", (client_id,))
    connection.execute(
        "UPDATE client_counts SET clients = clients - 1 WHERE policy = ?", (client.owner.policy,)
    )
    connection.execute("DELETE FROM idempotency_keys WHERE expires_at <= ?", (now,))
    connection.execute(
        "UPDATE idempotency_keys SET expires_at = ? WHERE client_id = ?",
        (now + SECONDS_THAT_A_KEY_OUTLIVES_ITS_CLIENT, client_id),
    )
    return True


def _find(connection: sqlite3.Connection, client_id: str) -> Client | None:
    row = connection.execute(_CLIENT, (client_id,)).fetchone()
    return None if row is None else _client(row)


def _store(connection: sqlite3.Connection, client: Client) -> Client:
    connection.execute(
        "UPDATE clients SET credentials = ?, metadata = ? WHERE client_id = ?",
        (
            _credentials_to_json(client.credentials),
            _metadata_to_json(client.metadata),
            client.client_id,
        ),
    )
    return client


def _client(row: Row) -> Client:
    # The columns' types, as the schema declares and `_insert` writes them.
    client_id, policy, subject, issued_at, secret_expires_at, credentials, metadata = cast(
        "tuple[str, str, str, int, int, str, str]", row
    )
    return Client(
        client_id=client_id,
        owner=Owner(policy=policy, subject=subject),
        issued_at=issued_at,
        secret_expires_at=secret_expires_at,
        credentials=_credentials_from_json(credentials),
        metadata=json.loads(metadata),
    )


def _metadata_to_json(metadata: Mapping[str, JsonValue]) -> str:
    return to_json(metadata).decode()


def _credentials_to_json(held: Held) -> str:
    return to_json(
        [
            [
                credentials.pair,
                credentials.token_hash.hex(),
                credentials.secret_hash.hex() if credentials.secret_hash else None,
            ]
            for credentials in held
        ]
    ).decode()


def _credentials_from_json(text: str) -> Held:
    return tuple(
        Credentials(
            pair=pair,
            token_hash=bytes.fromhex(token),
            secret_hash=None if secret is None else bytes.fromhex(secret),
        )
        for pair, token, secret in json.loads(text)
    )
