"""What a provider answered, as facts: the closed unions that `RegistrationClient` returns.

Nothing here is an exception: a 401 or a time-out is something the planner judges.
Every text in here has passed `dcr_protocol`'s `clean_text` and holds no secret.
"""

from dataclasses import dataclass

from dcr_protocol.client_information import ClientInformation
from dcr_protocol.server_metadata import AuthorizationServerMetadata


@dataclass(frozen=True, slots=True)
class Registered:
    """A client information response (RFC 7591 §3.2.1, RFC 7592 §3)."""

    information: ClientInformation


@dataclass(frozen=True, slots=True)
class Deleted:
    """The provider confirmed the deletion: 204 (200 and 202 tolerated)."""


@dataclass(frozen=True, slots=True)
class RegistrationAccessTokenRejected:
    """401: the client is gone or the token is; RFC 7592 §2 makes the two look the same."""


@dataclass(frozen=True, slots=True)
class InitialAccessTokenRejected:
    """401 (403 without any token) at the registration endpoint."""

    detail: str


@dataclass(frozen=True, slots=True)
class Refused:
    """An error response that the same request will get again (RFC 7591 §3.2.2)."""

    status: int
    code: str
    description: str


@dataclass(frozen=True, slots=True)
class NotSupported:
    """404, 405 or 501 where the operation should be."""

    status: int


@dataclass(frozen=True, slots=True)
class RateLimited:
    """429; `retry_after` in seconds where the provider says so."""

    retry_after: float | None


@dataclass(frozen=True, slots=True)
class Unreachable:
    """No usable answer: connection, TLS, time-out or a 5xx.

    `may_have_arrived` is False only when nothing was sent. A 503 says nothing: gateways answer
    it, too, when the connection behind them broke after the provider had acted.
    """

    detail: str
    may_have_arrived: bool
    retry_after: float | None = None
    ours: bool = False  # the detail is our own text, not the provider's


@dataclass(frozen=True, slots=True)
class Malformed:
    """An answer that is none of the above; with a 2xx the provider has acted."""

    detail: str
    may_have_arrived: bool
    ours: bool = False  # the detail is our own text, not the provider's


Outcome = (
    Registered
    | Deleted
    | RegistrationAccessTokenRejected
    | InitialAccessTokenRejected
    | Refused
    | NotSupported
    | RateLimited
    | Unreachable
    | Malformed
)


@dataclass(frozen=True, slots=True)
class Discovered:
    metadata: AuthorizationServerMetadata


@dataclass(frozen=True, slots=True)
class DiscoveryRefused:
    """The provider answered, but not with a discovery document of this issuer."""

    detail: str
    ours: bool = False  # the detail is our own text, not the provider's


DiscoveryOutcome = Discovered | DiscoveryRefused | Unreachable


@dataclass(frozen=True, slots=True)
class CredentialsAccepted:
    """The token endpoint knows the client (a token, or any error but `invalid_client`)."""


@dataclass(frozen=True, slots=True)
class CredentialsRejected:
    """`invalid_client`: the client does not exist any more (or is disabled)."""


@dataclass(frozen=True, slots=True)
class CannotTell:
    detail: str


ProbeOutcome = CredentialsAccepted | CredentialsRejected | CannotTell
