"""The keys that sign access tokens, which all processes share by the database.

A new key is published before it signs, so that whoever caches the JWKS knows it by then; the one
before stays published until the last token that it signed is over:

            rotate        signs_from                expires_at of the old key
    old     signs ────────┤ published ──────────────┤ gone
    new     ├ published ──┤ signs ───────────────────────────────────►

Each process looks at the database for itself, every few seconds.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

import structlog
from joserfc.jwk import ECKey, RSAKey

from dcr_protocol.json_document import JsonValue
from dcr_server.encryption import Sealer, WrongEncryptionKey
from dcr_server.jwt_signing import Sign, signing_function
from dcr_server.records import SigningKey
from dcr_server.signing_turns import SigningTurns
from dcr_server.storage.protocol import SigningKeyStorage, StorageUnavailable, UnusableStorage

SigningAlgorithm = Literal["ES256", "RS256"]

SECONDS_BETWEEN_LOOKS: Final = 10.0
"""After so long every process knows of a change."""
SECONDS_PUBLISHED_BEFORE: Final = 900
"""Of which caches may take what `responses.public` allows."""

_RSA_BITS: Final = 2048

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class LoadedKey:
    """A signing key that was opened."""

    record: SigningKey
    public: Mapping[str, JsonValue]
    sign: Sign

    @property
    def kid(self) -> str:
        return self.record.kid

    @property
    def algorithm(self) -> str:
        return self.record.algorithm


class SigningKeys:
    """The keys as this process knows them."""

    def __init__(self, storage: SigningKeyStorage, sealer: Sealer) -> None:
        self._storage = storage
        self._sealer = sealer
        self._keys: tuple[LoadedKey, ...] = ()
        self._turns = SigningTurns()

    async def reload(self) -> None:
        """Look at the database again; what is known already is not opened again.

        Raises StorageUnavailable; WrongEncryptionKey, then nothing has changed.
        """
        known = {key.kid: key for key in self._keys}
        records = sorted(await self._storage.all(), key=lambda record: record.signs_from)
        # A key stays the same; when it ends, and what it is sealed with, may have changed.
        self._keys = tuple(
            replace(known[record.kid], record=record)
            if record.kid in known
            else _load(record, self._sealer)
            for record in records
        )

    @contextlib.asynccontextmanager
    async def followed(self, seconds: float = SECONDS_BETWEEN_LOOKS) -> AsyncIterator[None]:
        """Look again and again while the context is open."""
        task = asyncio.create_task(self._follow(seconds))
        try:
            yield
        finally:
            task.cancel()

    async def _follow(self, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await self.reload()
            except (StorageUnavailable, WrongEncryptionKey) as error:
                log.warning("signing_keys_not_reloaded", reason=type(error).__name__)
            except Exception:
                # Such as a key that somebody edited: those that are known go on signing.
                log.exception("signing_keys_not_reloaded")

    def current(self, now: int) -> LoadedKey:
        """Return the key that signs: of those whose time has come the latest.

        Raises StorageUnavailable: without the database no successor comes to be known.
        """
        for key in reversed(self._keys):
            if key.record.signs_from <= now and not is_over(key.record, now):
                return key
        raise StorageUnavailable("no signing key is in force")

    async def sign(self, claims: Mapping[str, JsonValue], now: int) -> str:
        """Make an access token of the claims by the current key.

        Raises StorageUnavailable as `current`.
        """
        return await self._turns.sign(self.current(now).sign, claims)

    @property
    def is_empty(self) -> bool:
        return not self._keys

    @property
    def newest(self) -> LoadedKey:
        """The last one in time, which signs or will."""
        return self._keys[-1]

    async def find(self, kid: str, now: int) -> LoadedKey | None:
        """Find a key that is published, one that another process has just made too."""
        if not any(key.kid == kid for key in self._keys):
            # What cannot be opened is not found; `_follow` complains about it.
            with contextlib.suppress(WrongEncryptionKey):
                await self.reload()
        return next(
            (key for key in self._keys if key.kid == kid and not is_over(key.record, now)), None
        )

    def jwks(self, now: int) -> dict[str, JsonValue]:
        """RFC 7517 §5: public parts only."""
        return {"keys": [dict(key.public) for key in self._keys if not is_over(key.record, now)]}


async def open_signing_keys(
    storage: SigningKeyStorage, sealer: Sealer, *, algorithm: SigningAlgorithm, now: int
) -> SigningKeys:
    """Load the keys, made on the first start.

    Raises WrongEncryptionKey; UnusableStorage where somebody has removed them.
    """
    if not await storage.all():
        await storage.add_first(new_signing_key(algorithm, sealer, now=now, signs_from=now))
    keys = SigningKeys(storage, sealer)
    await keys.reload()
    if keys.is_empty:
        # The first key was made before; another process cannot tell this from its start.
        raise UnusableStorage(
            "the database has no signing key although one was made: restore it from a backup, or "
            "run dcr-server keys rotate for a new one"
        )
    return keys


def new_signing_key(
    algorithm: SigningAlgorithm, sealer: Sealer, *, now: int, signs_from: int
) -> SigningKey:
    key = _GENERATORS[algorithm]()
    kid = key.thumbprint()
    private = json.dumps(key.as_dict(private=True)).encode()
    return SigningKey(
        kid=kid,
        sealed_private_key=sealer.seal(private, place=place_of(kid)),
        created_at=now,
        algorithm=algorithm,
        signs_from=signs_from,
    )


def is_over(key: SigningKey, now: int) -> bool:
    """Say whether all tokens are over that it signed, or it was revoked."""
    return key.expires_at is not None and key.expires_at <= now


def place_of(kid: str) -> str:
    """Name what is sealed (`Sealer.seal`)."""
    return f"signing_keys/{kid}"


_GENERATORS: Final[Mapping[str, Callable[[], ECKey | RSAKey]]] = {
    "ES256": lambda: ECKey.generate_key("P-256", private=True),
    "RS256": lambda: RSAKey.generate_key(_RSA_BITS, private=True),
}
_IMPORTS: Final[Mapping[str, type[ECKey | RSAKey]]] = {"ES256": ECKey, "RS256": RSAKey}


def _load(record: SigningKey, sealer: Sealer) -> LoadedKey:
    private = json.loads(sealer.open(record.sealed_private_key, place=place_of(record.kid)))
    key = _IMPORTS[record.algorithm].import_key(private)
    members = {name: str(value) for name, value in key.as_dict(private=False).items()}
    return LoadedKey(
        record=record,
        public={**members, "kid": record.kid, "use": "sig", "alg": record.algorithm},
        sign=signing_function(key.private_key, record.algorithm, record.kid),
    )
