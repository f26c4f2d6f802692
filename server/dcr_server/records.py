"""What the server remembers, as frozen data: storage keeps it, endpoints decide on it."""

import re
from collections.abc import Mapping
from enum import StrEnum

from dcr_protocol.frozen import dataclass
from dcr_protocol.json_document import JsonValue
from dcr_protocol.vocabulary import AUTH_METHODS_WITH_SECRET
from dcr_server.credentials import Credentials, Overlapping

_TOKEN_ID_DIGITS = 16
_TOKEN_ID = re.compile(rf"[0-9a-f]{{{_TOKEN_ID_DIGITS}}}")


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
    overlapping: Overlapping = ()
    expires_at: int | None = None
    """Seconds since the epoch; from then on the client is unknown."""
    unused_expires_at: int | None = None
    """The same for a client that never authenticated; None once it has."""
    statement_issuer: str = ""
    """Whose software statement registered it alone: it stays that software, RFC 7591 §2.3."""

    @property
    def needs_secret(self) -> bool:
        return needs_secret(self.metadata.get("token_endpoint_auth_method"))

    def is_expired(self, now: int) -> bool:
        return any(
            end is not None and end <= now for end in (self.expires_at, self.unused_expires_at)
        )


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

    @property
    def token_id(self) -> str:
        return token_id_of(self.token_hash)


def token_id_of(token_hash: bytes) -> str:
    """Name the token to people; nothing about it can be guessed from this."""
    return token_hash.hex()[:_TOKEN_ID_DIGITS]


def is_token_id(text: str) -> bool:
    return _TOKEN_ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Repeatable:
    """An Idempotency-Key and the body that it came with, both hashed."""

    key_hash: bytes
    body_hash: bytes
    at: int


@dataclass(frozen=True, slots=True)
class SingleUse:
    """What makes a JWT the only one of its kind, and until when that matters."""

    hash: bytes
    expires_at: int


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that signs access tokens; the private part is sealed with the encryption key."""

    kid: str
    sealed_private_key: bytes
    created_at: int
    algorithm: str = "ES256"
    signs_from: int = 0
    """Seconds since the epoch: it is published before, so that caches know it when it signs."""
    expires_at: int | None = None
    """When the last token that it signed has expired; None while it signs."""


class Actor(StrEnum):
    """As what somebody asked for a change; who it was the entry says beside it."""

    REGISTRANT = "registrant"
    """Who registers: the subject, and the initial access token if there was one."""
    CLIENT = "client"
    """The client itself, by its registration access token or as it gets its access tokens."""
    ADMIN = "admin"
    COMMAND_LINE = "cli"
    CLEAN_UP = "clean-up"


@dataclass(frozen=True, slots=True)
class Origin:
    """Who asked for a change, as the audit trail tells it; never a credential."""

    actor: Actor
    address: str = ""
    request_id: str = ""
    token_id: str = ""
    """Of the initial access token that was presented."""


COMMAND_LINE = Origin(Actor.COMMAND_LINE)
CLEAN_UP = Origin(Actor.CLEAN_UP)


class Action(StrEnum):
    """What the audit trail tells."""

    CLIENT_REGISTERED = "client_registered"
    CLIENT_REPLAYED = "client_replayed"
    CLIENT_UPDATED = "client_updated"
    CLIENT_SECRET_ROTATED = "client_secret_rotated"
    CLIENT_DELETED = "client_deleted"
    CLIENT_REMOVED = "client_removed"
    CLIENT_EXPIRED = "client_expired"
    INITIAL_ACCESS_TOKEN_CREATED = "initial_access_token_created"
    INITIAL_ACCESS_TOKEN_REVOKED = "initial_access_token_revoked"
    SIGNING_KEY_ADDED = "signing_key_added"
    SIGNING_KEY_RETIRED = "signing_key_retired"
    SIGNING_KEY_RESEALED = "signing_key_resealed"
    SIGNING_KEY_REMOVED = "signing_key_removed"
    ACCESS_TOKEN_REVOKED = "access_token_revoked"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change that was made, in the same transaction as the change itself."""

    id: int
    at: int
    action: Action
    origin: Origin
    owner: Owner = Owner("")
    client_id: str = ""
    token_id: str = ""
    """Of the initial access token that it is about, or that was presented."""
    kid: str = ""
    """Of the signing key."""
    jti: str = ""
    """Of the access token."""
