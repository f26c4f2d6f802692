"""Registering clients: what one transaction does, for one of them or for several."""

from collections.abc import Hashable, Sequence
from typing import Final

from dcr_server.records import Action
from dcr_server.storage.audit_operations import TELL
from dcr_server.storage.client_operations import remember_key, replay, telling_of
from dcr_server.storage.client_rows import COLUMNS, row_of
from dcr_server.storage.key_operations import claim_assertion, is_claimed
from dcr_server.storage.operations import (
    CHANGED,
    FOR_UPDATE,
    Each,
    LostRace,
    Operation,
    Row,
    first_row,
)
from dcr_server.storage.requests import (
    ClientLimitReached,
    InitialAccessTokenSpent,
    Registered,
    Registration,
    RegistrationOutcome,
    SoftwareStatementUsed,
)

# Looked up once: Python 3.11 takes as long for a member of an enumeration as for a call.
_REGISTERED: Final = Action.CLIENT_REGISTERED

_INSERT: Final = f"INSERT INTO clients ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_COUNT_MORE: Final = """INSERT INTO client_counts (policy, clients) VALUES (?, ?)
    ON CONFLICT (policy) DO UPDATE SET clients = client_counts.clients + excluded.clients"""
_COUNT_NONE_YET: Final = """INSERT INTO client_counts (policy, clients) VALUES (?, 0)
    ON CONFLICT (policy) DO NOTHING"""
_COUNT: Final = "SELECT clients FROM client_counts WHERE policy = ?" + FOR_UPDATE
# As many rows as the limit are looked at, however many clients there are.
_COUNT_OF_SUBJECT: Final = """SELECT count(*) FROM (
    SELECT 1 FROM clients WHERE policy = ? AND subject = ? LIMIT ?) AS counted"""
_USE_INITIAL_ACCESS_TOKEN: Final = (
    """UPDATE initial_access_tokens SET uses = uses + ?
    WHERE token_hash = ? AND (max_uses IS NULL OR uses + ? <= max_uses)
    AND (expires_at IS NULL OR expires_at > ?)"""
    + CHANGED
)


def register(registration: Registration) -> Operation[RegistrationOutcome]:
    # A replay comes before use counting: a lost response must not cost the last use of a token.
    repeatable = registration.repeatable
    if repeatable is not None:
        token_hash = registration.initial_access_token_hash
        replayed = yield from replay(
            repeatable, registration.fresh, registration.origin, token_hash
        )
        if replayed is not None:
            return replayed
    if _has_limits(registration) and not (yield from _is_below_limits(registration)):
        return ClientLimitReached()
    refusal = yield from _use_up(registration)
    if refusal is not None:
        return refusal
    client = registration.client
    if repeatable is not None:
        yield from remember_key(repeatable, client.client_id)
    yield _INSERT, row_of(client)
    yield _COUNT_MORE, (client.owner.policy, 1)
    yield telling_of(_REGISTERED, client, registration.now, registration.origin)
    return Registered(client)


def alike(registration: Registration) -> Hashable:
    """Name those that can be registered together; None for one that has to look at what is there.

    They come with the same token and under the same policy, which limits no number.
    """
    only_adds = registration.repeatable is None and registration.single_use is None
    token_hash = registration.initial_access_token_hash
    if token_hash is None or not only_adds or _has_limits(registration):
        return None
    return token_hash, registration.client.owner.policy


def register_together(
    registrations: Sequence[Registration],
) -> Operation[Sequence[RegistrationOutcome]]:
    """Register those that are alike, with as many statements as for one of them."""
    first, times = registrations[0], len(registrations)
    if times == 1:
        return (yield from _register_each(registrations))
    token_hash = first.initial_access_token_hash
    now = max(registration.now for registration in registrations)
    if not (yield _USE_INITIAL_ACCESS_TOKEN, (times, token_hash, times, now)):
        # Some of them may have a use left: whoever comes first.
        return (yield from _register_each(registrations))
    clients = [registration.client for registration in registrations]
    yield _INSERT, Each(row_of(client) for client in clients)
    yield _COUNT_MORE, (first.client.owner.policy, times)
    yield TELL, Each(_told(registration) for registration in registrations)
    return [Registered(client) for client in clients]


def _register_each(
    registrations: Sequence[Registration],
) -> Operation[Sequence[RegistrationOutcome]]:
    outcomes = []
    for registration in registrations:
        outcomes.append((yield from register(registration)))  # noqa: PERF401 - a comprehension cannot yield
    return outcomes


def _told(registration: Registration) -> Row:
    origin = registration.origin
    return telling_of(_REGISTERED, registration.client, registration.now, origin)[1]


def _has_limits(registration: Registration) -> bool:
    return (registration.max_clients, registration.max_clients_per_subject) != (None, None)


def _is_below_limits(registration: Registration) -> Operation[bool]:
    owner = registration.client.owner
    most, most_of_subject = registration.max_clients, registration.max_clients_per_subject
    # The row is there to be locked also for the first client.
    yield _COUNT_NONE_YET, (owner.policy,)
    row = yield from first_row(_COUNT, (owner.policy,))
    if most is not None and (row is None or int(str(row[0])) >= most):
        return False
    if most_of_subject is None:
        return True
    row = yield from first_row(_COUNT_OF_SUBJECT, (owner.policy, owner.subject, most_of_subject))
    return row is not None and int(str(row[0])) < most_of_subject


def _use_up(
    registration: Registration,
) -> Operation[InitialAccessTokenSpent | SoftwareStatementUsed | None]:
    once, now = registration.single_use, registration.now
    # The statement is looked at before the token is used and noted after: no refusal costs either.
    if once is not None and (yield from is_claimed(once.hash, now)):
        return SoftwareStatementUsed()
    token_hash = registration.initial_access_token_hash
    if token_hash is not None:
        used = yield _USE_INITIAL_ACCESS_TOKEN, (1, token_hash, 1, now)
        if not used:
            return InitialAccessTokenSpent()
    if once is not None and not (yield from claim_assertion(once.hash, once.expires_at, now)):
        raise LostRace
    return None
