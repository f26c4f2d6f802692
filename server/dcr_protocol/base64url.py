"""base64url without padding: RFC 7515 §2, RFC 4648 §5."""

import base64


def encode(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Raises ValueError; padding may be missing."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def decode_only_form(text: str) -> bytes:
    """Raises ValueError also for padding, and for other spellings of the same octets."""
    octets = decode(text)
    if encode(octets) != text:
        raise ValueError("not base64url in its only form")
    return octets
