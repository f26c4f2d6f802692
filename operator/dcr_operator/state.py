"""What reconciling knows: what is wanted, what is there, and what one pass has learned.

Pure data. The record and how it moves are in `record_state`, providers in `provider_state`; their
names are here too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from pydantic import JsonValue, SecretStr

from dcr_operator.client_keys import KeyPair, KeysWish
from dcr_operator.kube import API_GROUP, Key
from dcr_operator.outcomes import Outcome, ProbeOutcome
from dcr_operator.ports import Management, Place
from dcr_operator.provider_state import (
    PROVIDER_FINALIZER,
    ProviderPolicy,
    ProviderSnapshot,
    ProviderState,
    ProviderUnusable,
    ProviderUsable,
    SecretKeyRef,
)
from dcr_operator.reasons import Reason
from dcr_operator.record_state import (
    Intent,
    IntentKind,
    Operation,
    Record,
    RecordUnreadable,
    Refusal,
    Registration,
    ResourceIdentity,
    Retiring,
    StoredRecord,
)
from dcr_operator.rotation_schedule import Rotation
from dcr_operator.secret_form import SecretForm
from dcr_operator.workloads import Restarted, Workload

__all__ = [
    "FINALIZER",
    "PROVIDER_FINALIZER",
    "SHORTEST_OVERLAP",
    "AdoptionAbsent",
    "AdoptionFound",
    "AdoptionState",
    "AdoptionWish",
    "Attempt",
    "Desired",
    "InitialAccessTokenAbsent",
    "InitialAccessTokenFound",
    "InitialAccessTokenState",
    "Intent",
    "IntentKind",
    "Lacking",
    "NamespaceFacts",
    "Observed",
    "Operation",
    "ProviderPolicy",
    "ProviderSnapshot",
    "ProviderState",
    "ProviderUnusable",
    "ProviderUsable",
    "Record",
    "RecordUnreadable",
    "Refusal",
    "Registration",
    "ResourceFacts",
    "ResourceIdentity",
    "Retirement",
    "Retiring",
    "SecretForm",
    "SecretKeyRef",
    "SoftwareStatementAbsent",
    "SoftwareStatementFound",
    "StoredRecord",
    "TenantSecret",
    "Undecipherable",
    "Unwanted",
    "Wish",
]

FINALIZER: Final = f"{API_GROUP}/registration"
# Mounted Secrets reach their pods within a minute or two.
SHORTEST_OVERLAP: Final = timedelta(minutes=5)

# --- what is wanted -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Lacking:
    """What a request needs and the cluster does not have."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class AdoptionWish:
    client_id: str
    ref: str  # name of the Secret in the resource's namespace


@dataclass(frozen=True, slots=True)
class Desired:
    provider: Key | None  # None: the default, until the record says which
    metadata: Mapping[str, JsonValue] = field(repr=False)  # wire spelling
    request: bytes = field(repr=False)  # the exact body of a registration
    spec_hash: str  # of that body
    secret: SecretForm
    suspended: bool = False
    adopt: AdoptionWish | None = None
    overlap: timedelta = SHORTEST_OVERLAP  # how long replaced credentials go on working
    software_statement: SecretKeyRef | None = None  # where it is, in the resource's namespace
    lacking: Lacking | None = None
    restarts: tuple[Workload, ...] = ()
    rotation: Rotation = field(default_factory=Rotation)
    client_keys: KeysWish | None = None


@dataclass(frozen=True, slots=True)
class Unwanted:
    """The resource is being deleted."""

    retain: bool


@dataclass(frozen=True, slots=True)
class Undecipherable:
    """The spec breaks a rule that the API server could not check."""

    message: str


Wish = Desired | Unwanted | Undecipherable

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
    deleted_at: datetime | None = None
    retain: bool = False  # spec.deletionPolicy
    gone: bool = False  # it is not there any more: all that is known comes from its record

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
class AdoptionFound:
    """What the Secret of spec.adopt holds; nobody else has the client."""

    management: Management
    client_secret: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class AdoptionAbsent:
    message: str


AdoptionState = AdoptionFound | AdoptionAbsent
InitialAccessTokenState = InitialAccessTokenFound | InitialAccessTokenAbsent


@dataclass(frozen=True, slots=True)
class SoftwareStatementFound:
    statement: SecretStr


@dataclass(frozen=True, slots=True)
class SoftwareStatementAbsent:
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
class NamespaceFacts:
    deleted_at: datetime | None = None  # None: it stays


@dataclass(frozen=True, slots=True)
class Retirement:
    """What this pass has learned about the retiring registration at `index`; see `retirement`."""

    index: int
    provider: ProviderState
    initial_access_token: InitialAccessTokenState | None = None
    attempt: Attempt | None = None
    probe: ProbeOutcome | None = None
    unregistered: bool = False


@dataclass(frozen=True, slots=True)
class Observed:
    resource: ResourceFacts
    provider: ProviderState | None  # None: not looked at, since the spec cannot be read
    provider_key: Key | None = None  # which it is; None: unknown, as without a default
    record: StoredRecord | RecordUnreadable | None = None
    record_place: str = ""  # namespace/name of its Secret
    secret: TenantSecret | None = None
    previous_secret: TenantSecret | None = None  # under status.secretName, if that is another
    further_secrets: tuple[TenantSecret, ...] = ()  # under other names of the record
    secret_name: str = ""  # of the Secret that is wanted
    software_statement: SoftwareStatementFound | SoftwareStatementAbsent | None = None
    read_is_due: bool = False
    restarted: tuple[Restarted, ...] = ()  # from status, and what this pass did
    requested: bool = False  # a person asks for a look at the provider
    made_key: KeyPair | None = None  # in this pass, and not on record yet
    rotation_request: str = ""  # what a person wrote to ask for other credentials
    # Learned in this pass, by steps:
    initial_access_token: InitialAccessTokenState | None = None
    place: Place | None = None  # among the clients of its namespace, where they are limited
    attempt: Attempt | None = None
    probe: ProbeOutcome | None = None
    drift: tuple[str, ...] = ()  # members that a read showed to differ from the wish
    rotation_refused: Attempt | None = None  # nothing was done, and the secret is as it was
    unregistered: bool = False  # the provider confirmed that the client is gone
    secret_refused: str | None = None  # what the API server has against the Secret
    published: bool = False  # the Secret was written
    secret_created: bool = False  # and there was none before
    restarts_tried: bool = False
    retirements: tuple[Retirement, ...] = ()
    adoption: AdoptionState | None = None
    namespace: NamespaceFacts | None = None

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
