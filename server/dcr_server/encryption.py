"""What must be readable again is sealed: AES-256-GCM with the key from the settings."""

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
    """Seals values for a place, such as `signing_keys/<kid>`: elsewhere they do not open."""

    def __init__(self, key: bytes, entropy: Entropy) -> None:
        self._cipher = AESGCM(key)
        self._entropy = entropy

    def seal(self, value: bytes, *, place: str) -> bytes:
        nonce = self._entropy(_NONCE_BYTES)
        return _VERSION + nonce + self._cipher.encrypt(nonce, value, place.encode())

    def open(self, sealed: bytes, *, place: str) -> bytes:
        """Raises WrongEncryptionKey."""
        if not sealed.startswith(_VERSION) or len(sealed) < _SHORTEST:
            raise WrongEncryptionKey
        nonce = sealed[1 : 1 + _NONCE_BYTES]
        try:
            return self._cipher.decrypt(nonce, sealed[1 + _NONCE_BYTES :], place.encode())
        except InvalidTag:
            raise WrongEncryptionKey from None
