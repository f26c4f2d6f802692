"""What real servers answered, read as the operator reads it. The files are kept as recorded."""

import json
from pathlib import Path
from typing import NamedTuple

import pytest

from dcr_protocol.client_information import (
    ClientInformation,
    parse_client_information_response,
    parse_deletion_response,
)
from dcr_protocol.differences import DifferenceKind, differences
from dcr_protocol.json_document import parse_json_object
from dcr_protocol.response_errors import (
    NotSupported,
    ProtocolResponseError,
    RequestRefused,
    ServerUnavailable,
    TokenRejected,
)
from dcr_protocol.server_metadata import parse_server_metadata

TRANSCRIPTS = Path(__file__).parents[2] / "data" / "transcripts"
ISSUER = "http://provider.test"
KEYCLOAK = f"{ISSUER}/realms/R"


class Exchange(NamedTuple):
    request: bytes
    status: int
    headers: dict[str, str]
    body: bytes


def exchange(name: str) -> Exchange:
    recorded = json.loads((TRANSCRIPTS / f"{name}.json").read_text())
    answer = recorded["response"]
    return Exchange(
        (recorded["request"]["body"] or "").encode(),
        answer["status"],
        answer["headers"],
        (answer["body"] or "").encode(),
    )


def read(name: str) -> ClientInformation:
    _, status, headers, body = exchange(name)
    return parse_client_information_response(status, headers, body)


class Carried(NamedTuple):
    secret: bool
    expires_at: int | None
    issued: bool
    token: bool
    uri: bool


SUCCESSES = {
    "oidc-provider/register-web-explicit": Carried(True, 0, True, True, True),
    "oidc-provider/register-public": Carried(False, None, True, True, True),
    "oidc-provider/register-client-credentials": Carried(True, 0, True, True, True),
    "oidc-provider/read-ok-1": Carried(True, 0, True, True, True),
    "oidc-provider/update-full-ok": Carried(True, 0, True, True, True),
    # The secret is still shown although the client is public now.
    "oidc-provider/update-basic-to-none": Carried(True, 0, True, True, True),
    "keycloak/register-web-explicit": Carried(True, 0, True, True, True),
    "keycloak/register-public": Carried(False, None, True, True, True),
    "keycloak/register-client-credentials": Carried(True, 0, True, True, True),
    "keycloak/register-full-metadata": Carried(True, 0, True, True, True),
    "keycloak/read-ok-1": Carried(True, 0, False, True, True),
    "keycloak/update-full-ok": Carried(True, 0, False, True, True),
    "keycloak/secret-rotation-12-read-after-expiry": Carried(True, 1795431001, False, True, True),
    "hydra/register-web-explicit": Carried(True, 0, False, True, True),
    "hydra/register-client-credentials": Carried(True, 0, False, True, True),
    # C-014: what is missing here has not changed.
    "hydra/read-ok-1": Carried(False, 0, False, False, False),
    "hydra/update-full-ok": Carried(False, 0, False, True, False),
    "authlib/register-web-explicit": Carried(True, 0, True, True, True),
    "authlib/register-null-member": Carried(True, 0, True, True, True),
    "authlib/open--register-web-explicit": Carried(True, 0, True, True, True),
    "mcp-python-sdk/register-web-explicit": Carried(True, 0, True, False, False),
    "mcp-python-sdk/register-public": Carried(False, None, True, False, False),
}

