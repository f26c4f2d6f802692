"""Initial access tokens: adding, finding, listing, revoking."""

from typing import Final, cast

from dcr_server.records import Action, InitialAccessToken, Origin, Owner, is_token_id
from dcr_server.storage.audit_operations import Change, tell
from dcr_server.storage.operations import Operation, Row, first_row
from dcr_server.tokens import HASH_BYTES

_COLUMNS: Final = "token_hash, policy, subject, created_at, expires_at, max_uses, uses, note"
_ADD: Final = f"""INSERT INTO initial_access_tokens ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (token_hash) DO NOTHING RETURNING 1"""
_FIND: Final = f"SELECT {_COLUMNS} FROM initial_access_tokens WHERE token_hash = ?"
_LIST: Final = f"SELECT {_COLUMNS} FROM initial_access_tokens WHERE token_hash > ?"
_REVOKE: Final = """DELETE FROM initial_access_tokens
    WHERE token_hash >= ? AND token_hash <= ? RETURNING policy, subject"""


def add(token: InitialAccessToken, origin: Origin) -> Operation[None]:
    added = yield (
        _ADD,
        (
            token.token_hash,
            token.owner.policy,
            token.owner.subject,
            token.created_at,
            token.expires_at,
            token.max_uses,
            token.uses,
            token.note,
        ),
    )
    if added:
        made = Action.INITIAL_ACCESS_TOKEN_CREATED
        change = Change(made, token.created_at, token.owner, token_id=token.token_id)
        yield from tell(change, origin)


def find(token_hash: bytes) -> Operation[InitialAccessToken | None]:
    row = yield from first_row(_FIND, (token_hash,))
    return None if row is None else _token(row)


def page(policy: str | None, after: str, limit: int) -> Operation[tuple[InitialAccessToken, ...]]:
    condition, named = ("", ()) if policy is None else (" AND policy = ?", (policy,))
    rows = yield (
        f"{_LIST}{condition} ORDER BY token_hash LIMIT ?",
        (_last_hash(after) if after else b"", *named, limit),
    )
    return tuple(_token(row) for row in rows)


def revoke(token_id: str, now: int, origin: Origin) -> Operation[bool]:
    if not is_token_id(token_id):
        # A shorter one would stand for every token that begins like it.
        return False
    rows = yield _REVOKE, (_first_hash(token_id), _last_hash(token_id))
    for row in rows:
        owner = Owner(policy=str(row[0]), subject=str(row[1]))
        change = Change(Action.INITIAL_ACCESS_TOKEN_REVOKED, now, owner, token_id=token_id)
        yield from tell(change, origin)
    return bool(rows)


def _first_hash(token_id: str) -> bytes:
    return bytes.fromhex(token_id).ljust(HASH_BYTES, b"\x00")


def _last_hash(token_id: str) -> bytes:
    return bytes.fromhex(token_id).ljust(HASH_BYTES, b"\xff")


def _token(row: Row) -> InitialAccessToken:
    # The columns' types, as the schema declares and `add` writes them.
    token_hash, policy, subject, created_at, expires_at, max_uses, uses, note = cast(
        "tuple[bytes, str, str, int, int | None, int | None, int, str]", row
    )
    return InitialAccessToken(
        token_hash=token_hash,
        owner=Owner(policy=policy, subject=subject),
        created_at=created_at,
        expires_at=expires_at,
        max_uses=max_uses,
        uses=uses,
        note=note,
    )
