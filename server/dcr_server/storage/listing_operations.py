"""What administrators ask about clients, and the removal of what has expired."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from dcr_server.records import CLEAN_UP, Action, Client, Owner
from dcr_server.storage import key_operations
from dcr_server.storage.audit_operations import Change, tell
from dcr_server.storage.client_operations import forget
from dcr_server.storage.client_rows import COLUMNS, client_from_row
from dcr_server.storage.operations import Operation
from dcr_server.storage.requests import ClientFilter


def page(wanted: ClientFilter, after: str, limit: int) -> Operation[tuple[Client, ...]]:
    if wanted.subject is None or wanted.policy is not None:
        return (yield from _page(wanted, after, limit))
    # The index knows subjects by policy, of which there are few.
    found: list[Client] = []
    for policy in (yield from counts()):
        found += yield from _page(replace(wanted, policy=policy), after, limit)
    return tuple(sorted(found, key=lambda client: client.client_id)[:limit])


def _page(wanted: ClientFilter, after: str, limit: int) -> Operation[tuple[Client, ...]]:
    named = {"policy": wanted.policy, "subject": wanted.subject}
    asked = {column: value for column, value in named.items() if value is not None}
    conditions = "".join(f" AND {column} = ?" for column in asked)
    rows = yield (
        f"SELECT {COLUMNS} FROM clients WHERE client_id > ?{conditions} ORDER BY client_id LIMIT ?",
        (after, *asked.values(), limit),
    )
    return tuple(client_from_row(row) for row in rows)


def counts() -> Operation[Mapping[str, int]]:
    rows = yield "SELECT policy, clients FROM client_counts", ()
    return {str(policy): int(str(clients)) for policy, clients in rows}


def clean_up_clients(now: int, limit: int) -> Operation[int]:
    expired = yield (
        """SELECT client_id, policy, subject FROM clients WHERE expires_at <= ?
        UNION SELECT client_id, policy, subject FROM clients WHERE unused_expires_at <= ?
        LIMIT ?""",
        (now, now, limit),
    )
    for row in expired:
        client_id, policy, subject = map(str, row)
        owner = Owner(policy=policy, subject=subject)
        if (yield from forget(client_id, owner, now)):
            yield from tell(Change(Action.CLIENT_EXPIRED, now, owner, client_id), CLEAN_UP)
    return len(expired)


def _clean_up(table: str, key: str) -> Callable[[int, int], Operation[int]]:
    statement = f"""DELETE FROM {table} WHERE {key} IN (
        SELECT {key} FROM {table} WHERE expires_at <= ? LIMIT ?) RETURNING 1"""

    def clean_up(now: int, limit: int) -> Operation[int]:
        rows = yield statement, (now, limit)
        return len(rows)

    return clean_up


CLEAN_UPS: Final[Mapping[str, Callable[[int, int], Operation[int]]]] = {
    "clients": clean_up_clients,
    "initial_access_tokens": _clean_up("initial_access_tokens", "token_hash"),
    "idempotency_keys": _clean_up("idempotency_keys", "key_hash"),
    "assertions": _clean_up("used_assertions", "assertion_hash"),
    "revoked_tokens": _clean_up("revoked_tokens", "jwt_id"),
    "signing_keys": key_operations.clean_up,
}
