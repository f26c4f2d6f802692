"""One good value for every member of client metadata, and what else it needs beside it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from dcr_protocol.json_document import JsonValue
from dcr_protocol.vocabulary import CIBA
from dcr_server.policies import Policy

Document = dict[str, JsonValue]

# All that a client may ask for; the server's own token endpoint serves little of it.
ALL_THERE_IS: Final = Policy(
    grant_types=("authorization_code", "refresh_token", "implicit", "client_credentials", CIBA),
    response_types=("code", "code id_token", "none"),
    token_endpoint_auth_methods=(
        "none",
        "client_secret_basic",
        "client_secret_post",
        "client_secret_jwt",
        "private_key_jwt",
        "tls_client_auth",
        "self_signed_tls_client_auth",
    ),
    redirect_uris=("*",),
    scopes=("*",),
)

KEYS: Final[Document] = {"jwks": {"keys": [{"kty": "RSA", "n": "u7Rl3w", "e": "AQAB"}]}}
WEB: Final[Document] = {"redirect_uris": ["https://app.example.com/cb"]}
_CIBA: Final[Document] = {
    "grant_types": ["authorization_code", CIBA],
    "backchannel_token_delivery_mode": "ping",
    "backchannel_client_notification_endpoint": "https://app.example.com/notify",
}
_TLS: Final[Document] = {"token_endpoint_auth_method": "tls_client_auth"}


@dataclass(frozen=True)
class Example:
    member: str
    value: JsonValue
    beside: Mapping[str, JsonValue] = field(default_factory=dict)

    @property
    def document(self) -> Document:
        return {**WEB, **self.beside, self.member: self.value}


EXAMPLES: Final = (
    # RFC 7591 §2
    Example("redirect_uris", ["https://app.example.com/cb?a=%7e", "https://b.example:443/"]),
    Example("token_endpoint_auth_method", "client_secret_post"),
    Example("grant_types", ["refresh_token", "authorization_code"]),
    Example("response_types", ["none", "code"]),
    Example("client_name", "Größe & 名 <b>"),
    Example("client_uri", "https://app.example.com/"),
    Example("logo_uri", "http://cdn.example.com/logo.png"),
    Example("scope", "openid b a"),
    Example("contacts", ["ops@example.com", "+43 1 234", "https://example.com/contact"]),
    Example("tos_uri", "https://app.example.com/terms#top"),
    Example("policy_uri", "https://app.example.com/policy"),
    Example("jwks_uri", "https://app.example.com/jwks"),
    Example("jwks", KEYS["jwks"]),
    Example("software_id", "4NRB1-0XZABZI9E6-5SM3R"),
    Example("software_version", "2.0-rc1"),
    # RFC 7591 §2.2
    Example("client_name#ja-Jpan-JP", "クライアント名", {"client_name": "Client"}),
    Example("client_uri#de", "https://app.example.com/de"),
    Example("logo_uri#fr", "https://app.example.com/fr.png"),
    Example("tos_uri#en-GB", "https://app.example.com/terms"),
    Example("policy_uri#DE-at", "https://app.example.com/at"),
    # OIDCR §2
    Example("application_type", "native", {"redirect_uris": ["com.example.app:/cb"]}),
    Example("subject_type", "public"),
    Example("id_token_signed_response_alg", "ES256"),
    Example("id_token_encrypted_response_alg", "RSA-OAEP-256", KEYS),
    Example(
        "id_token_encrypted_response_enc", "A256GCM", {"id_token_encrypted_response_alg": "dir"}
    ),
    Example("userinfo_signed_response_alg", "none"),
    Example("userinfo_encrypted_response_alg", "ECDH-ES", KEYS),
    Example(
        "userinfo_encrypted_response_enc", "A256GCM", {"userinfo_encrypted_response_alg": "dir"}
    ),
    Example("request_object_signing_alg", "PS256", KEYS),
    Example("request_object_encryption_alg", "RSA-OAEP-256"),
    Example("request_object_encryption_enc", "A256GCM", {"request_object_encryption_alg": "dir"}),
    Example("token_endpoint_auth_signing_alg", "ES256"),
    Example("default_max_age", 0),
    Example("require_auth_time", value=True),
    Example("default_acr_values", ["urn:b", "urn:a"]),
    Example("initiate_login_uri", "https://app.example.com/login"),
    Example(
        "request_uris", ["https://app.example.com/r#qpXaRLh_n93TTR9F252ValdatUQvQiJi5BDub2BeznA"]
    ),
    Example("response_modes", ["form_post", "query.jwt"]),
    # RP-Initiated, Front-Channel and Back-Channel Logout
    Example("post_logout_redirect_uris", ["https://app.example.com/bye"]),
    Example("frontchannel_logout_uri", "https://app.example.com/out?a=b"),
    Example("frontchannel_logout_session_required", value=True),
    Example("backchannel_logout_uri", "https://app.example.com/out"),
    Example("backchannel_logout_session_required", value=False),
    # RFC 8705
    Example("tls_client_auth_subject_dn", "CN=app,O=Example", _TLS),
    Example("tls_client_auth_san_dns", "app.example.com", _TLS),
    Example("tls_client_auth_san_uri", "spiffe://example.com/app", _TLS),
    Example("tls_client_auth_san_ip", "2001:db8::1", _TLS),
    Example("tls_client_auth_san_email", "app@example.com", _TLS),
    Example("tls_client_certificate_bound_access_tokens", value=True),
    # RFC 9101 (JAR), RFC 9126 (PAR), RFC 9449 (DPoP), RFC 9396 (RAR)
    Example("require_signed_request_object", value=True),
    Example("require_pushed_authorization_requests", value=True),
    Example("dpop_bound_access_tokens", value=True),
    Example("authorization_details_types", ["payment_initiation", "account_information"]),
    # JARM
    Example("authorization_signed_response_alg", "ES256"),
    Example("authorization_encrypted_response_alg", "ECDH-ES+A128KW", KEYS),
    Example(
        "authorization_encrypted_response_enc",
        "A256GCM",
        {"authorization_encrypted_response_alg": "dir"},
    ),
    # RFC 9701
    Example("introspection_signed_response_alg", "RS256"),
    Example("introspection_encrypted_response_alg", "RSA-OAEP-256", KEYS),
    Example(
        "introspection_encrypted_response_enc",
        "A256GCM",
        {"introspection_encrypted_response_alg": "dir"},
    ),
    # CIBA
    Example("backchannel_token_delivery_mode", "poll", {"grant_types": _CIBA["grant_types"]}),
    Example("backchannel_client_notification_endpoint", "https://app.example.com/n", _CIBA),
    Example("backchannel_authentication_request_signing_alg", "ES256", {**_CIBA, **KEYS}),
    Example("backchannel_user_code_parameter", value=True, beside=_CIBA),
    # OpenID Federation
    Example("client_registration_types", ["explicit"]),
    Example("organization_name", "Example Ltd"),
    Example("signed_jwks_uri", "https://app.example.com/signed-jwks"),
    # OAuth SPIFFE Client Authentication
    Example("spiffe_id", "spiffe://example.com/app"),
    Example("spiffe_bundle_endpoint", "https://app.example.com/bundle"),
)

# Kept apart, since the server must fetch or verify something first.
WITH_TESTS_OF_THEIR_OWN: Final = frozenset({"sector_identifier_uri", "software_statement"})

BAD_VALUES: Final[tuple[tuple[str, Document], ...]] = (
    ("an application type that is not known", {"application_type": "mobile"}),
    ("a subject type that is not known", {"subject_type": "secret"}),
    ("a delivery mode that is not known", {"backchannel_token_delivery_mode": "pull"}),
    ("a negative age", {"default_max_age": -1}),
    ("an age with a fraction", {"default_max_age": 1.5}),
    ("a scope that is none", {"scope": 'a "b"'}),
    ("a name with a control character", {"client_name": "a\u0000b"}),
    ("a name of a page's size", {"client_name": "a" * 513}),
    ("a script for a logo", {"logo_uri": "javascript:alert(1)"}),
    ("a script for a localized logo", {"logo_uri#de": "javascript:alert(1)"}),
    ("data for terms", {"tos_uri": "data:text/html,x"}),
    ("a page that is relative", {"policy_uri": "/policy"}),
    ("a page with a user", {"client_uri": "https://me@app.example.com/"}),
    ("keys without TLS", {"jwks_uri": "http://app.example.com/jwks"}),
    ("a secret key", {"jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}}),
    ("a key set without keys", {"jwks": {"kty": "RSA"}}),
    ("a login without TLS", {"initiate_login_uri": "http://app.example.com/login"}),
    ("request objects without TLS", {"request_uris": ["http://app.example.com/r"]}),
    ("a script after the logout", {"post_logout_redirect_uris": ["javascript:alert(1)"]}),
    ("a logout elsewhere", {"frontchannel_logout_uri": "https://b.example/out"}),
    ("a logout with a fragment", {"backchannel_logout_uri": "https://app.example.com/out#x"}),
    ("no name in a certificate", {"token_endpoint_auth_method": "tls_client_auth"}),
    ("a subject that is none", {"tls_client_auth_subject_dn": "app"}),
    ("encryption without algorithm", {"id_token_encrypted_response_enc": "A256GCM"}),
    ("an unsigned assertion", {"token_endpoint_auth_signing_alg": "none"}),
    ("unsigned authorization responses", {"authorization_signed_response_alg": "none"}),
    ("unsigned introspection", {"introspection_signed_response_alg": "none"}),
    (
        "unsigned requests that must be signed",
        {"request_object_signing_alg": "none", "require_signed_request_object": True},
    ),
    (
        "a notification without TLS",
        {**_CIBA, "backchannel_client_notification_endpoint": "http://a"},
    ),
    ("no delivery mode", {"grant_types": ["authorization_code", CIBA]}),
    ("a SPIFFE bundle without TLS", {"spiffe_bundle_endpoint": "http://app.example.com/b"}),
)
