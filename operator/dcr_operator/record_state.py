"""What is remembered of a registration: the record and what it is made of. Pure data.

The record (one Secret per OAuthClient in the operator's namespace) moves like this;
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
        intent delete ◄───────────────────────────────────────────────────────┤
            └── DELETE: 204, 404, or known to be gone ──► record deleted (kept if it has orphans)
                                                                              │
        intent register that retires (another provider, a new registration) ◄─┘
            └── answer stored: REGISTERED anew, the old one is RETIRING
                  └── Secret published ──► not before now + overlap ──► intent delete ──► DELETE
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from pydantic import JsonValue, SecretStr

from dcr_operator.client_keys import ClientKeys
from dcr_operator.orphans import Orphan
from dcr_operator.ports import Management
from dcr_operator.provider_state import ProviderSnapshot
from dcr_protocol.response_errors import clean_text


class IntentKind(StrEnum):
    REGISTER = "register"
    UPDATE = "update"
    ROTATE = "rotate"
    DELETE = "delete"
    ADOPT = (
        "adopt"  # the client was seen; whether another record has it, too, is looked at once more
    )


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
    provider: ProviderSnapshot | None = None  # of a registration: where, if not where the record is
    retires: bool = False  # of a registration: the one in force goes some time after the answer
    overlap: int = 0  # of a rotation: seconds for which the secret before stays valid
    rotation_request: str = ""  # of a rotation: what it answers


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
    metadata: Mapping[str, JsonValue] = field(default_factory=dict, repr=False)  # as returned
    # An update was overtaken before it was answered: it may have changed any of these.
    uncertain: bool = False
    # Whether what the provider put in force was within the provider's clientPolicy.
    admitted: bool = True
    secret_issued_at: datetime | None = None  # by our clock, when it came
    previous_client_secret: SecretStr | None = None
    previous_client_secret_expires_at: int | None = None  # seconds since 1970
    rotated_at: datetime | None = None
    rotation_request: str = ""  # answered by these credentials
    updated_at: datetime | None = None  # when the last update was answered

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
    ROTATE = "rotate"
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
    # Ours, not the provider's: what it put in force breaks the clientPolicy of this digest.
    policy: str = ""
    provider: ProviderSnapshot | None = None  # who said it, if not the record's
    rotation_request: str = ""  # what a person had asked for by then


@dataclass(frozen=True, slots=True)
class Retiring:
    """A registration that another one has taken the place of.

    It works until workloads have the credentials of the new one, and is deleted then. Where the
    answer to a registration is not known and not wanted any more, `intent` is all there is of it.
    """

    provider: ProviderSnapshot
    registration: Registration | None = None
    intent: Intent | None = None  # its own: its registration, or its deletion
    not_before: datetime | None = None  # None: what follows it is not published yet


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
    refusal: Refusal | None = None  # of a registration or an update
    rotation_refusal: Refusal | None = None
    keys: ClientKeys | None = None  # that the operator made for the client
    retiring: tuple[Retiring, ...] = ()  # the latest last
    secrets: tuple[str, ...] = ()  # names under which the credentials were, or may be, published
    # For the case that the resource goes without us; see `resource_gone`.
    began_at: datetime | None = None  # when there was something to remember first
    retain: bool = False  # deletionPolicy, as it was seen last
    gone_at: datetime | None = None  # since then it is known, and all of it is to go

    @property
    def holds_nothing(self) -> bool:
        """Whether there is nothing, apart from orphans, that may be at a provider."""
        return self.registration is None and self.intent is None and not self.retiring

    @property
    def registering_at(self) -> ProviderSnapshot:
        """Return where a registration without an answer was sent."""
        elsewhere = self.intent.provider if self.intent else None
        return elsewhere or self.provider


@dataclass(frozen=True, slots=True)
class Part:
    """Which of the retiring registrations of the whole record is looked at; see `retirement`."""

    whole: Record
    index: int


@dataclass(frozen=True, slots=True)
class StoredRecord:
    record: Record
    uid: str
    resource_version: str
    part: Part | None = None  # `record` is this part alone


@dataclass(frozen=True, slots=True)
class RecordUnreadable:
    message: str
