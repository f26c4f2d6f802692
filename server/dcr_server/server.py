"""What every endpoint works with."""

from dataclasses import dataclass, field
from typing import Final, Self

from dcr_protocol.uris import split_uri
from dcr_server.client_addresses import Network
from dcr_server.fetching import Fetcher
from dcr_server.metrics import RequestMetrics
from dcr_server.policies import OpenRegistration, Policies
from dcr_server.rates import Limits, Rate
from dcr_server.remote_keys import RemoteKeys
from dcr_server.request_ids import RequestIds
from dcr_server.signing_keys import SigningKeys
from dcr_server.software_statements import SoftwareStatements
from dcr_server.storage.protocol import Storage
from dcr_server.tokens import Clock, Entropy


@dataclass(frozen=True, slots=True)
class Urls:
    """Where the endpoints are: from the issuer alone, never from a Host header (S-088)."""

    issuer: str
    path: str
    registration_endpoint: str
    token_endpoint: str
    introspection_endpoint: str
    revocation_endpoint: str
    jwks_uri: str

    @classmethod
    def of(cls, issuer: str) -> Self:
        prefix = issuer.rstrip("/")
        uri = split_uri(prefix)
        return cls(
            issuer=issuer,
            path="" if uri is None else uri.path,
            registration_endpoint=f"{prefix}/connect/register",
            token_endpoint=f"{prefix}/token",
            introspection_endpoint=f"{prefix}/introspect",
            revocation_endpoint=f"{prefix}/revoke",
            jwks_uri=f"{prefix}/jwks",
        )

    def client_configuration(self, client_id: str) -> str:
        return f"{self.registration_endpoint}/{client_id}"


ADMIN_HOST: Final = "{host}"
"""In the URL of the admin listener, where it is not on loopback."""


@dataclass(slots=True)
class Departure:
    """The one thing that changes while the server runs: it was told to stop, and says so."""

    announced: bool = False


@dataclass(frozen=True, slots=True)
class Server:
    urls: Urls
    policies: Policies
    storage: Storage
    signing_keys: SigningKeys
    entropy: Entropy
    clock: Clock
    departure: Departure
    request_ids: RequestIds
    metrics: RequestMetrics
    fetcher: Fetcher
    remote_keys: RemoteKeys
    statements: SoftwareStatements
    cors_allowed_origins: tuple[str, ...] = ()
    open_registration: OpenRegistration | None = None
    trusted_proxies: tuple[Network, ...] = ()
    failed_authentication_rate: Rate | None = None
    admin_url: str | None = "http://127.0.0.1:8082"
    """For the description of the server; None: there is no such listener."""
    audit_retention: int | None = None
    """Seconds; None: the audit trail keeps everything."""
    limits: Limits = field(default_factory=Limits)

    def now(self) -> int:
        return int(self.clock())
