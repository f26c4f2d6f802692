"""Signing keys, and what is remembered of the JWTs that came and went."""

from typing import Final, cast

from dcr_server.records import Action, Origin, Owner, SigningKey
from dcr_server.storage.audit_operations import Change, tell
from dcr_server.storage.operations import Operation, Row, changes, first_row

_COLUMNS: Final = "kid, sealed_private_key, created_at, algorithm, signs_from, expires_at"
_NOBODY: Final = Owner("")
_ADD: Final = f"INSERT INTO signing_keys ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)"
# Locks out others that start at the same time: they wait for the row and then find it.
_ADD_FIRST: Final = """INSERT INTO signing_key_made (one) VALUES (1)
    ON CONFLICT (one) DO NOTHING RETURNING 1"""
_RETIRE: Final = "UPDATE signing_keys SET expires_at = ? WHERE expires_at IS NULL OR expires_at > ?"


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
    yield _RETIRE, (retire_at, retire_at)
    yield _ADD, _row(key)
    yield from tell(Change(Action.SIGNING_KEY_ADDED, key.created_at, _NOBODY), origin)


def remove(kid: str) -> Operation[None]:
    yield "DELETE FROM signing_keys WHERE kid = ?", (kid,)


def reseal(kid: str, sealed_private_key: bytes) -> Operation[None]:
    yield "UPDATE signing_keys SET sealed_private_key = ? WHERE kid = ?", (sealed_private_key, kid)


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


def revoke_token(jwt_id: str, expires_at: int) -> Operation[None]:
    yield (
        """INSERT INTO revoked_tokens (jwt_id, expires_at) VALUES (?, ?)
        ON CONFLICT (jwt_id) DO NOTHING""",
        (jwt_id, expires_at),
    )


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
