"""Cross-field rules of client metadata: RFC 7591 §2.1 and §5, OIDCR §2, RFC 8705 §2.1.2.

`check_client_metadata` is what the server does with a parsed request before it stores it, and
what the operator may do before it sends one. What a policy allows is not decided here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from dcr_protocol.algorithms import check_algorithms, content_encryption_defaults
from dcr_protocol.certificate_names import FLAWS_IN_CERTIFICATE_NAMES
from dcr_protocol.client_keys import check_client_keys
from dcr_protocol.client_uris import (
    check_pages_on_redirect_hosts,
    check_redirect_uris,
    check_uris,
)
from dcr_protocol.errors import InvalidClientMetadata
from dcr_protocol.frozen import dataclass
from dcr_protocol.grants import complete_grants, uses_implicit
from dcr_protocol.redirect_uris import RedirectUriRules
from dcr_protocol.vocabulary import (
    APPLICATION_TYPES,
    CIBA,
    DEFAULT_APPLICATION_TYPE,
    DEFAULT_AUTH_METHOD,
    DELIVERY_MODES,
    SUBJECT_TYPES,
    TLS_CLIENT_AUTH,
    TLS_CLIENT_AUTH_MEMBERS,
)

if TYPE_CHECKING:
    from dcr_protocol.client_metadata import ClientMetadata

# RFC 6749 §3.3
_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*")


@dataclass(frozen=True, slots=True)
class MetadataRules:
    """The switches that the standards leave to a server."""

    # S-044: http redirect URIs of web clients with the code flow, beyond loopback.
    allow_http_redirect_uris: bool = False
    # S-046: private-use schemes without a dot, such as cursor://.
    allow_schemes_without_dot: bool = False
    # S-172: logo, terms and the like from where the browser is sent back to.
    pages_on_redirect_hosts: bool = False
    # S-071: a server that does not process software statements drops them.
    keep_software_statement: bool = False


DEFAULT_RULES: Final = MetadataRules()


def check_client_metadata(
    metadata: ClientMetadata, rules: MetadataRules = DEFAULT_RULES
) -> ClientMetadata:
    """Provision defaults (S-022) and apply every rule that needs no policy and no fetching.

    Idempotent: what it returns passes again, unchanged.

    Raises InvalidRedirectUri or InvalidClientMetadata for the first rule that is broken.
    """
    complete = _with_defaults(metadata, rules)
    _check_words(complete)
    check_redirect_uris(complete, _redirect_uri_rules(complete, rules))
    check_uris(complete)
    if rules.pages_on_redirect_hosts:
        check_pages_on_redirect_hosts(complete)
    check_client_keys(complete)
    check_algorithms(complete)
    _check_tls_client_auth(complete)
    _check_backchannel_authentication(complete)
    return complete


def is_scope(text: str) -> bool:
    return _SCOPE.fullmatch(text) is not None


def _with_defaults(metadata: ClientMetadata, rules: MetadataRules) -> ClientMetadata:
    grant_types, response_types = complete_grants(metadata.grant_types, metadata.response_types)
    provisioned: dict[str, object] = {
        "grant_types": grant_types,
        "response_types": response_types,
        "token_endpoint_auth_method": metadata.token_endpoint_auth_method or DEFAULT_AUTH_METHOD,
        "application_type": metadata.application_type or DEFAULT_APPLICATION_TYPE,
        **content_encryption_defaults(metadata),
    }
    if metadata.software_statement is not None and not rules.keep_software_statement:
        provisioned["software_statement"] = None
    return metadata.with_members(provisioned)


def _check_words(metadata: ClientMetadata) -> None:
    for member, known in (
        ("application_type", APPLICATION_TYPES),
        ("subject_type", SUBJECT_TYPES),
        ("backchannel_token_delivery_mode", DELIVERY_MODES),
    ):
        value = getattr(metadata, member)
        if value is not None and value not in known:
            raise InvalidClientMetadata(f"{member} must be {' or '.join(known)}")
    if metadata.scope is not None and not is_scope(metadata.scope):
        raise InvalidClientMetadata("scope must hold values with one space between them")


def _redirect_uri_rules(metadata: ClientMetadata, rules: MetadataRules) -> RedirectUriRules:
    return RedirectUriRules(
        application_type=metadata.application_type or DEFAULT_APPLICATION_TYPE,
        uses_implicit=uses_implicit(metadata.response_types or ()),
        allow_http=rules.allow_http_redirect_uris,
        allow_schemes_without_dot=rules.allow_schemes_without_dot,
    )


def _check_tls_client_auth(metadata: ClientMetadata) -> None:
    # RFC 8705 §2.1.2: exactly one way to recognize the certificate.
    if metadata.token_endpoint_auth_method == TLS_CLIENT_AUTH:
        given = [member for member in TLS_CLIENT_AUTH_MEMBERS if getattr(metadata, member)]
        if len(given) != 1:
            raise InvalidClientMetadata(
                "tls_client_auth needs exactly one of " + ", ".join(TLS_CLIENT_AUTH_MEMBERS)
            )
    if FLAWS_IN_CERTIFICATE_NAMES.keys().isdisjoint(metadata.model_fields_set):
        return
    for member, flaw in FLAWS_IN_CERTIFICATE_NAMES.items():
        name = getattr(metadata, member)
        if name is not None and flaw(name):
            raise InvalidClientMetadata(f"{member} {flaw(name)}")


def _check_backchannel_authentication(metadata: ClientMetadata) -> None:
    # CIBA §4
    mode = metadata.backchannel_token_delivery_mode
    if CIBA in (metadata.grant_types or ()) and mode is None:
        raise InvalidClientMetadata(f"{CIBA} needs backchannel_token_delivery_mode")
    if mode in {"ping", "push"} and metadata.backchannel_client_notification_endpoint is None:
        raise InvalidClientMetadata(
            f"the delivery mode {mode} needs backchannel_client_notification_endpoint"
        )
