"""base64url without padding: RFC 7515 §2, RFC 4648 §5."""

import base64
import binascii
from typing import Final

_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")


def encode(octets: bytes) -> str:
    encoded = binascii.b2a_base64(octets, newline=False).translate(_URL_SAFE, b"=")
    return encoded.decode("ascii")


def decode(text: str) -> bytes:
    """Raises ValueError; padding may be missing."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def decode_only_form(text: str) -> bytes:
    """Raises ValueError also for padding, and for other spellings of the same octets."""
    octets = decode(text)
    if encode(octets) != text:
        raise ValueError("not base64url in its only form")
    return octets