REFUSALS: dict[str, tuple[type[ProtocolResponseError], str | None, str]] = {
    "oidc-provider/iat-string--register-error-no-token": (
        TokenRejected,
        "invalid_token",
        "no access token provided",
    ),
    "oidc-provider/iat-stored-builtin--register-error-expired-iat": (
        TokenRejected,
        "invalid_token",
        "invalid token provided",
    ),
    "oidc-provider/iat-string--register-error-basic-scheme": (
        RequestRefused,
        "invalid_request",
        "authorization header scheme must be `Bearer`",
    ),
    "oidc-provider/read-wrong-token": (TokenRejected, "invalid_token", "invalid token provided"),
    "oidc-provider/nomanagement--update-full-ok": (NotSupported, None, "a body of type text/plain"),
    "oidc-provider/disabled--register-error-disabled": (
        NotSupported,
        None,
        "a body of type text/plain",
    ),
    "oidc-provider/iat-stored-builtin--update-static-client-own-token": (
        RequestRefused,
        "invalid_request",
        "client does not have permission to update its record",
    ),
    "oidc-provider/register-error-redirect-fragment": (
        RequestRefused,
        "invalid_redirect_uri",
        "redirect_uris must not contain fragments",
    ),
    "keycloak/register-error-no-token": (RequestRefused, "insufficient_scope", "Policy 'Trusted"),
    "keycloak/register-error-spent-iat": (
        TokenRejected,
        "invalid_token",
        "No remaining count on initial access token",
    ),
    "keycloak/register-unknown-members": (
        RequestRefused,
        None,
        "Invalid json representation for OIDCClientRepresentation. Unrecognized field",
    ),
    # A deleted client, and yet a 500: the core has to read before it believes.
    "keycloak/admin-delete-then-update": (ServerUnavailable, "unknown_error", "For more on this"),
    "keycloak/update-patch": (NotSupported, None, "HTTP 405 Method Not Allowed"),
    "keycloak/unknown-realm-register": (NotSupported, None, "Realm does not exist"),
    "keycloak/bearer-create-client-read": (RequestRefused, "insufficient_scope", "Forbidden"),
    "hydra/update-same-secret": (RequestRefused, None, "The requested action was forbidden; It is"),
    "hydra/admin-delete-then-read": (TokenRejected, None, "The request could not be authorized; "),
    "hydra/disabled--register-web-explicit": (NotSupported, None, "The requested resource could"),
    "hydra/admin-create-client-rat-4-read-at-uri-given": (
        NotSupported,
        None,
        "The requested route does not exist.",
    ),
    "hydra/register-error-redirect-fragment": (
        RequestRefused,
        "invalid_redirect_uri",
        "The value of one or more redirect_uris is invalid.",
    ),
    "authlib/read-no-token": (TokenRejected, "access_denied", "The resource owner or"),
    "authlib/read-unknown-client": (TokenRejected, "invalid_client", "The client does not exist"),
    "authlib/permission-read": (RequestRefused, "unauthorized_client", "The client does not have"),
    "authlib/update-patch": (NotSupported, None, "a body of type text/html"),
    "authlib/register-error-jwks-null": (ServerUnavailable, None, "a body of type text/html"),
    "authlib/register-error-not-json": (RequestRefused, None, "a body of type text/html"),
    "mcp-python-sdk/read-not-supported": (NotSupported, None, "a body of type text/plain"),
    "mcp-python-sdk/register-client-credentials": (
        RequestRefused,
        "invalid_client_metadata",
        "redirect_uris: Field required",
    ),
    "mcp-python-sdk/disabled--register-web-explicit": (
        NotSupported,
        None,
        "a body of type text/plain",
    ),
}

DELETIONS = [f"{server}/delete-ok" for server in ("oidc-provider", "keycloak", "hydra", "authlib")]
SECOND_DELETIONS = ["oidc-provider/delete-again", "keycloak/delete-again"]

DISCOVERY = {
    "oidc-provider/discovery-openid": (ISSUER, f"{ISSUER}/reg"),
    "oidc-provider/discovery-oauth": (ISSUER, f"{ISSUER}/reg"),
    "keycloak/discovery-openid": (KEYCLOAK, f"{KEYCLOAK}/clients-registrations/openid-connect"),
    # C-001: stock Hydra registers clients but does not say where.
    "hydra/discovery-openid": (ISSUER, None),
    "hydra/discovery-url-set--discovery-openid": (ISSUER, f"{ISSUER}/oauth2/register"),
    "mcp-python-sdk/discovery-oauth": (ISSUER, f"{ISSUER}/register"),
}
NO_DISCOVERY = "mcp-python-sdk/discovery-openid"


