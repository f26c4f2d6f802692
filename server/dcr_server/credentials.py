"""Which secrets and registration access tokens of a client are valid, and what retires them.

Pure. A client holds a sequence of credentials, oldest first. Most of the time it is one. It
grows when an answer may have been lost, and shrinks when a later one is seen in use:

    registered      [A]
    updated         [A, A']     same secret, new token; the first use of A' retires A
    rotated         [A, A']     new secret and token; the first use of either of A' retires A
    replayed        [A, B]      new secret and token; the first use of either pair retires the other

So a lost answer never locks a client out, and what was lost does not stay valid for long.

A rotation may say for how long the secret before stays valid. Then that secret is in the overlap:
it is good until the end that was named, no longer and no shorter, whatever is used meanwhile. Only
a rotation without any overlap ends it before: that is for a secret that leaked, whichever it was.
"""

import hmac
from dataclasses import replace

from dcr_protocol.frozen import dataclass

OUTSTANDING = 16
"""How many credentials of one client may be held: the oldest, which was seen, and the newest."""
NEVER = 0
"""RFC 7591 §3.2.1: the value of `client_secret_expires_at` for a secret that does not expire."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What one response carried, hashed; an update keeps the number of the pair."""

    pair: int
    token_hash: bytes
    secret_hash: bytes | None
    secret_expires_at: int = NEVER
    """Seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class OverlappingSecret:
    """A secret that was rotated away, with the time at which it ends."""

    secret_hash: bytes
    ends_at: int


@dataclass(frozen=True, slots=True)
class SecretRenewal:
    """When an update issues another secret, and what becomes of the one before."""

    forced: bool = False
    """The request asks for it; else only where none is held, or the held one is due."""
    due_before: int = NEVER
    """A held secret that expires at this time or earlier is due."""
    overlap: int | None = None
    """Seconds for which a forced renewal keeps the secret before; None: until the first use."""

    @property
    def ends_all(self) -> bool:
        """Whether only the secret that is issued is valid from now on."""
        return self.forced and self.overlap == 0


KEEP_SECRET = SecretRenewal()

Held = tuple[Credentials, ...]
Overlapping = tuple[OverlappingSecret, ...]


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


def is_valid_secret(held: Held, overlapping: Overlapping, secret_hash: bytes, now: int) -> bool:
    """Say whether a client can authenticate with it now; compares in constant time."""
    known = find_secret(held, secret_hash)
    valid = known is not None and not _is_expired(known, now)
    for secret in overlapping:
        if hmac.compare_digest(secret.secret_hash, secret_hash) and now < secret.ends_at:
            valid = True
    return valid


def secret_expires_at(shown: Credentials, overlapping: Overlapping) -> int | None:
    """Say when the secret ends that came with these credentials; None: it has, or there is none.

    One that was rotated away since, by an answer that was lost, is the last in the overlap.
    """
    if shown.secret_hash is not None:
        return shown.secret_expires_at
    return overlapping[-1].ends_at if overlapping else None


def after_use(held: Held, used: Credentials) -> Held:
    """Drop what their first use retires: other pairs, and earlier ones of theirs."""
    position = held.index(used)
    return tuple(
        credentials
        for index, credentials in enumerate(held)
        if credentials.pair == used.pair and index >= position
    )


def after_secret_use(held: Held, secret_hash: bytes) -> Held:
    """Drop what the first use of a secret retires; one that is only in the overlap retires none."""
    used = find_secret(held, secret_hash)
    return held if used is None else after_use(held, used)


def retires_any(held: Held, used: Credentials) -> bool:
    return after_use(held, used) != held


def renews_secret(presented: Credentials, renewal: SecretRenewal) -> bool:
    if presented.secret_hash is None or renewal.forced:
        return True
    return presented.secret_expires_at != NEVER and (
        presented.secret_expires_at <= renewal.due_before
    )


def after_update(held: Held, issued: Credentials) -> Held:
    """RFC 7592 §3: the token before serves until the new one is used, a response may be lost."""
    if issued.secret_hash is None:
        held = without_secrets(held)
    return _held_at_most(held, issued)


def without_secrets(held: Held) -> Held:
    """Keep the tokens, by which a client manages itself when an answer was lost."""
    return tuple(replace(each, secret_hash=None, secret_expires_at=NEVER) for each in held)


def after_replay(
    held: Held, *, token_hash: bytes, secret_hash: bytes | None, secret_expires_at: int = NEVER
) -> Held:
    """Issue another pair beside those whose response may have been lost."""
    pair = max(credentials.pair for credentials in held) + 1
    return _held_at_most(held, Credentials(pair, token_hash, secret_hash, secret_expires_at))


def after_renewal(
    held: Held, overlapping: Overlapping, ended: OverlappingSecret | None, *, now: int
) -> tuple[Held, Overlapping]:
    """Move a secret that has an end of its own from what is held to the overlap."""
    left = tuple(secret for secret in overlapping if now < secret.ends_at)
    if ended is None:
        return held, left
    return _without_secret(held, ended.secret_hash), (*left, ended)[-OUTSTANDING:]


def secret_that_ends(
    presented: Credentials, renewal: SecretRenewal, now: int
) -> OverlappingSecret | None:
    """Give the secret before and its end; None where it stays until the first use of the new."""
    secret_hash, expires_at = presented.secret_hash, presented.secret_expires_at
    if secret_hash is None or (renewal.forced and renewal.overlap is None):
        return None
    if renewal.overlap is None:
        # Renewed because it is due: it is good for as long as it was said to be.
        return OverlappingSecret(secret_hash, expires_at)
    wanted = now + renewal.overlap
    return OverlappingSecret(
        secret_hash, wanted if expires_at == NEVER else min(wanted, expires_at)
    )


def _without_secret(held: Held, secret_hash: bytes) -> Held:
    return tuple(
        replace(each, secret_hash=None, secret_expires_at=NEVER)
        if each.secret_hash == secret_hash
        else each
        for each in held
    )


def _is_expired(credentials: Credentials, now: int) -> bool:
    return credentials.secret_expires_at != NEVER and credentials.secret_expires_at <= now


def _held_at_most(held: Held, issued: Credentials) -> Held:
    """Keep the oldest whatever happens: only its holder is known to have received anything."""
    oldest, *later = held
    return (oldest, *(*later, issued)[1 - OUTSTANDING :])
