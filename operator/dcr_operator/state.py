"""What reconciling knows: what is wanted, what is there, and what one pass has learned.

Pure data. The record (one Secret per OAuthClient in the operator's namespace) moves like this;
every arrow is one write, and a crash may happen between any two:

                    intent register          answer: whole response stored
      (no record) ─────────────────► OPEN ────────────────────────────────► REGISTERED
            ▲                        │  ▲                                     │  ▲
            │    refused: not done   │  │ repeat (same key) or                │  │ answer
            └────────────────────────┘  │ register again, orphan counted      │  │ stored
                                        └─ outcome unknown ◄── crash, no ─────┤  │
                                                              answer          │  │
        intent update ◄───────────────────────────────────────────────────────┤  │
            └──────────────────── PUT ────────────────────────────────────────│──┘
        intent delete ◄───────────────────────────────────────────────────────┘
            └── DELETE: 204, 404, or known to be gone ──► record deleted (kept if it has orphans)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from pydantic import JsonValue, SecretStr

from dcr_operator.kube import API_GROUP, Key
from dcr_operator.orphans import Orphan
from dcr_operator.outcomes import Outcome, ProbeOutcome
from dcr_operator.ports import Management, ProviderConnection
from dcr_operator.reasons import Reason
from dcr_operator.resources import (
    OnAmbiguousCreate,
    OnLostRegistrationAccessToken,
    OnVanishedClient,
)
from dcr_protocol.response_errors import clean_text

FINALIZER: Final = f"{API_GROUP}/registration"

# --- what is wanted -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SecretForm:
    """How the tenant Secret is to look, besides what is in it."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    type: str = "Opaque"


@dataclass(frozen=True, slots=True)
class Desired:
    provider: Key
    metadata: Mapping[str, JsonValue]  # wire spelling
    request: bytes = field(repr=False)  # the exact body of a registration
    spec_hash: str  # of that body
    secret: SecretForm


@dataclass(frozen=True, slots=True)
class Unwanted:
    """The resource is being deleted."""

    retain: bool


@dataclass(frozen=True, slots=True)
class Undecipherable:
    """The spec breaks a rule that the API server could not check."""

    message: str


Wish = Desired | Unwanted | Undecipherable

# --- the provider -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ProviderSnapshot:
    """All that registering, publishing and deleting need to know; a copy is in the record."""

    key: Key
    connection: ProviderConnection
    registration_endpoint: str | None = None
    token_endpoint: str | None = None
    authorization_endpoint: str | None = None
    jwks_uri: str | None = None
    idempotent: bool = False  # honours Idempotency-Key

    @property
    def issuer(self) -> str:
        return self.connection.issuer

    def essential(self) -> "ProviderSnapshot":
        """Return what the record keeps: changed limits are no reason to write every record."""
        plain = ProviderConnection(self.connection.provider, self.issuer)
        connection = replace(
            self.connection,
            timeout=plain.timeout,
            max_concurrent=plain.max_concurrent,
            requests_per_second=plain.requests_per_second,
            burst=plain.burst,
        )
        return replace(self, connection=connection)


@dataclass(frozen=True, slots=True)
class SecretKeyRef:
    namespace: str
    name: str
    key: str

    def __str__(self) -> str:
        return f"key {self.key} of Secret {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class ProviderPolicy:
    """What the provider's owner decided for the unclear cases."""

    on_ambiguous_create: OnAmbiguousCreate = OnAmbiguousCreate.RETRY
    on_vanished_client: OnVanishedClient = OnVanishedClient.REREGISTER
    on_lost_registration_access_token: OnLostRegistrationAccessToken = (
        OnLostRegistrationAccessToken.STOP
    )
    resync_every: float = 3600.0
    initial_access_token: SecretKeyRef | None = None


@dataclass(frozen=True, slots=True)
class ProviderUsable:
    snapshot: ProviderSnapshot
    policy: ProviderPolicy = ProviderPolicy()
    capabilities: tuple[str, ...] = ()  # for status alone


@dataclass(frozen=True, slots=True)
class ProviderUnusable:
    reason: Reason
    message: str
    retry_after: float | None = None


ProviderState = ProviderUsable | ProviderUnusable

# --- the record ---------------------------------------------------------------------------


class IntentKind(StrEnum):
    REGISTER = "register"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Intent:
    """Written ahead of a request; found open, it says that the outcome is unknown."""

    kind: IntentKind
    id: str  # the Idempotency-Key
    started_at: datetime
    spec_hash: str
    body: bytes = field(default=b"", repr=False)
    unreadable: bool = False  # of a registration: answered by a success that nobody could read
    undone: bool = False  # of a deletion: the token was refused at first, so nothing was done


