"""The audit trail: each change writes its entry in its own transaction; nothing changes one.

Where a retention is set the clean-up removes the oldest.
"""

from typing import Final, cast

from dcr_protocol.frozen import dataclass
from dcr_server.records import Action, Actor, AuditEntry, Origin, Owner
from dcr_server.storage.operations import CHANGED, Operation, Row, Statement
from dcr_server.storage.requests import AuditFilter

TELL: Final = """INSERT INTO audit
    (at, action, policy, subject, client_id, token_id, kid, jti, actor, address, request_id)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_COLUMNS: Final = (
    "id, at, action, policy, subject, client_id, token_id, kid, jti, actor, address, request_id"
)
_OLDEST: Final = "SELECT id, at FROM audit ORDER BY id LIMIT ?"
# The schema lets nobody remove what was told since. The statement returns something: so it is done
# before the next one.
_KEEP_FROM: Final = """INSERT INTO audit_kept_from (one, at) VALUES (1, ?)
    ON CONFLICT (one) DO UPDATE SET at = excluded.at
    WHERE audit_kept_from.at < excluded.at RETURNING 1"""
_REMOVE: Final = "DELETE FROM audit WHERE id >= ? AND id <= ? AND at < ?" + CHANGED
NOBODY: Final = Owner("")


@dataclass(frozen=True, slots=True)
class Change:
    action: Action
    at: int
    owner: Owner = NOBODY
    client_id: str = ""
    token_id: str = ""
    kid: str = ""
    jti: str = ""


def tell(change: Change, origin: Origin) -> Operation[None]:
    yield telling(change, origin)


def telling(change: Change, origin: Origin) -> Statement:
    """Give the statement alone, for operations that are performed thousands of times a second."""
    owner = change.owner
    return (
        TELL,
        (
            change.at,
            str(change.action),
            owner.policy,
            owner.subject,
            change.client_id,
            change.token_id or origin.token_id,
            change.kid,
            change.jti,
            str(origin.actor),
            origin.address,
            origin.request_id,
        ),
    )


def page(wanted: AuditFilter, after: int, limit: int) -> Operation[tuple[AuditEntry, ...]]:
    named: dict[str, str | None] = {
        "action": wanted.action,
        "actor": wanted.actor,
        "client_id": wanted.client_id,
        "policy": wanted.policy,
        "subject": wanted.subject,
        "token_id": wanted.token_id,
        "kid": wanted.kid,
    }
    asked = {column: str(value) for column, value in named.items() if value is not None}
    conditions = "".join(f" AND {column} = ?" for column in asked)
    rows = yield (
        f"SELECT {_COLUMNS} FROM audit WHERE id > ?{conditions} ORDER BY id LIMIT ?",
        (after, *asked.values(), limit),
    )
    return tuple(_entry(row) for row in rows)


def shorten(kept_from: int, limit: int) -> Operation[int]:
    """Remove what was told before that time, the oldest entries first; the last one stays.

    Without it ids would begin again, and who reads on after one would miss what comes.
    """
    oldest = yield _OLDEST, (limit + 1,)
    # The columns' types, as above.
    entries = cast("list[tuple[int, int]]", oldest)[:-1]
    expired = [number for number, at in entries if at < kept_from]
    if not expired:
        return 0
    yield _KEEP_FROM, (kept_from,)
    removed = yield _REMOVE, (expired[0], expired[-1], kept_from)
    # Of those that another process has removed meanwhile none is counted.
    return len(removed)


def _entry(row: Row) -> AuditEntry:
    # The columns' types, as the schema declares and `tell` writes them.
    number, at, action, policy, subject, client_id, *ids, actor, address, request_id = cast(
        "tuple[int, int, str, str, str, str, str, str, str, str, str, str]", row
    )
    token_id, kid, jti = ids
    return AuditEntry(
        id=number,
        at=at,
        action=Action(action),
        origin=Origin(actor=Actor(actor), address=address, request_id=request_id),
        owner=Owner(policy=policy, subject=subject),
        client_id=client_id,
        token_id=token_id,
        kid=kid,
        jti=jti,
    )
