"""What is known about a provider: how to reach it, where its endpoints are, what its owner decided.

Pure data.
"""

from dataclasses import dataclass, replace
from typing import Final

from dcr_operator.client_policy import ClientPolicy
from dcr_operator.kube import API_GROUP, Key
from dcr_operator.ports import ProviderConnection
from dcr_operator.reasons import Reason
from dcr_operator.resources import (
    OnAmbiguousCreate,
    OnLostRegistrationAccessToken,
    OnVanishedClient,
)

# On a provider while clients need it to be unregistered.
PROVIDER_FINALIZER: Final = f"{API_GROUP}/in-use"


@dataclass(frozen=True, slots=True)
class ProviderSnapshot:
    """All that registering, publishing and deleting need to know; a copy is in the record."""

    key: Key
    connection: ProviderConnection
    registration_endpoint: str | None = None
    token_endpoint: str | None = None
    authorization_endpoint: str | None = None
    userinfo_endpoint: str | None = None
    jwks_uri: str | None = None
    idempotent: bool = False  # honours Idempotency-Key
    rotates_secrets: bool = False  # by the extension of `dcr_protocol.secret_rotation`

    @property
    def issuer(self) -> str:
        return self.connection.issuer

    def essential(self) -> "ProviderSnapshot":
        """Return what the record keeps: changed limits are no reason to write every record."""
        return replace(self, connection=without_limits(self.connection))


def without_limits(connection: ProviderConnection) -> ProviderConnection:
    plain = ProviderConnection(connection.provider, connection.issuer)
    return replace(
        connection,
        timeout=plain.timeout,
        max_concurrent=plain.max_concurrent,
        requests_per_second=plain.requests_per_second,
        burst=plain.burst,
    )


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
    client_policy: ClientPolicy | None = None


@dataclass(frozen=True, slots=True)
class ProviderUsable:
    snapshot: ProviderSnapshot
    policy: ProviderPolicy = ProviderPolicy()
    capabilities: tuple[str, ...] = ()  # for status alone
    terminating: bool = False  # it is being deleted and takes no new clients


@dataclass(frozen=True, slots=True)
class ProviderUnusable:
    reason: Reason
    message: str
    retry_after: float | None = None
    silent: ProviderConnection | None = None  # who was asked a moment ago, and did not answer


ProviderState = ProviderUsable | ProviderUnusable
