"""Authorization server metadata: RFC 8414, OpenID Connect Discovery 1.0."""

from typing import Final

from pydantic import BaseModel, ConfigDict

from dcr_protocol.json_document import JsonValue

# Extensions of ours, announced in discovery so that a client knows them by capability.
# POST and PUT accept `Idempotency-Key`; a replay yields the same client with fresh credentials.
IDEMPOTENCY_SUPPORTED: Final = "registration_idempotency_supported"
# POST {registration_client_uri}/secret issues a new client_secret.
SECRET_ROTATION_SUPPORTED: Final = "registration_client_secret_rotation_supported"

Strings = tuple[str, ...]


class AuthorizationServerMetadata(BaseModel):
    """The members of a discovery document that registration has to do with."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    issuer: str
    authorization_endpoint: str | None = None
    token_endpoint: str | None = None
    registration_endpoint: str | None = None
    jwks_uri: str | None = None
    userinfo_endpoint: str | None = None
    introspection_endpoint: str | None = None
    revocation_endpoint: str | None = None
    scopes_supported: Strings | None = None
    response_types_supported: Strings | None = None
    response_modes_supported: Strings | None = None
    grant_types_supported: Strings | None = None
    token_endpoint_auth_methods_supported: Strings | None = None
    token_endpoint_auth_signing_alg_values_supported: Strings | None = None
    subject_types_supported: Strings | None = None
    id_token_signing_alg_values_supported: Strings | None = None
    claims_supported: Strings | None = None
    code_challenge_methods_supported: Strings | None = None
    service_documentation: str | None = None
    op_policy_uri: str | None = None
    op_tos_uri: str | None = None
    tls_client_certificate_bound_access_tokens: bool | None = None
    require_pushed_authorization_requests: bool | None = None
    require_signed_request_object: bool | None = None
    dpop_signing_alg_values_supported: Strings | None = None
    client_id_metadata_document_supported: bool | None = None
    mtls_endpoint_aliases: dict[str, JsonValue] | None = None
    registration_idempotency_supported: bool | None = None
    registration_client_secret_rotation_supported: bool | None = None

    def to_wire(self) -> dict[str, JsonValue]:
        """Return the members that are set, without null."""
        raise NotImplementedError


def discovery_urls(issuer: str) -> tuple[str, ...]:
    """Return where the documents are, OpenID's first, then RFC 8414's (S-181, C-001)."""
    raise NotImplementedError


def parse_server_metadata(issuer: str, status: int, body: bytes) -> AuthorizationServerMetadata:
    """Read a discovery document (C-001, S-182).

    Raises a `ProtocolResponseError`: NotSupported when there is none, MalformedResponse when it
    is not one or names another issuer.
    """
    raise NotImplementedError
