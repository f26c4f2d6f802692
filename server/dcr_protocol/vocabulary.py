"""What is known about the members of client metadata, as data.

RFC 7591 §2, §3.2.1, RFC 7592 §2.2 and §3, OpenID Connect Dynamic Client Registration 1.0 §2.
"""

from __future__ import annotations

from typing import Final

# RFC 7591 §3.2.1, RFC 7592 §3: members that only the server assigns.
READ_ONLY_MEMBERS: Final = (
    "client_id",
    "client_secret",
    "client_id_issued_at",
    "client_secret_expires_at",
    "registration_access_token",
    "registration_client_uri",
)

# RFC 7592 §2.2: an update request must not contain these.
FORBIDDEN_IN_UPDATE: Final = frozenset(
    {
        "registration_access_token",
        "registration_client_uri",
        "client_secret_expires_at",
        "client_id_issued_at",
    }
)

# RFC 7591 §2.2: human-readable members, and those that point at human-readable pages.
LOCALIZABLE_MEMBERS: Final = frozenset(
    {"client_name", "client_uri", "logo_uri", "tos_uri", "policy_uri"}
)

# RFC 7591 §5: what the end-user is shown of the client, and may take for its word.
SHOWN_URI_MEMBERS: Final = frozenset({"client_uri", "logo_uri", "tos_uri", "policy_uri"})

# Pages that people look at: http is tolerated.
PAGE_URI_MEMBERS: Final = SHOWN_URI_MEMBERS | {"frontchannel_logout_uri", "backchannel_logout_uri"}

# URLs whose content or reach decides about security: https only.
HTTPS_URI_MEMBERS: Final = frozenset(
    {
        "jwks_uri",
        "signed_jwks_uri",
        "sector_identifier_uri",
        "initiate_login_uri",
        "backchannel_client_notification_endpoint",
        "spiffe_bundle_endpoint",
    }
)

HTTPS_URI_LIST_MEMBERS: Final = frozenset({"request_uris"})

REDIRECT_URI_MEMBERS: Final = frozenset({"redirect_uris", "post_logout_redirect_uris"})

# OIDC Back-Channel Logout §2.2, RFC 7591 §2: nothing is after the resource.
WITHOUT_FRAGMENT: Final = frozenset(
    {
        "backchannel_logout_uri",
        "frontchannel_logout_uri",
        "initiate_login_uri",
        "jwks_uri",
        "sector_identifier_uri",
        "backchannel_client_notification_endpoint",
    }
)

# Every member whose value is one URI or a list of URIs.
URI_MEMBERS: Final = (
    PAGE_URI_MEMBERS | HTTPS_URI_MEMBERS | HTTPS_URI_LIST_MEMBERS | REDIRECT_URI_MEMBERS
)

# Members whose rules look at no other member; the front-channel URI is compared with redirections.
MEMBERS_CHECKED_ALONE: Final = (
    (PAGE_URI_MEMBERS | HTTPS_URI_MEMBERS | HTTPS_URI_LIST_MEMBERS) - {"frontchannel_logout_uri"}
) | {"application_type", "subject_type", "scope", "jwks", "localized"}

# RFC 8705 §2.1.2
TLS_CLIENT_AUTH_MEMBERS: Final = (
    "tls_client_auth_subject_dn",
    "tls_client_auth_san_dns",
    "tls_client_auth_san_uri",
    "tls_client_auth_san_ip",
    "tls_client_auth_san_email",
)

# RFC 9449 §5.2, RFC 8705 §3.4: who holds such a token must prove it with a key.
BOUND_TOKENS_MEMBERS: Final = (
    "dpop_bound_access_tokens",
    "tls_client_certificate_bound_access_tokens",
)

CLIENT_SECRET_BASIC: Final = "client_secret_basic"
CLIENT_SECRET_POST: Final = "client_secret_post"
CLIENT_SECRET_JWT: Final = "client_secret_jwt"
PRIVATE_KEY_JWT: Final = "private_key_jwt"
TLS_CLIENT_AUTH: Final = "tls_client_auth"
SELF_SIGNED_TLS_CLIENT_AUTH: Final = "self_signed_tls_client_auth"

# RFC 7591 §2, S-082: only these are worth a client_secret.
AUTH_METHODS_WITH_SECRET: Final = frozenset(
    {CLIENT_SECRET_BASIC, CLIENT_SECRET_POST, CLIENT_SECRET_JWT}
)

AUTHORIZATION_CODE: Final = "authorization_code"
IMPLICIT: Final = "implicit"
CLIENT_CREDENTIALS: Final = "client_credentials"
REFRESH_TOKEN: Final = "refresh_token"
CIBA: Final = "urn:openid:params:grant-type:ciba"

# Grants that send the user's browser back to the client.
REDIRECT_GRANTS: Final = frozenset({AUTHORIZATION_CODE, IMPLICIT})

WEB: Final = "web"
NATIVE: Final = "native"
APPLICATION_TYPES: Final = (WEB, NATIVE)

PAIRWISE: Final = "pairwise"
SUBJECT_TYPES: Final = ("public", PAIRWISE)

# CIBA §4
DELIVERY_MODES: Final = ("poll", "ping", "push")

# RFC 7591 §2 and OIDCR §2: what an omitted member means, where it does not depend on others.
DEFAULT_AUTH_METHOD: Final = CLIENT_SECRET_BASIC
DEFAULT_APPLICATION_TYPE: Final = WEB
DEFAULT_GRANT_TYPES: Final = (AUTHORIZATION_CODE,)
DEFAULT_RESPONSE_TYPES: Final = ("code",)
DEFAULT_CONTENT_ENCRYPTION: Final = "A128CBC-HS256"

# RFC 7591 §4.2, RFC 8705 §2; others are absolute URIs.
KNOWN_AUTH_METHODS: Final = (
    CLIENT_SECRET_BASIC,
    CLIENT_SECRET_POST,
    CLIENT_SECRET_JWT,
    PRIVATE_KEY_JWT,
    TLS_CLIENT_AUTH,
    SELF_SIGNED_TLS_CLIENT_AUTH,
    "none",
    "spiffe_jwt",
    "spiffe_x509",
)
# RFC 7591 §2, RFC 8628 §3.4, RFC 8693 §2.1, CIBA §4; others are absolute URIs (RFC 6749 §4.5).
KNOWN_GRANT_TYPES: Final = (
    AUTHORIZATION_CODE,
    IMPLICIT,
    CLIENT_CREDENTIALS,
    REFRESH_TOKEN,
    "password",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "urn:ietf:params:oauth:grant-type:saml2-bearer",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:token-exchange",
    CIBA,
)
# OAuth 2.0 Multiple Response Types §3 to §5.
KNOWN_RESPONSE_TYPES: Final = (
    "code",
    "token",
    "id_token",
    "id_token token",
    "code id_token",
    "code token",
    "code id_token token",
    "none",
)
