"""What is asked of the storage, and what it answers."""

from collections.abc import Mapping

from dcr_protocol.frozen import dataclass
from dcr_protocol.json_document import JsonValue
from dcr_server.credentials import KEEP_SECRET, NEVER, SecretRenewal
from dcr_server.records import (
    Action,
    Actor,
    Client,
    Origin,
    Owner,
    Repeatable,
    SingleUse,
)


@dataclass(frozen=True, slots=True)
class Fresh:
    """Hashes of credentials that an answer may carry; the secret only where one is needed."""

    token_hash: bytes
    secret_hash: bytes
    secret_expires_at: int = NEVER


@dataclass(frozen=True, slots=True)
class TokenHolder:
    """Who presents a registration access token for a client."""

    client_id: str
    token_hash: bytes


@dataclass(frozen=True, slots=True)
class Registration:
    """A client to add, and what must hold in the same transaction."""

    client: Client
    fresh: Fresh
    initial_access_token_hash: bytes | None
    """None: something else than a minted token admits it."""
    now: int
    origin: Origin
    max_clients: int | None = None
    max_clients_per_subject: int | None = None
    single_use: SingleUse | None = None
    """Of a software statement that registers one client."""
    repeatable: Repeatable | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """Metadata to put in the place of what is there, by the holder of a token."""

    holder: TokenHolder
    fresh: Fresh
    now: int
    metadata: Mapping[str, JsonValue] | None
    """None: it stays, and the secret is rotated."""
    origin: Origin
    renewal: SecretRenewal = KEEP_SECRET
    repeatable: Repeatable | None = None


@dataclass(frozen=True, slots=True)
class Revocation:
    """An access token to revoke, which a client asks for itself."""

    jwt_id: str
    expires_at: int
    client_id: str
    owner: Owner
    now: int
    origin: Origin


@dataclass(frozen=True, slots=True)
class Registered:
    client: Client


@dataclass(frozen=True, slots=True)
class Replayed:
    """The client that the Idempotency-Key made, with one more pair of credentials.

    What it is registered for may have changed since, and with it whether it has a secret.
    """

    client: Client


@dataclass(frozen=True, slots=True)
class Updated:
    client: Client
    secret_issued: bool


@dataclass(frozen=True, slots=True)
class IdempotencyKeyReused:
    """The key came with another body before."""


@dataclass(frozen=True, slots=True)
class ReplayedClientGone:
    """The client that the key once registered has been deleted, or has expired."""


@dataclass(frozen=True, slots=True)
class InitialAccessTokenSpent:
    """Used up, revoked or expired since it was looked up."""


@dataclass(frozen=True, slots=True)
class SoftwareStatementUsed:
    """It has registered a client before."""


@dataclass(frozen=True, slots=True)
class ClientLimitReached:
    """As many clients as the policy allows, altogether or of one subject."""


@dataclass(frozen=True, slots=True)
class TokenRetired:
    """The client is gone, or the registration access token no longer among those that it holds."""


ReplayOutcome = Replayed | IdempotencyKeyReused | ReplayedClientGone | InitialAccessTokenSpent
RegistrationOutcome = Registered | ReplayOutcome | SoftwareStatementUsed | ClientLimitReached
UpdateOutcome = Updated | IdempotencyKeyReused | TokenRetired


@dataclass(frozen=True, slots=True)
class ClientFilter:
    """None: whichever."""

    policy: str | None = None
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """None: whichever."""

    action: Action | None = None
    actor: Actor | None = None
    client_id: str | None = None
    policy: str | None = None
    subject: str | None = None
    token_id: str | None = None
    kid: str | None = None
