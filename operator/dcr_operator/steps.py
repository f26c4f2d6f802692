"""What a pass may do next: the closed union that `plan` returns and `act` executes. Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from pydantic import SecretStr

from dcr_operator.kube import Key
from dcr_operator.orphans import Orphan
from dcr_operator.ports import Management
from dcr_operator.reasons import Reason
from dcr_operator.secret_content import SecretContent
from dcr_operator.state import AdoptionWish, Intent, Refusal, SecretKeyRef, TenantSecret
from dcr_operator.workloads import Workload


@dataclass(frozen=True, slots=True)
class AddFinalizer:
    """Before any request to the provider: from then on deletion comes through us."""


@dataclass(frozen=True, slots=True)
class TakePlace:
    """Be counted among the clients of the namespace, before one is registered too many."""

    provider: Key
    limit: int


@dataclass(frozen=True, slots=True)
class FetchInitialAccessToken:
    ref: SecretKeyRef | None


@dataclass(frozen=True, slots=True)
class Register:
    """Register, or repeat the registration that `repeat` began.

    `announce` is told to people before the request, since nothing else will show it.
    `retires`: the registration in force goes when the new one is published.
    """

    body: bytes = field(repr=False)
    spec_hash: str
    repeat: Intent | None = None
    orphan: Orphan | None = None
    announce: tuple[Reason, str] | None = None
    retires: bool = False


@dataclass(frozen=True, slots=True)
class ObserveNamespace:
    """See whether the namespace of a resource that cannot be deleted is being deleted, too."""


@dataclass(frozen=True, slots=True)
class FetchAdoption:
    """Read the Secret that gives access to the client, and see whether anybody has it already."""

    adopt: AdoptionWish


@dataclass(frozen=True, slots=True)
class Adopt:
    """Read the client at the provider, and claim it."""

    adopt: AdoptionWish
    management: Management
    client_secret: SecretStr | None


@dataclass(frozen=True, slots=True)
class ConfirmAdoption:
    """See whether somebody else has claimed the client in the same moment."""


@dataclass(frozen=True, slots=True)
class KeepClientSecret:
    """Take the secret of an adopted client from where a person has put it."""

    client_secret: SecretStr


@dataclass(frozen=True, slots=True)
class SetAside:
    """Look later at a registration without an answer that is not wanted any more."""

    now: datetime


@dataclass(frozen=True, slots=True)
class ScheduleRetirement:
    """What replaces the retiring registrations is published: say when they may go."""

    not_before: datetime


@dataclass(frozen=True, slots=True)
class ObserveRetiring:
    """Look at the provider of a registration that is to go."""

    index: int


@dataclass(frozen=True, slots=True)
class Retire:
    """Take a step of a deletion, of one retiring registration alone."""

    index: int
    step: "Effect"


@dataclass(frozen=True, slots=True)
class Update:
    body: bytes = field(repr=False)
    spec_hash: str
    repeat: Intent | None = None
    drift: tuple[str, ...] = ()  # members that it is to put back


@dataclass(frozen=True, slots=True)
class Rotate:
    """Ask for another client secret; the one before stays valid for `overlap` seconds."""

    overlap: int
    spec_hash: str
    repeat: Intent | None = None


@dataclass(frozen=True, slots=True)
class MakeKeyPair:
    """For the next request: it is on record before that is sent."""

    algorithm: str
    overlap: int  # seconds for which the key before stays valid


@dataclass(frozen=True, slots=True)
class EndOverlap:
    """Forget the secret before: it is not valid any more."""


@dataclass(frozen=True, slots=True)
class ReadRegistration:
    """Ask the provider what is in force, to see drift and clients that vanished."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Ask the token endpoint, to tell a vanished client from a lost token (C-022)."""


@dataclass(frozen=True, slots=True)
class RefreshRecord:
    """Keep what deletion will need as the provider's owner has it now."""


@dataclass(frozen=True, slots=True)
class NoteResource:
    """Remember of the resource what counts if it should go without us; see `resource_gone`."""


@dataclass(frozen=True, slots=True)
class Publish:
    content: SecretContent


@dataclass(frozen=True, slots=True)
class RestartWorkloads:
    """Let pods start anew with the content that is published; with the `first` all have."""

    workloads: tuple[Workload, ...]
    content_hash: str
    first: bool = False


@dataclass(frozen=True, slots=True)
class NameSecret:
    """Remember under which names the credentials may be: before they are, and when they are not."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeleteSecret:
    secret: TenantSecret


@dataclass(frozen=True, slots=True)
class ReleaseSecret:
    """Keep the Secret when the resource goes: take our ownerReference off it."""

    secret: TenantSecret


@dataclass(frozen=True, slots=True)
class Unregister:
    repeat: Intent | None = None


@dataclass(frozen=True, slots=True)
class CloseRecord:
    """Nothing more can be done at the provider; what may be left there stays on record."""

    orphan: Orphan | None
    announce: tuple[Reason, str] | None = None
    refusal: Refusal | None = None  # why the same is not registered again


@dataclass(frozen=True, slots=True)
class DeleteRecord:
    pass


@dataclass(frozen=True, slots=True)
class RemoveFinalizer:
    announce: tuple[Reason, str] | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Try again by itself, after `after` seconds or the queue's own back-off."""

    reason: Reason
    message: str
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """No progress is to be expected before a person changes something."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Done:
    reason: Reason
    message: str


End = Wait | Stop | Done
Effect = (
    AddFinalizer
    | TakePlace
    | FetchInitialAccessToken
    | Register
    | Update
    | Rotate
    | MakeKeyPair
    | EndOverlap
    | ReadRegistration
    | Probe
    | RefreshRecord
    | NoteResource
    | Publish
    | RestartWorkloads
    | NameSecret
    | DeleteSecret
    | ReleaseSecret
    | Unregister
    | CloseRecord
    | DeleteRecord
    | RemoveFinalizer
    | ObserveNamespace
    | FetchAdoption
    | Adopt
    | ConfirmAdoption
    | KeepClientSecret
    | SetAside
    | ScheduleRetirement
    | ObserveRetiring
    | Retire
)
Step = Effect | End
# What the provider may do because of it; told at info, so that a log has the life of each client.
ASKS_FOR_A_CHANGE: Final = (Register, Update, Rotate, Retire, Unregister)
