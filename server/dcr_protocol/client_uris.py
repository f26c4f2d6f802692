"""Every URI in client metadata, checked without fetching (S-040, S-150 to S-153, S-163, S-170)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from dcr_protocol.errors import InvalidClientMetadata, InvalidRedirectUri
from dcr_protocol.redirect_uris import RedirectUriRules, flaw_in_redirect_uri
from dcr_protocol.uris import flaw_in_url, split_uri
from dcr_protocol.vocabulary import (
    CIBA,
    HTTPS_URI_LIST_MEMBERS,
    HTTPS_URI_MEMBERS,
    PAGE_URI_MEMBERS,
    PAIRWISE,
    REDIRECT_GRANTS,
    SHOWN_URI_MEMBERS,
    WITHOUT_FRAGMENT,
)

if TYPE_CHECKING:
    from dcr_protocol.client_metadata import ClientMetadata

_PAGE_SCHEMES: Final = frozenset({"http", "https"})
_HTTPS: Final = frozenset({"https"})
_SCALAR_MEMBERS: Final = (
    *((member, _PAGE_SCHEMES) for member in sorted(PAGE_URI_MEMBERS)),
    *((member, _HTTPS) for member in sorted(HTTPS_URI_MEMBERS)),
)
# Most clients have redirection URIs and no other: then there is nothing to look at.
_CONCERNED: Final = frozenset(
    {
        *PAGE_URI_MEMBERS,
        *HTTPS_URI_MEMBERS,
        *HTTPS_URI_LIST_MEMBERS,
        "localized",
        "subject_type",
    }
)


def check_redirect_uris(metadata: ClientMetadata, rules: RedirectUriRules) -> None:
    """Apply `redirect_uris` to each URI, and require one where a grant redirects (S-040, S-052).

    Raises InvalidRedirectUri, or InvalidClientMetadata for post_logout_redirect_uris.
    """
    if not metadata.redirect_uris and not REDIRECT_GRANTS.isdisjoint(metadata.grant_types or ()):
        raise InvalidRedirectUri("redirect_uris is needed for authorization_code and implicit")
    for position, uri in enumerate(metadata.redirect_uris or ()):
        flaw = flaw_in_redirect_uri(uri, rules)
        if flaw is not None:
            raise InvalidRedirectUri(f"redirect_uris[{position}] {flaw}")
    if metadata.post_logout_redirect_uris:
        _check_post_logout(metadata.post_logout_redirect_uris, rules)


def _check_post_logout(uris: tuple[str, ...], rules: RedirectUriRules) -> None:
    # No token travels to these.
    after_logout = replace(rules, uses_implicit=False)
    for position, uri in enumerate(uris):
        flaw = flaw_in_redirect_uri(uri, after_logout)
        if flaw is not None:
            raise InvalidClientMetadata(f"post_logout_redirect_uris[{position}] {flaw}")


def check_uris(metadata: ClientMetadata) -> None:
    """Check all other URI members, localized ones included (S-163).

    Raises InvalidClientMetadata.
    """
    if _CONCERNED.isdisjoint(metadata.model_fields_set):
        return
    values = metadata.__dict__
    for member, schemes in _SCALAR_MEMBERS:
        uri = values[member]
        if uri is not None:
            _check_url(member, uri, schemes)
    for member in HTTPS_URI_LIST_MEMBERS:
        for position, uri in enumerate(values[member] or ()):
            _check_url(f"{member}[{position}]", uri, _HTTPS)
    for member, uri in (metadata.localized or {}).items():
        if member.partition("#")[0] in PAGE_URI_MEMBERS:
            _check_url(member, uri, _PAGE_SCHEMES)
    _check_frontchannel_logout(metadata)
    _check_sector(metadata)


def check_pages_on_redirect_hosts(metadata: ClientMetadata) -> None:
    """RFC 7591 §5: nobody shows the logo or the terms of another site as its own (S-172).

    Without redirection URIs there is no site to compare with.

    Raises InvalidClientMetadata.
    """
    redirects = [split_uri(uri) for uri in metadata.redirect_uris or ()]
    sites = {(uri.scheme, uri.host) for uri in redirects if uri is not None}
    pages = {member: metadata.__dict__[member] for member in sorted(SHOWN_URI_MEMBERS)}
    for member, text in (pages | (metadata.localized or {})).items():
        page = split_uri(text or "")
        if page is None or member.partition("#")[0] not in SHOWN_URI_MEMBERS or not sites:
            continue
        if (page.scheme, page.host) not in sites:
            raise InvalidClientMetadata(f"{member} must have scheme and host of a redirection URI")


def _check_url(member: str, text: str, schemes: frozenset[str]) -> None:
    flaw = flaw_in_url(text, schemes=schemes)
    if flaw is None and member in WITHOUT_FRAGMENT and "#" in text:
        flaw = "must not have a fragment"
    if flaw is not None:
        raise InvalidClientMetadata(f"{member} {flaw}")


def _check_frontchannel_logout(metadata: ClientMetadata) -> None:
    # OIDC Front-Channel Logout §2: of the same origin as one of the redirection URIs.
    logout = split_uri(metadata.frontchannel_logout_uri or "")
    if logout is None:
        return
    redirects = [split_uri(uri) for uri in metadata.redirect_uris or ()]
    if all(uri is None or uri.origin != logout.origin for uri in redirects):
        raise InvalidClientMetadata(
            "frontchannel_logout_uri must have scheme, host and port of a redirection URI"
        )


def _check_sector(metadata: ClientMetadata) -> None:
    # OIDC Core §8.1: the host of the redirection URIs is the sector, unless a document says.
    if metadata.subject_type != PAIRWISE or metadata.sector_identifier_uri is not None:
        return
    redirects = [split_uri(uri) for uri in metadata.redirect_uris or ()]
    if len({uri.host for uri in redirects if uri is not None}) > 1:
        raise InvalidClientMetadata(
            "pairwise subjects over several hosts need sector_identifier_uri"
        )
    # CIBA §4: without redirection URIs the sector comes from jwks_uri.
    if not redirects and CIBA in (metadata.grant_types or ()) and metadata.jwks_uri is None:
        raise InvalidClientMetadata("pairwise subjects with CIBA need a URI that gives the sector")
