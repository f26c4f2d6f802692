"""Which secrets and registration access tokens of a client are valid, and what retires them.

Pure. A client holds a sequence of credentials, oldest first. Most of the time it is one. It
grows when an answer may have been lost, and shrinks when a later one is seen in use:

    registered      [A]
    updated         [A, A']     same secret, new token; the first use of A' retires A
    replayed        [A, B]      new secret and token; the first use of either pair retires the other

So a lost answer never locks a client out, and what was lost does not stay valid for long.
"""

import hmac
from dataclasses import dataclass, replace

OUTSTANDING = 16
"""How many credentials of one client may be held: the oldest, which was seen, and the newest."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What one response carried, hashed; an update keeps the number of the pair."""

    pair: int
    token_hash: bytes
    secret_hash: bytes | None


Held = tuple[Credentials, ...]


def find_token(held: Held, token_hash: bytes) -> Credentials | None:
    """Compare with every one in constant time, so that timing tells nothing about a near miss."""
    found = None
    for credentials in held:
        if hmac.compare_digest(credentials.token_hash, token_hash):
            found = credentials
    return found


def find_secret(held: Held, secret_hash: bytes) -> Credentials | None:
    """Return the oldest with that secret: it does not tell which update was seen."""
    found = None
    for credentials in reversed(held):
        known = credentials.secret_hash
        if known is not None and hmac.compare_digest(known, secret_hash):
            found = credentials
    return found


def after_use(held: Held, used: Credentials) -> Held:
    """Drop what their first use retires: other pairs, and earlier ones of theirs."""
    position = held.index(used)
    return tuple(
        credentials
        for index, credentials in enumerate(held)
        if credentials.pair == used.pair and index >= position
    )


def retires_any(held: Held, used: Credentials) -> bool:
    return after_use(held, used) != held


def after_update(held: Held, issued: Credentials) -> Held:
    """RFC 7592 §3: the token before serves until the new one is used, a response may be lost."""
    if issued.secret_hash is None:
        held = tuple(replace(credentials, secret_hash=None) for credentials in held)
    return _held_at_most(held, issued)


def after_replay(held: Held, *, token_hash: bytes, secret_hash: bytes | None) -> Held:
    """Issue another pair beside those whose response may have been lost."""
    pair = max(credentials.pair for credentials in held) + 1
    issued = Credentials(pair=pair, token_hash=token_hash, secret_hash=secret_hash)
    return _held_at_most(held, issued)


def _held_at_most(held: Held, issued: Credentials) -> Held:
    """Keep the oldest whatever happens: only its holder is known to have received anything."""
    oldest, *later = held
    return (oldest, *(*later, issued)[1 - OUTSTANDING :])
