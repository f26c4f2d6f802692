"""What a preview can know to be refused, though the resource can be read.

The API server checks its rules where it is applied; here the same questions are asked without
one. What only the provider can judge is left to the provider.
"""

import re
from collections.abc import Iterator
from typing import Final

from dcr_operator.provider_origins import OriginRefusedError, origin_of
from dcr_operator.resources import AnyProvider, ClusterOAuthProvider, OAuthClient
from dcr_operator.resources.cel import CLUSTER_LOCAL_SUFFIXES, LOOPBACK_HOSTS
from dcr_operator.resources.parsing import Problem
from dcr_protocol.client_metadata import ClientMetadata
from dcr_protocol.errors import ProtocolError
from dcr_protocol.rules import MetadataRules, check_client_metadata

# Both are the provider's to decide: its policy may allow them.
_RULES: Final = MetadataRules(allow_http_redirect_uris=True, allow_schemes_without_dot=True)
_ANY_KEY: Final = {"kty": "EC", "crv": "P-256", "x": "", "y": ""}
_ORIGIN: Final = re.compile(r"[^/]*//[^/?#@]+")


def client_problems(client: OAuthClient) -> tuple[Problem, ...]:
    """Return the first rule of RFC 7591 and OIDCR that the metadata breaks, if any."""
    try:
        check_client_metadata(_with_any_key(client), _RULES)
    except ProtocolError as error:
        return (Problem("spec.clientMetadata", f"is not valid: {error.description}"),)
    return ()


def _with_any_key(client: OAuthClient) -> ClientMetadata:
    """The operator makes the keys that the metadata lack; any will do here."""
    metadata = client.spec.client_metadata
    if client.spec.client_keys is None or metadata.jwks is not None:
        return metadata
    return metadata.model_copy(update={"jwks": {"keys": [dict(_ANY_KEY)]}})


def provider_problems(provider: AnyProvider) -> tuple[Problem, ...]:
    return tuple(_provider_problems(provider))


def _provider_problems(provider: AnyProvider) -> Iterator[Problem]:
    spec = provider.spec
    # RFC 8414 §2: the issuer has no query or fragment components.
    yield from _url_problems("spec.issuer", spec.issuer, without="?#")
    if spec.registration_endpoint is not None:
        yield from _url_problems(
            "spec.registrationEndpoint", spec.registration_endpoint, without="#"
        )
    for position, origin in enumerate(spec.allowed_origins):
        yield from _origin_problems(f"spec.allowedOrigins[{position}]", origin)
    if isinstance(provider, ClusterOAuthProvider) and provider.spec.backchannel_origin is not None:
        yield from _origin_problems(
            "spec.backchannelOrigin", provider.spec.backchannel_origin, CLUSTER_LOCAL_SUFFIXES
        )


def _origin_problems(path: str, url: str, plain: tuple[str, ...] = ()) -> Iterator[Problem]:
    if _ORIGIN.fullmatch(url) is None:
        yield Problem(path, "must be an origin such as https://id.example.com, without a path")
    else:
        yield from _url_problems(path, url, plain=plain)


def _url_problems(
    path: str, url: str, *, without: str = "", plain: tuple[str, ...] = ()
) -> Iterator[Problem]:
    """`plain` are the ends of the names that may be reached by http, beside loopback."""
    try:
        origin = origin_of(url)
    except OriginRefusedError as error:
        yield Problem(path, f"is not valid: {error}")
        return
    may_be_plain = origin.host in LOOPBACK_HOSTS or origin.host.endswith(plain)
    if origin.scheme != "https" and not may_be_plain:
        where = " and ".join(("loopback addresses", *(f"names in {end}" for end in plain)))
        yield Problem(path, f"must be an https URL (http is for {where} only)")
    if not set(without).isdisjoint(url):
        yield Problem(path, f"must not contain {' or '.join(without)}")
