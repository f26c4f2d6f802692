"""Client metadata: RFC 7591 §2, OIDC Dynamic Client Registration 1.0 §2 and their extensions.

One model for server and operator. It holds what a client asks for or what is registered;
members that only the server assigns are in `client_information`.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Annotated, Final, Self, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from dcr_protocol.errors import InvalidClientMetadata, InvalidRedirectUri, ProtocolError
from dcr_protocol.json_document import JsonValue
from dcr_protocol.localized_members import localized_members
from dcr_protocol.member_types import (
    Name,
    Seconds,
    Statement,
    Text,
    Token,
    Tokens,
    Uris,
)

_REASONS: Final = {
    "string_type": "must be a string",
    "string_too_short": "must not be empty",
    "string_pattern_mismatch": "must not hold control characters",
    "string_unicode": "must not hold half of a surrogate pair",
    "tuple_type": "must be an array",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "dict_type": "must be an object",
}


class ClientMetadata(BaseModel):
    """Every member that we understand; all optional, in the order in which we answer them."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    # RFC 7591 §2
    client_name: Name | None = Field(None, description="Name shown to the end-user.")
    redirect_uris: Uris | None = Field(
        None, description="Redirection URIs, compared character by character."
    )
    token_endpoint_auth_method: Token | None = Field(
        None,
        description="How the client authenticates at the token endpoint, e.g."
        " client_secret_basic, private_key_jwt or none.",
    )
    grant_types: Tokens | None = Field(
        None, description="Grant types the client may use at the token endpoint."
    )
    response_types: Tokens | None = Field(
        None, description="Response types the client may use at the authorization endpoint."
    )
    scope: Text | None = Field(
        None, description="Space-separated scope values the client may request."
    )
    application_type: Token | None = Field(
        None, description="web or native; decides which redirection URIs are allowed."
    )
    contacts: Tokens | None = Field(
        None, description="Ways to reach people responsible for this client, usually e-mail."
    )
    client_uri: Text | None = Field(None, description="Home page of the client.")
    logo_uri: Text | None = Field(None, description="Logo of the client.")
    tos_uri: Text | None = Field(None, description="Terms of service of the client.")
    policy_uri: Text | None = Field(
        None, description="How the client uses the data that it is given."
    )
    jwks_uri: Text | None = Field(None, description="URL of the client's JWK Set; excludes jwks.")
    jwks: dict[str, JsonValue] | None = Field(
        None, description="The client's public keys as a JWK Set; excludes jwks_uri."
    )
    software_id: Name | None = Field(
        None, description="Identifies the client software; equal for all its instances."
    )
    software_version: Name | None = Field(
        None, description="Version of the client software; compared by equality only."
    )
    software_statement: Statement | None = Field(
        None, description="Signed JWT with metadata about the client software."
    )
    # OIDC Dynamic Client Registration 1.0 §2
    subject_type: Token | None = Field(None, description="public or pairwise.")
    sector_identifier_uri: Text | None = Field(
        None, description="URL of a JSON array of redirection URIs that share a sector."
    )
    id_token_signed_response_alg: Token | None = Field(
        None, description="JWS algorithm of ID Tokens for this client."
    )
    id_token_encrypted_response_alg: Token | None = Field(
        None, description="JWE key management algorithm of ID Tokens for this client."
    )
    id_token_encrypted_response_enc: Token | None = Field(
        None, description="JWE content encryption of ID Tokens for this client."
    )
    userinfo_signed_response_alg: Token | None = Field(
        None, description="JWS algorithm of UserInfo responses."
    )
    userinfo_encrypted_response_alg: Token | None = Field(
        None, description="JWE key management algorithm of UserInfo responses."
    )
    userinfo_encrypted_response_enc: Token | None = Field(
        None, description="JWE content encryption of UserInfo responses."
    )
    request_object_signing_alg: Token | None = Field(
        None, description="JWS algorithm that request objects must use."
    )
    request_object_encryption_alg: Token | None = Field(
        None, description="JWE key management algorithm that request objects may use."
    )
    request_object_encryption_enc: Token | None = Field(
        None, description="JWE content encryption that request objects may use."
    )
    token_endpoint_auth_signing_alg: Token | None = Field(
        None, description="JWS algorithm of the client's authentication JWTs."
    )
    default_max_age: Seconds | None = Field(
        None, description="Seconds after which the end-user must authenticate again."
    )
    require_auth_time: bool | None = Field(
        None, description="Whether ID Tokens must carry auth_time."
    )
    default_acr_values: Tokens | None = Field(
        None, description="Requested authentication context classes, most wanted first."
    )
    initiate_login_uri: Text | None = Field(
        None, description="https URL at which a third party may start a login."
    )
    request_uris: Uris | None = Field(
        None, description="URLs of request objects that the client may refer to."
    )
    response_modes: Tokens | None = Field(
        None, description="Response modes that the client may use."
    )
    # OIDC RP-Initiated, Front-Channel and Back-Channel Logout 1.0
    post_logout_redirect_uris: Uris | None = Field(
        None, description="Where the end-user may be sent after logging out."
    )
    frontchannel_logout_uri: Text | None = Field(
        None, description="URL rendered in the browser to log the end-user out of the client."
    )
    frontchannel_logout_session_required: bool | None = Field(
        None, description="Whether front-channel logout must name issuer and session."
    )
    backchannel_logout_uri: Text | None = Field(
        None, description="URL that receives logout tokens."
    )
    backchannel_logout_session_required: bool | None = Field(
        None, description="Whether logout tokens must name the session."
    )
    # RFC 8705
    tls_client_auth_subject_dn: Text | None = Field(
        None, description="Subject of the client certificate, in the form of RFC 4514."
    )
    tls_client_auth_san_dns: Text | None = Field(
        None, description="dNSName in the client certificate."
    )
    tls_client_auth_san_uri: Text | None = Field(
        None, description="uniformResourceIdentifier in the client certificate."
    )
    tls_client_auth_san_ip: Text | None = Field(
        None, description="iPAddress in the client certificate, in canonical text form."
    )
    tls_client_auth_san_email: Text | None = Field(
        None, description="rfc822Name in the client certificate."
    )
    tls_client_certificate_bound_access_tokens: bool | None = Field(
        None, description="Whether access tokens are bound to the client certificate."
    )
    # RFC 9101, RFC 9126, RFC 9449, RFC 9396
    require_signed_request_object: bool | None = Field(
        None, description="Whether authorization requests must be signed request objects."
    )
    require_pushed_authorization_requests: bool | None = Field(
        None, description="Whether authorization requests must be pushed first."
    )
    dpop_bound_access_tokens: bool | None = Field(
        None, description="Whether access tokens are always bound by DPoP."
    )
    authorization_details_types: Tokens | None = Field(
        None, description="Types of authorization_details that the client may use."
    )
    # JARM
    authorization_signed_response_alg: Token | None = Field(
        None, description="JWS algorithm of authorization responses."
    )
    authorization_encrypted_response_alg: Token | None = Field(
        None, description="JWE key management algorithm of authorization responses."
    )
    authorization_encrypted_response_enc: Token | None = Field(
        None, description="JWE content encryption of authorization responses."
    )
    # RFC 9701
    introspection_signed_response_alg: Token | None = Field(
        None, description="JWS algorithm of token introspection responses."
    )
    introspection_encrypted_response_alg: Token | None = Field(
        None, description="JWE key management algorithm of introspection responses."
    )
    introspection_encrypted_response_enc: Token | None = Field(
        None, description="JWE content encryption of introspection responses."
    )
    # OpenID Connect Client-Initiated Backchannel Authentication
    backchannel_token_delivery_mode: Token | None = Field(None, description="poll, ping or push.")
    backchannel_client_notification_endpoint: Text | None = Field(
        None, description="https URL that is notified in the modes ping and push."
    )
    backchannel_authentication_request_signing_alg: Token | None = Field(
        None, description="JWS algorithm of signed backchannel authentication requests."
    )
    backchannel_user_code_parameter: bool | None = Field(
        None, description="Whether the client supports user codes."
    )
    # OpenID Federation 1.0
    client_registration_types: Tokens | None = Field(
        None, description="Federation registration types: automatic, explicit."
    )
    organization_name: Name | None = Field(
        None, description="Organization that is responsible for the client."
    )
    signed_jwks_uri: Text | None = Field(
        None, description="URL of the client's JWK Set as a signed JWT."
    )
    # OAuth SPIFFE Client Authentication
    spiffe_id: Text | None = Field(None, description="SPIFFE ID of the workload.")
    spiffe_bundle_endpoint: Text | None = Field(
        None, description="URL of the bundle of the workload's trust domain."
    )
    # RFC 7591 §2.2; on the wire each entry is a member of its own.
    localized: Annotated[dict[str, Text], Field(max_length=100)] | None = Field(
        None, description="Localized members, keyed as on the wire: client_name#de."
    )

    def with_members(self, members: Mapping[str, object]) -> Self:
        """Do what model_copy does where there are no extra and no private attributes: faster.

        Not validated, as there.
        """
        copied = self.__class__.__new__(self.__class__)
        set_attribute = object.__setattr__
        set_attribute(copied, "__dict__", {**self.__dict__, **members})
        set_attribute(
            copied, "__pydantic_fields_set__", self.__pydantic_fields_set__ | members.keys()
        )
        set_attribute(copied, "__pydantic_extra__", None)
        set_attribute(copied, "__pydantic_private__", None)
        return copied

    def to_wire(self) -> dict[str, JsonValue]:
        """Return the members that are set, snake_case, without null (S-085)."""
        values = self.__dict__
        document: dict[str, JsonValue] = {}
        # Few of the many members are set: those are put in order, the others not looked at.
        for member in sorted(self.model_fields_set, key=_order_of(type(self))):
            value = values[member]
            if value is not None:
                document[member] = list(value) if type(value) is tuple else value
        document.pop("localized", None)
        document.update(self.localized or {})
        return document