@pytest.mark.parametrize(("name", "carried"), SUCCESSES.items(), ids=SUCCESSES)
def test_client_information_of_real_servers_is_read(name: str, carried: Carried) -> None:
    information = read(name)
    assert carried == Carried(
        information.client_secret is not None,
        information.client_secret_expires_at,
        information.client_id_issued_at is not None,
        information.registration_access_token is not None,
        information.registration_client_uri is not None,
    )
    assert information.client_id
    assert information.deviations == ()


@pytest.mark.parametrize("name", SUCCESSES)
def test_c050_no_credential_of_real_servers_shows(name: str) -> None:
    information = read(name)
    for secret in (information.client_secret, information.registration_access_token):
        assert secret is None or secret.get_secret_value() not in repr(information)


@pytest.mark.parametrize(("name", "expected"), REFUSALS.items(), ids=REFUSALS)
def test_refusals_of_real_servers_are_told_apart(
    name: str, expected: tuple[type[ProtocolResponseError], str | None, str]
) -> None:
    kind, code, description = expected
    with pytest.raises(kind) as caught:
        read(name)
    assert caught.value.code == code
    assert caught.value.description.startswith(description)


@pytest.mark.parametrize("name", DELETIONS)
def test_deletions_at_real_servers_are_done(name: str) -> None:
    _, status, headers, body = exchange(name)
    parse_deletion_response(status, headers, body)


@pytest.mark.parametrize("name", SECOND_DELETIONS)
def test_a_second_deletion_looks_like_a_rejected_token(name: str) -> None:
    _, status, headers, body = exchange(name)
    with pytest.raises(TokenRejected):
        parse_deletion_response(status, headers, body)


@pytest.mark.parametrize(("name", "expected"), DISCOVERY.items(), ids=DISCOVERY)
def test_discovery_of_real_servers_is_read(name: str, expected: tuple[str, str | None]) -> None:
    _, status, _, body = exchange(name)
    metadata = parse_server_metadata(expected[0], status, body)
    assert (metadata.issuer, metadata.registration_endpoint) == expected
    assert metadata.token_endpoint
    assert not metadata.registration_idempotency_supported


def test_a_server_without_openid_discovery_is_noticed() -> None:
    _, status, headers, body = exchange(NO_DISCOVERY)
    with pytest.raises(NotSupported):
        parse_server_metadata(ISSUER, status, body, headers)


LOST: dict[str, set[str]] = {
    "oidc-provider/register-web-explicit": set(),
    "oidc-provider/register-client-credentials": set(),
    "keycloak/register-web-explicit": {"application_type"},
    "keycloak/register-client-credentials": set(),
    "keycloak/register-full-metadata": {
        "application_type",
        "contacts",
        "default_max_age",
        "initiate_login_uri",
        "logo_uri",
        "policy_uri",
        "require_auth_time",
        "tos_uri",
    },
    "hydra/register-web-explicit": {"application_type"},
    "authlib/register-web-explicit": set(),
    "mcp-python-sdk/register-web-explicit": set(),
}
# Keycloak stores true and answers false.
CHANGED = {"backchannel_logout_session_required"}


@pytest.mark.parametrize(("name", "lost"), LOST.items(), ids=LOST)
def test_c012_what_real_servers_lose_is_told_from_what_they_change(
    name: str, lost: set[str]
) -> None:
    found = differences(parse_json_object(exchange(name).request), read(name).metadata)
    assert {item.member for item in found if item.kind is DifferenceKind.NOT_RETURNED} == lost
    assert {item.member for item in found if item.kind is DifferenceKind.CHANGED} <= CHANGED


def test_every_transcript_is_used() -> None:
    files = {str(file.relative_to(TRANSCRIPTS))[:-5] for file in TRANSCRIPTS.glob("*/*.json")}
    tables = {*SUCCESSES, *REFUSALS, *DELETIONS, *SECOND_DELETIONS, *DISCOVERY, NO_DISCOVERY}
    assert files == tables
