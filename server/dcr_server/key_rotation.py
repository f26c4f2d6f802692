"""Signing keys follow each other, also while servers run, and change what they are sealed with.

Decisions are pure; what they need of the database is passed in. See `signing_keys` for the times.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from dcr_server.encryption import Sealer
from dcr_server.json_web_tokens import CLOCK_SKEW
from dcr_server.policies import LONGEST_ACCESS_TOKEN_LIFETIME
from dcr_server.records import COMMAND_LINE, SigningKey
from dcr_server.signing_keys import (
    SECONDS_BETWEEN_LOOKS,
    SECONDS_PUBLISHED_BEFORE,
    SigningAlgorithm,
    is_over,
    new_signing_key,
    place_of,
)
from dcr_server.storage.protocol import SigningKeyStorage


class KeyState(StrEnum):
    WAITING = "waiting"
    """Published, and signs later."""
    SIGNING = "signing"
    PUBLISHED = "published"
    """Signs no more; tokens that it signed may be in use."""
    OVER = "over"
    """Verifies nothing any more."""


@dataclass(frozen=True, slots=True)
class Wish:
    algorithm: SigningAlgorithm
    at_once: bool = False
    """The keys that are there are compromised: their tokens end now."""
    compromised_kid: str | None = None
    """With `at_once`: only if this key is still good for anything."""


@dataclass(frozen=True, slots=True)
class Rotation:
    key: SigningKey
    made: bool
    """False where what was wished for had been done before."""


async def rotate(storage: SigningKeyStorage, sealer: Sealer, wish: Wish, *, now: int) -> Rotation:
    """Make a successor, unless one is waiting; wished for again nothing changes.

    Raises WrongEncryptionKey: servers could not open what another key seals.
    """
    keys = await storage.all()
    for each in keys:
        sealer.open(each.sealed_private_key, place=place_of(each.kid))
    done = already_done(keys, wish, now)
    if done is not None:
        return Rotation(done, made=False)
    signs_from = now if wish.at_once or not keys else now + SECONDS_PUBLISHED_BEFORE
    key = new_signing_key(wish.algorithm, sealer, now=now, signs_from=signs_from)
    retire_at = now if wish.at_once else signs_from + _seconds_published_after()
    await storage.add(key, retire_at=retire_at, origin=COMMAND_LINE)
    return Rotation(key, made=True)


def already_done(keys: Sequence[SigningKey], wish: Wish, now: int) -> SigningKey | None:
    """Return the key by which the wish is fulfilled, None where one must be made."""
    good = [key for key in keys if not is_over(key, now)]
    if wish.at_once:
        if wish.compromised_kid is None or wish.compromised_kid in {key.kid for key in good}:
            return None
        return signing_key(keys, now)
    waiting = [key for key in good if key.signs_from > now and key.algorithm == wish.algorithm]
    return waiting[-1] if waiting else None


def signing_key(keys: Sequence[SigningKey], now: int) -> SigningKey | None:
    begun = [key for key in keys if key.signs_from <= now and not is_over(key, now)]
    return max(begun, key=lambda key: key.signs_from, default=None)


def state_of(key: SigningKey, keys: Sequence[SigningKey], now: int) -> KeyState:
    if is_over(key, now):
        return KeyState.OVER
    if key.signs_from > now:
        return KeyState.WAITING
    return KeyState.SIGNING if key == signing_key(keys, now) else KeyState.PUBLISHED


async def reseal(storage: SigningKeyStorage, sealer: Sealer, *, now: int) -> int:
    """Seal with the current encryption key what an earlier one sealed; return how many.

    Raises WrongEncryptionKey, and then nothing has changed.
    """
    keys = await storage.all()
    resealed = {
        key.kid: sealer.reseal(key.sealed_private_key, place=place_of(key.kid)) for key in keys
    }
    changed = {kid: sealed for kid, sealed in resealed.items() if sealed is not None}
    for kid, sealed in changed.items():
        await storage.reseal(kid, sealed, now=now, origin=COMMAND_LINE)
    return len(changed)


def _seconds_published_after() -> int:
    """For as long as a token may live that a process signed which had not looked again yet."""
    return LONGEST_ACCESS_TOKEN_LIFETIME + int(SECONDS_BETWEEN_LOOKS) + CLOCK_SKEW