_NOTHING: Final = ClientMetadata()


def _validators() -> dict[str, Callable[[JsonValue], object]]:
    """Make one for each member; members of one type share it."""
    strict = ConfigDict(strict=True)
    types = get_type_hints(ClientMetadata, include_extras=True)
    members = {name: types[name] for name in ClientMetadata.model_fields}
    made = {repr(kind): TypeAdapter(kind, config=strict) for kind in members.values()}
    return {name: made[repr(kind)].validator.validate_python for name, kind in members.items()}


_VALIDATE: Final = _validators()


@functools.cache
def _order_of(model: type[ClientMetadata]) -> Callable[[str], int]:
    return {member: position for position, member in enumerate(model.model_fields)}.__getitem__


def parse_client_metadata(document: Mapping[str, JsonValue]) -> ClientMetadata:
    """Read a registration or update request (RFC 7591 §2, §3.1).

    Members that we do not understand are dropped, never an error (S-020). `null` and `""`
    are the same as leaving the member out (S-026); in an update that deletes it.

    Raises InvalidRedirectUri or InvalidClientMetadata for values of a wrong type (S-027).
    """
    # RFC 7592 §2.2: null and empty ask for removal; in a registration they say nothing.
    members = {name: value for name, value in document.items() if value is not None and value != ""}
    members.pop("localized", None)  # no member of the wire
    if "#" in "".join(members):
        localized = localized_members(members)
        members = {name: value for name, value in members.items() if "#" not in name}
        if localized:
            members["localized"] = localized
    try:
        return _NOTHING.with_members(_validated(members))
    except ValidationError:
        # Of several flaws the model tells the first in the order of its members.
        return _validated_as_a_whole(members)


def _validated(members: Mapping[str, JsonValue]) -> dict[str, object]:
    """Look at the members that came, not at the many that could have."""
    validated: dict[str, object] = {}
    for name, value in members.items():
        validate = _VALIDATE.get(name)
        if validate is not None:
            validated[name] = validate(value)
    return validated


def _validated_as_a_whole(members: Mapping[str, JsonValue]) -> ClientMetadata:
    try:
        return ClientMetadata.model_validate(members)
    except ValidationError as error:
        raise _type_error(error) from None


def _type_error(error: ValidationError) -> ProtocolError:
    detail = error.errors(include_url=False, include_context=False, include_input=False)[0]
    member, *path = detail["loc"]
    if member == "localized" and path:
        member, *path = path
    where = str(member) + "".join(f"[{step}]" for step in path)
    reason = _REASONS.get(detail["type"], detail["msg"])
    if member == "redirect_uris":
        return InvalidRedirectUri(f"{where}: {reason}")
    return InvalidClientMetadata(f"{where}: {reason}")
