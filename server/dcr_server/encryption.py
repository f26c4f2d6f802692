"""What must be readable again is sealed: AES-256-GCM with the key from the settings."""

from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dcr_server.tokens import Entropy

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
# So that another algorithm can follow without guessing what a value was sealed with.
_VERSION: Final = b"\x01"
_TAG_BYTES: Final = 16
_SHORTEST: Final = len(_VERSION) + _NONCE_BYTES + _TAG_BYTES


class WrongEncryptionKey(Exception):  # noqa: N818 - says what is the matter; there is no other error here
    """The value was sealed with another key, for another place, or is damaged."""


class Sealer:
    """Seals values for a place, such as `signing_keys/<kid>`: elsewhere they do not open.

    Seals with one key; opens also what the previous ones sealed, so that a key can be replaced.
    """

    def __init__(self, key: bytes, entropy: Entropy, previous: Sequence[bytes] = ()) -> None:
        self._ciphers = [AESGCM(each) for each in (key, *previous)]
        self._entropy = entropy

    def seal(self, value: bytes, *, place: str) -> bytes:
        nonce = self._entropy(_NONCE_BYTES)
        return _VERSION + nonce + self._ciphers[0].encrypt(nonce, value, place.encode())

    def open(self, sealed: bytes, *, place: str) -> bytes:
        """Raises WrongEncryptionKey."""
        for cipher in self._ciphers:
            value = _open(cipher, sealed, place)
            if value is not None:
                return value
        raise WrongEncryptionKey

    def reseal(self, sealed: bytes, *, place: str) -> bytes | None:
        """Seal it with the current key; None where it is.

        Raises WrongEncryptionKey.
        """
        if _open(self._ciphers[0], sealed, place) is not None:
            return None
        return self.seal(self.open(sealed, place=place), place=place)


def _open(cipher: AESGCM, sealed: bytes, place: str) -> bytes | None:
    if not sealed.startswith(_VERSION) or len(sealed) < _SHORTEST:
        return None
    nonce = sealed[1 : 1 + _NONCE_BYTES]
    try:
        return cipher.decrypt(nonce, sealed[1 + _NONCE_BYTES :], place.encode())
    except InvalidTag:
        return None
