"""What the server remembers, as frozen data: storage keeps it, endpoints decide on it."""

from collections.abc import Mapping
from dataclasses import dataclass

from dcr_protocol.json_document import JsonValue
from dcr_protocol.vocabulary import AUTH_METHODS_WITH_SECRET
from dcr_server.credentials import Credentials


@dataclass(frozen=True, slots=True)
class Owner:
    """Who owns a registration: the policy that admitted it and a name that outlives tokens."""

    policy: str
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Client:
    client_id: str
    owner: Owner
    issued_at: int
    metadata: Mapping[str, JsonValue]
    credentials: tuple[Credentials, ...]
    secret_expires_at: int = 0
    """Seconds since the epoch; 0 is never, as in RFC 7591 §3.2.1."""

    @property
    def needs_secret(self) -> bool:
        return needs_secret(self.metadata.get("token_endpoint_auth_method"))


def needs_secret(token_endpoint_auth_method: JsonValue) -> bool:
    return token_endpoint_auth_method in AUTH_METHODS_WITH_SECRET


@dataclass(frozen=True, slots=True)
class InitialAccessToken:
    """A minted token: only its hash is kept."""

    token_hash: bytes
    owner: Owner
    created_at: int
    expires_at: int | None
    max_uses: int | None
    uses: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Repeatable:
    """An Idempotency-Key and the body that it came with, both hashed."""

    key_hash: bytes
    body_hash: bytes
    at: int


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that signs access tokens; the private part is sealed with the encryption key."""

    kid: str
    sealed_private_key: bytes
    created_at: int
