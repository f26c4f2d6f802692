"""Secrets and tokens: made from injected entropy, shown once, kept as a hash.

256 bits need no slow hash: guessing one is as hard as guessing the hash.
"""

import hashlib
import os
import re
import time
from collections.abc import Callable
from typing import Final

from pydantic import SecretStr

from dcr_protocol import base64url
from dcr_protocol.frozen import dataclass

# Prefixes let people and secret scanners know what they found.
INITIAL_ACCESS_TOKEN_PREFIX: Final = "dcr_iat_"
REGISTRATION_ACCESS_TOKEN_PREFIX: Final = "dcr_rat_"
CLIENT_SECRET_PREFIX: Final = "dcr_sec_"

HASH_BYTES: Final = hashlib.sha256().digest_size

_OPAQUE: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
# RFC 7519 §3, §7: a JWS of three parts or a JWE of five; the first is a JSON object.
_JWT: Final = re.compile(r"eyJ[A-Za-z0-9_-]*(?:(?:\.[A-Za-z0-9_-]*){2}){1,2}", re.ASCII)
_MINTED: Final = re.compile(
    rf"({INITIAL_ACCESS_TOKEN_PREFIX}|{REGISTRATION_ACCESS_TOKEN_PREFIX}|{CLIENT_SECRET_PREFIX})"
    r"[A-Za-z0-9_-]+",
    re.ASCII,
)
TOKEN_BYTES: Final = 32
_CLIENT_ID_RANDOM_BYTES: Final = 10

Entropy = Callable[[int], bytes]
Clock = Callable[[], float]

system_entropy: Entropy = os.urandom
system_clock: Clock = time.time


@dataclass(frozen=True, slots=True)
class Minted:
    """The token for its holder and the hash for us."""

    value: SecretStr
    hash: bytes


def mint(prefix: str, entropy: Entropy) -> Minted:
    """Make a token of VSCHARs that form-urlencoding leaves alone (RFC 6749 App. A, S-065)."""
    return token_of(prefix, entropy(TOKEN_BYTES))


def token_of(prefix: str, random: bytes) -> Minted:
    """Make one of so many random bytes: who needs several asks the system once."""
    value = prefix + base64url.encode(random)
    return Minted(SecretStr(value), hash_of(value))


def is_opaque_token(token: str) -> bool:
    """Tell our tokens by their form; a JWT has dots."""
    return _OPAQUE.fullmatch(token) is not None


def without_credentials(text: str) -> str:
    """Cut what we minted out of a text that quotes a request: some send it as something else."""
    return _MINTED.sub(r"\1...", text)


def looks_like_jwt(token: str) -> bool:
    return _JWT.fullmatch(token) is not None


def hash_of(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8")).digest()


def new_client_id(entropy: Entropy, now: float) -> str:
    """Begin with the time, so that new clients are neighbours in the database's index.

    RFC 9700 §4.15: nothing of it is the client's choice, and it cannot be taken for a URL.
    """
    return f"{int(now * 1000):012x}{entropy(_CLIENT_ID_RANDOM_BYTES).hex()}"
