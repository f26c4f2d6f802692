"""Updating, using and deleting clients: what one transaction each does."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from dcr_protocol.json_document import JsonValue
from dcr_server.credentials import (
    Credentials,
    after_renewal,
    after_replay,
    after_secret_use,
    after_update,
    after_use,
    find_token,
    is_valid_secret,
    renews_secret,
    secret_that_ends,
    without_secrets,
)
from dcr_server.records import Action, Client, Origin, Owner, Repeatable, needs_secret
from dcr_server.storage.audit_operations import Change, telling
from dcr_server.storage.client_rows import COLUMNS, changeable_columns, client_from_row
from dcr_server.storage.operations import (
    FOR_UPDATE,
    LostRace,
    Operation,
    Statement,
    changes,
    first_row,
)
from dcr_server.storage.requests import (
    Fresh,
    IdempotencyKeyReused,
    InitialAccessTokenSpent,
    Replayed,
    ReplayedClientGone,
    ReplayOutcome,
    TokenRetired,
    Update,
    Updated,
    UpdateOutcome,
)

SECONDS_THAT_A_KEY_OUTLIVES_ITS_CLIENT: Final = 24 * 60 * 60

_FIND: Final = f"SELECT {COLUMNS} FROM clients WHERE client_id = ?"
_FIND_TO_CHANGE: Final = _FIND + FOR_UPDATE
_STORE: Final = (
    "UPDATE clients SET credentials = ?, overlapping = ?, metadata = ? WHERE client_id = ?"
)
_NOTE_USE: Final = "UPDATE clients SET unused_expires_at = NULL WHERE client_id = ?"
_DELETE: Final = "DELETE FROM clients WHERE client_id = ? RETURNING 1"
_COUNT_ONE_LESS: Final = "UPDATE client_counts SET clients = clients - 1 WHERE policy = ?"
# A repeat costs no use, and the last one may be repeated too.
_INITIAL_ACCESS_TOKEN: Final = """SELECT 1 FROM initial_access_tokens
    WHERE token_hash = ? AND (expires_at IS NULL OR expires_at > ?)"""
# An expired key is as good as none.
_KEY: Final = """SELECT body_hash, client_id FROM idempotency_keys
    WHERE key_hash = ? AND (expires_at IS NULL OR expires_at > ?)"""
_REMEMBER_KEY: Final = """INSERT INTO idempotency_keys (key_hash, body_hash, client_id)
    VALUES (?, ?, ?) ON CONFLICT (key_hash) DO UPDATE SET
    body_hash = excluded.body_hash, client_id = excluded.client_id, expires_at = NULL
    WHERE idempotency_keys.expires_at <= ? RETURNING 1"""
_KEYS_OF_CLIENT_END: Final = "UPDATE idempotency_keys SET expires_at = ? WHERE client_id = ?"


def find(client_id: str) -> Operation[Client | None]:
    row = yield from first_row(_FIND, (client_id,))
    return None if row is None else client_from_row(row)


def is_known(repeatable: Repeatable) -> Operation[bool]:
    row = yield from first_row(_KEY, (repeatable.key_hash, repeatable.at))
    return row is not None


def replay(
    repeatable: Repeatable, fresh: Fresh, origin: Origin, initial_access_token_hash: bytes | None
) -> Operation[ReplayOutcome | None]:
    client_id = yield from _earlier_client(repeatable)
    if client_id is None or isinstance(client_id, IdempotencyKeyReused):
        return client_id
    if initial_access_token_hash is not None:
        token = initial_access_token_hash, repeatable.at
        if (yield from first_row(_INITIAL_ACCESS_TOKEN, token)) is None:
            return InitialAccessTokenSpent()
    client = yield from _find_to_change(client_id)
    if client is None or client.is_expired(repeatable.at):
        return ReplayedClientGone()
    held = after_replay(
        client.credentials,
        token_hash=fresh.token_hash,
        secret_hash=fresh.secret_hash if client.needs_secret else None,
        secret_expires_at=fresh.secret_expires_at if client.needs_secret else 0,
    )
    yield telling_of(Action.CLIENT_REPLAYED, client, repeatable.at, origin)
    return Replayed((yield from _store(replace(client, credentials=held))))


def update(update: Update) -> Operation[UpdateOutcome]:
    replayed = yield from replay_update(update)
    if replayed is not None:
        return replayed
    client, presented = yield from _presented(update)
    if client is None or presented is None:
        return TokenRetired()
    if update.repeatable is not None:
        yield from remember_key(update.repeatable, client.client_id)
    if update.metadata is None:
        yield telling_of(Action.CLIENT_SECRET_ROTATED, client, update.now, update.origin)
        return (yield from _issue(client, presented, update))
    yield telling_of(Action.CLIENT_UPDATED, client, update.now, update.origin)
    return (yield from _issue(client, presented, update, update.metadata))


def replay_update(update: Update) -> Operation[UpdateOutcome | None]:
    if update.repeatable is None:
        return None
    earlier = yield from _earlier_client(update.repeatable)
    if earlier is None or isinstance(earlier, IdempotencyKeyReused):
        return earlier
    client, presented = yield from _presented(update)
    if client is None or presented is None:
        return TokenRetired()
    yield telling_of(Action.CLIENT_REPLAYED, client, update.now, update.origin)
    return (yield from _issue(client, presented, update))


def use_token(client_id: str, token_hash: bytes) -> Operation[bool]:
    client = yield from _find_to_change(client_id)
    used = None if client is None else find_token(client.credentials, token_hash)
    if client is None or used is None:
        return False
    left = after_use(client.credentials, used)
    if left != client.credentials:
        yield from _store(replace(client, credentials=left))
    return True


def use_secret(client_id: str, secret_hash: bytes | None, now: int) -> Operation[bool]:
    client = yield from _find_to_change(client_id)
    if client is None or client.is_expired(now):
        return False
    if client.unused_expires_at is not None:
        yield _NOTE_USE, (client_id,)
    if secret_hash is None:
        return True
    if not is_valid_secret(client.credentials, client.overlapping, secret_hash, now):
        return False
    left = after_secret_use(client.credentials, secret_hash)
    if left != client.credentials:
        yield from _store(replace(client, credentials=left))
    return True


def delete(client_id: str, token_hash: bytes, now: int, origin: Origin) -> Operation[bool]:
    client = yield from _find_to_change(client_id)
    if client is None or find_token(client.credentials, token_hash) is None:
        return False
    yield from forget(client.client_id, client.owner, now)
    yield telling_of(Action.CLIENT_DELETED, client, now, origin)
    return True


def remove(client_id: str, now: int, origin: Origin) -> Operation[bool]:
    client = yield from _find_to_change(client_id)
    if client is None:
        return False
    yield from forget(client.client_id, client.owner, now)
    yield telling_of(Action.CLIENT_REMOVED, client, now, origin)
    return True


def forget(client_id: str, owner: Owner, now: int) -> Operation[bool]:
    """Remove it; its Idempotency-Keys stay for a while, so that a late repeat is told so."""
    if not (yield from changes(_DELETE, (client_id,))):
        return False
    yield _COUNT_ONE_LESS, (owner.policy,)
    yield _KEYS_OF_CLIENT_END, (now + SECONDS_THAT_A_KEY_OUTLIVES_ITS_CLIENT, client_id)
    return True


def _earlier_client(repeatable: Repeatable) -> Operation[str | IdempotencyKeyReused | None]:
    row = yield from first_row(_KEY, (repeatable.key_hash, repeatable.at))
    if row is None:
        return None
    return str(row[1]) if row[0] == repeatable.body_hash else IdempotencyKeyReused()


def remember_key(repeatable: Repeatable, client_id: str) -> Operation[None]:
    key, body, at = repeatable.key_hash, repeatable.body_hash, repeatable.at
    if not (yield from changes(_REMEMBER_KEY, (key, body, client_id, at))):
        raise LostRace


def _presented(update: Update) -> Operation[tuple[Client | None, Credentials | None]]:
    client = yield from _find_to_change(update.holder.client_id)
    if client is None or client.is_expired(update.now):
        return None, None
    return client, find_token(client.credentials, update.holder.token_hash)


def _issue(
    client: Client,
    presented: Credentials,
    update: Update,
    metadata: Mapping[str, JsonValue] | None = None,
) -> Operation[Updated]:
    """Give a new token to the holder of one; a secret if it needs another.

    Without metadata those that are in force stay.
    """
    metadata = client.metadata if metadata is None else metadata
    fresh, held = update.fresh, after_use(client.credentials, presented)
    if not needs_secret(metadata.get("token_endpoint_auth_method")):
        issued = Credentials(presented.pair, fresh.token_hash, None)
        held = after_update(held, issued)
        changed = replace(client, metadata=metadata, credentials=held, overlapping=())
        return Updated((yield from _store(changed)), secret_issued=False)
    overlapping, renews = client.overlapping, renews_secret(presented, update.renewal)
    issued = Credentials(
        presented.pair, fresh.token_hash, presented.secret_hash, presented.secret_expires_at
    )
    if renews:
        issued = Credentials(
            presented.pair, fresh.token_hash, fresh.secret_hash, fresh.secret_expires_at
        )
        ended = secret_that_ends(presented, update.renewal, update.now)
        held, overlapping = after_renewal(held, overlapping, ended, now=update.now)
        if update.renewal.ends_all:
            held, overlapping = without_secrets(held), ()
    held = after_update(held, issued)
    changed = replace(client, metadata=metadata, credentials=held, overlapping=overlapping)
    return Updated((yield from _store(changed)), secret_issued=renews)


def _find_to_change(client_id: str) -> Operation[Client | None]:
    row = yield from first_row(_FIND_TO_CHANGE, (client_id,))
    return None if row is None else client_from_row(row)


def _store(client: Client) -> Operation[Client]:
    yield _STORE, (*changeable_columns(client), client.client_id)
    return client


def telling_of(action: Action, client: Client, now: int, origin: Origin) -> Statement:
    return telling(Change(action, now, client.owner, client.client_id), origin)
