"""Authorization server metadata: RFC 8414, OpenID Connect Discovery 1.0."""

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dcr_protocol.json_document import JsonValue, read_json_object
from dcr_protocol.response_errors import MalformedResponse, response_error
from dcr_protocol.uris import split_uri

# Extensions of ours, announced in discovery so that a client knows them by capability.
# POST and PUT accept `Idempotency-Key`; a replay yields the same client with fresh credentials.
IDEMPOTENCY_SUPPORTED: Final = "registration_idempotency_supported"
# POST {registration_client_uri}/secret issues a new client_secret.
SECRET_ROTATION_SUPPORTED: Final = "registration_client_secret_rotation_supported"

# RFC 8414 §2: what is left out has a default, which a client should not have to know.
MEMBERS_WITH_DEFAULT: Final = (
    "grant_types_supported",
    "token_endpoint_auth_methods_supported",
    "response_modes_supported",
    "response_types_supported",
)

_OK: Final = 200

# strict=False: JSON has arrays, we keep tuples. The items stay strict.
Strings = Annotated[tuple[str, ...], Field(strict=False)]


class AuthorizationServerMetadata(BaseModel):
    """The members of a discovery document that registration has to do with."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

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
    introspection_endpoint_auth_methods_supported: Strings | None = None
    introspection_endpoint_auth_signing_alg_values_supported: Strings | None = None
    revocation_endpoint_auth_methods_supported: Strings | None = None
    revocation_endpoint_auth_signing_alg_values_supported: Strings | None = None
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
        return {
            member: list(value) if isinstance(value, tuple) else value
            for member, value in self.__dict__.items()
            if value is not None
        }


def discovery_document(metadata: AuthorizationServerMetadata) -> dict[str, JsonValue]:
    """Build the document of RFC 8414.

    Raises ValueError when a client would have to know a default: those of RFC 8414 §2 are not
    what most servers do, so each member that has one must be said (S-183, S-184).
    """
    algorithms = metadata.token_endpoint_auth_signing_alg_values_supported
    methods = metadata.token_endpoint_auth_methods_supported or ()
    document = metadata.to_wire()
    _require(document, MEMBERS_WITH_DEFAULT)
    # RFC 8414 §2
    if any(method.endswith("_jwt") for method in methods):
        _require(document, ("token_endpoint_auth_signing_alg_values_supported",))
    if "none" in (algorithms or ()):
        raise ValueError("token_endpoint_auth_signing_alg_values_supported must not hold none")
    return document


def openid_configuration_document(metadata: AuthorizationServerMetadata) -> dict[str, JsonValue]:
    """Build the document of OpenID Connect Discovery §3, which requires more (S-185).

    A server without ID Tokens says what the standard wants to hear: public, RS256.
    """
    openid = metadata.model_copy(
        update={
            "subject_types_supported": metadata.subject_types_supported or ("public",),
            "id_token_signing_alg_values_supported": metadata.id_token_signing_alg_values_supported
            or ("RS256",),
        }
    )
    if "RS256" not in (openid.id_token_signing_alg_values_supported or ()):
        raise ValueError("id_token_signing_alg_values_supported must hold RS256")
    return discovery_document(openid)


def _require(document: dict[str, JsonValue], members: tuple[str, ...]) -> None:
    missing = [member for member in members if member not in document]
    if missing:
        raise ValueError(f"discovery needs {', '.join(missing)}")


def discovery_urls(issuer: str) -> tuple[str, ...]:
    """Return where the documents are, OpenID's first, then RFC 8414's (S-181, C-001).

    Raises ValueError when the issuer is not a URL without query and fragment.
    """
    uri = split_uri(issuer)
    if uri is None or not uri.host or uri.query is not None or uri.fragment is not None:
        raise ValueError("an issuer is an absolute URL without query and fragment")
    path = uri.path.rstrip("/")
    origin = issuer[: len(issuer) - len(uri.path)]
    # OIDC Discovery §4.1 appends, RFC 8414 §3.1 inserts between host and path.
    return (
        f"{origin}{path}/.well-known/openid-configuration",
        f"{origin}/.well-known/oauth-authorization-server{path}",
    )


def parse_server_metadata(
    issuer: str, status: int, body: bytes, headers: Mapping[str, str] | None = None
) -> AuthorizationServerMetadata:
    """Read a discovery document (C-001, S-182).

    Optional members of a wrong type are left out, since others may be all that is needed.

    Raises a `ProtocolResponseError`: NotSupported when there is none, MalformedResponse when it
    is not one or names another issuer.
    """
    if status != _OK:
        raise response_error(status, headers or {}, body)
    document = read_json_object(body)
    if document is None:
        raise MalformedResponse("discovery is not a JSON object", status=status)
    claimed = document.get("issuer")
    if not isinstance(claimed, str):
        raise MalformedResponse("discovery names no issuer", status=status)
    # RFC 8414 §3.3: identical as strings; a trailing slash counts.
    if claimed != issuer:
        raise MalformedResponse(
            f"discovery names the issuer {claimed}, not {issuer}", status=status
        )
    return _tolerant(document)


def _tolerant(document: dict[str, JsonValue]) -> AuthorizationServerMetadata:
    try:
        return AuthorizationServerMetadata.model_validate(document)
    except ValidationError as error:
        unusable = {detail["loc"][0] for detail in error.errors(include_input=False)}
    return AuthorizationServerMetadata.model_validate(
        {member: value for member, value in document.items() if member not in unusable}
    )