@dataclass(frozen=True, slots=True)
class Registration:
    """A client information response as it stands after all that followed it."""

    client_id: str
    spec_hash: str  # of the request that is in force
    client_secret: SecretStr | None = None
    client_id_issued_at: int | None = None
    client_secret_expires_at: int | None = None
    registration_access_token: SecretStr | None = None
    previous_registration_access_token: SecretStr | None = None
    registration_client_uri: str | None = None
    metadata: Mapping[str, JsonValue] = field(default_factory=dict)  # as returned
    # An update was overtaken before it was answered: it may have changed any of these.
    uncertain: bool = False

    @property
    def shown_id(self) -> str:
        """Return the client_id as it is fit for messages."""
        return clean_text(self.client_id)

    def management(self) -> tuple[Management, ...]:
        """Return the accesses to try, newest first; none where the provider gave none."""
        if self.registration_client_uri is None:
            return ()
        tokens = (self.registration_access_token, self.previous_registration_access_token)
        return tuple(Management(self.registration_client_uri, token) for token in tokens if token)


class Operation(StrEnum):
    REGISTER = "register"
    READ = "read"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Refusal:
    """The provider's no to this very request; asking again at once would get the same."""

    operation: Operation
    spec_hash: str
    at: datetime
    status: int
    code: str
    description: str


@dataclass(frozen=True, slots=True)
class ResourceIdentity:
    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Record:
    resource: ResourceIdentity
    provider: ProviderSnapshot
    intent: Intent | None = None
    registration: Registration | None = None
    orphans: tuple[Orphan, ...] = ()
    unanswered: int = 0  # registrations in a row whose clients may be left at the provider
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class StoredRecord:
    record: Record
    uid: str
    resource_version: str


@dataclass(frozen=True, slots=True)
class RecordUnreadable:
    message: str


# --- what is there ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ResourceFacts:
    """The OAuthClient, from a live GET."""

    key: Key
    uid: str
    generation: int
    resource_version: str
    finalizers: tuple[str, ...] = ()
    registered: bool = True  # what the condition Registered said last
    published_secret: str | None = None  # status.secretName
    client_id: str | None = None  # status.clientId

    @property
    def has_finalizer(self) -> bool:
        return FINALIZER in self.finalizers

    @property
    def identity(self) -> ResourceIdentity:
        return ResourceIdentity(self.key.namespace, self.key.name, self.uid)


@dataclass(frozen=True, slots=True)
class TenantSecret:
    """The Secret in the resource's namespace, from a live GET."""

    name: str
    uid: str
    resource_version: str
    ours: bool  # its controller is this very resource, by uid
    data: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    type: str = "Opaque"
    terminating: bool = False  # deleted, and held by the finalizers of others
    # (section, key) of what we wrote, by managedFields; the rest belongs to whoever added it.
    owned: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class InitialAccessTokenFound:
    token: SecretStr | None  # None: the provider asks for none


@dataclass(frozen=True, slots=True)
class InitialAccessTokenAbsent:
    message: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request of this pass that did not succeed.

    `repeated`: its intent was found open, so an earlier request may have succeeded.
    """

    operation: Operation
    outcome: Outcome
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Observed:
    resource: ResourceFacts
    provider: ProviderState | None  # None: not looked at, since the spec cannot be read
    record: StoredRecord | RecordUnreadable | None = None
    record_place: str = ""  # namespace/name of its Secret
    secret: TenantSecret | None = None
    previous_secret: TenantSecret | None = None  # under status.secretName, if that is another
    read_is_due: bool = False
    requested: bool = False  # a person asks for a look at the provider
    # Learned in this pass, by steps:
    initial_access_token: InitialAccessTokenFound | InitialAccessTokenAbsent | None = None
    attempt: Attempt | None = None
    probe: ProbeOutcome | None = None
    drift: tuple[str, ...] = ()  # members that a read showed to differ from the wish
    unregistered: bool = False  # the provider confirmed that the client is gone
    secret_refused: str | None = None  # what the API server has against the Secret
    published: bool = False  # the Secret was written

    @property
    def usable(self) -> ProviderUsable | None:
        return self.provider if isinstance(self.provider, ProviderUsable) else None

    @property
    def stored(self) -> Record | None:
        return self.record.record if isinstance(self.record, StoredRecord) else None

    @property
    def registration(self) -> Registration | None:
        return self.stored.registration if self.stored else None

    @property
    def intent(self) -> Intent | None:
        return self.stored.intent if self.stored else None
