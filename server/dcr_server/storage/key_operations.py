"""Signing keys, and what is remembered of the JWTs that came and went."""

from typing import Final, cast

from dcr_server.records import CLEAN_UP, Action, Origin, SigningKey
from dcr_server.storage.audit_operations import Change, tell
from dcr_server.storage.operations import Operation, Row, changes, first_row
from dcr_server.storage.requests import Revocation

_COLUMNS: Final = "kid, sealed_private_key, created_at, algorithm, signs_from, expires_at"
_ADD: Final = f"INSERT INTO signing_keys ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)"
# Locks out others that start at the same time: they wait for the row and then find it.
_ADD_FIRST: Final = """INSERT INTO signing_key_made (one) VALUES (1)
    ON CONFLICT (one) DO NOTHING RETURNING 1"""
_RESEAL: Final = "UPDATE signing_keys SET sealed_private_key = ? WHERE kid = ? RETURNING 1"
_REMOVE_EXPIRED: Final = """DELETE FROM signing_keys WHERE kid IN (
    SELECT kid FROM signing_keys WHERE expires_at <= ? LIMIT ?) RETURNING kid"""
_RETIRE: Final = """UPDATE signing_keys SET expires_at = ?
    WHERE expires_at IS NULL OR expires_at > ? RETURNING kid"""


def all_keys() -> Operation[tuple[SigningKey, ...]]:
    rows = yield f"SELECT {_COLUMNS} FROM signing_keys ORDER BY created_at, kid", ()
    return tuple(
        SigningKey(*cast("tuple[str, bytes, int, str, int, int | None]", row)) for row in rows
    )


def add_first(key: SigningKey) -> Operation[None]:
    if not (yield from changes(_ADD_FIRST, ())):
        return
    if (yield from first_row("SELECT 1 FROM signing_keys LIMIT 1")) is None:
        yield _ADD, _row(key)


def add(key: SigningKey, retire_at: int, origin: Origin) -> Operation[None]:
    retired = yield _RETIRE, (retire_at, retire_at)
    yield _ADD, _row(key)
    yield from tell(Change(Action.SIGNING_KEY_ADDED, key.created_at, kid=key.kid), origin)
    for (kid,) in retired:
        end = Change(Action.SIGNING_KEY_RETIRED, key.created_at, kid=str(kid))
        yield from tell(end, origin)


def reseal(kid: str, sealed_private_key: bytes, now: int, origin: Origin) -> Operation[None]:
    if (yield from changes(_RESEAL, (sealed_private_key, kid))):
        yield from tell(Change(Action.SIGNING_KEY_RESEALED, now, kid=kid), origin)


def clean_up(now: int, limit: int) -> Operation[int]:
    removed = yield _REMOVE_EXPIRED, (now, limit)
    for (kid,) in removed:
        yield from tell(Change(Action.SIGNING_KEY_REMOVED, now, kid=str(kid)), CLEAN_UP)
    return len(removed)


def is_claimed(assertion_hash: bytes, now: int) -> Operation[bool]:
    row = yield from first_row(
        "SELECT 1 FROM used_assertions WHERE assertion_hash = ? AND expires_at > ?",
        (assertion_hash, now),
    )
    return row is not None


def claim_assertion(assertion_hash: bytes, expires_at: int, now: int) -> Operation[bool]:
    return (
        yield from changes(
            """INSERT INTO used_assertions (assertion_hash, expires_at) VALUES (?, ?)
            ON CONFLICT (assertion_hash) DO UPDATE SET expires_at = excluded.expires_at
            WHERE used_assertions.expires_at <= ? RETURNING 1""",
            (assertion_hash, expires_at, now),
        )
    )


def revoke_token(wanted: Revocation) -> Operation[None]:
    revoked = yield from changes(
        """INSERT INTO revoked_tokens (jwt_id, expires_at) VALUES (?, ?)
        ON CONFLICT (jwt_id) DO NOTHING RETURNING 1""",
        (wanted.jwt_id, wanted.expires_at),
    )
    if revoked:
        action, jti = Action.ACCESS_TOKEN_REVOKED, wanted.jwt_id
        change = Change(action, wanted.now, wanted.owner, wanted.client_id, jti=jti)
        yield from tell(change, wanted.origin)


def is_revoked(jwt_id: str) -> Operation[bool]:
    row = yield from first_row("SELECT 1 FROM revoked_tokens WHERE jwt_id = ?", (jwt_id,))
    return row is not None


def _row(key: SigningKey) -> Row:
    return (
        key.kid,
        key.sealed_private_key,
        key.created_at,
        key.algorithm,
        key.signs_from,
        key.expires_at,
    )
