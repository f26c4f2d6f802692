"""Which addresses of a provider a request, and a token, may go to.

Pure. The configured origins are the issuer's, the backchannel's, the configured
registration endpoint's and the allowed ones; a URL from the provider's own answers
counts only if it lies there.
"""

import ipaddress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit, urlunsplit

from dcr_operator.ports import ProviderConnection
from dcr_protocol.response_errors import clean_text

_PORTS = {"https": 443, "http": 80}
_IN_CLUSTER = (".svc", ".svc.cluster.local")


class OriginRefusedError(Exception):
    """Raised for a URL that nothing may be sent to; the text is safe to show."""


@dataclass(frozen=True, slots=True)
class Origin:
    """RFC 6454 §4: scheme, host and port."""

    scheme: str
    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def is_in_cluster(self) -> bool:
        return self.host.endswith(_IN_CLUSTER)


def origin_of(url: str) -> Origin:
    """Raises OriginRefusedError for what is no absolute http or https URL."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise OriginRefusedError("it is not a URL") from None
    scheme = parts.scheme.lower()
    if scheme not in _PORTS or not parts.hostname:
        raise OriginRefusedError("it is not an absolute https URL")
    if parts.username is not None or parts.password is not None:
        raise OriginRefusedError("it holds credentials")
    return Origin(scheme, parts.hostname.lower(), port or _PORTS[scheme])


def url_to_send_to(connection: ProviderConnection, url: str) -> str:
    """The URL, on the backchannel if it is the issuer's own.

    Raises OriginRefusedError when its origin is not configured, or not protected by TLS.
    """
    origin = origin_of(url)
    if origin not in _configured(connection):
        raise OriginRefusedError(_refusal(connection, origin))
    backchannel = _backchannel(connection)
    if backchannel is not None and origin == origin_of(connection.issuer):
        url = _moved(url, backchannel)
    _require_protection(connection, origin_of(url))
    return url


def _refusal(connection: ProviderConnection, origin: Origin) -> str:
    if connection.hardened:
        # The URL is the provider's word, and the provider a tenant's.
        return "its origin is neither the issuer's nor one of spec.allowedOrigins"
    return clean_text(f"origin {origin.scheme}://{origin.host}:{origin.port} is not allowed")


def _backchannel(connection: ProviderConnection) -> str | None:
    """A tenant's provider has none: it would lead into the cluster."""
    return None if connection.hardened else connection.backchannel_origin


def _configured(connection: ProviderConnection) -> set[Origin]:
    urls = [connection.issuer, *connection.allowed_origins]
    if connection.registration_endpoint is not None:
        urls.append(connection.registration_endpoint)
    backchannel = _backchannel(connection)
    if backchannel is not None:
        urls.append(backchannel)
    return {origin_of(url) for url in urls}


def _require_protection(connection: ProviderConnection, origin: Origin) -> None:
    if origin.scheme == "https":
        return
    if origin.is_loopback and connection.allow_loopback:
        return
    backchannel = _backchannel(connection)
    if backchannel is not None and origin == origin_of(backchannel) and origin.is_in_cluster:
        return
    raise OriginRefusedError(f"http://{origin.host}:{origin.port} is not protected by TLS")


def _moved(url: str, origin: str) -> str:
    target = urlsplit(origin)
    parts = urlsplit(url)
    moved = SplitResult(target.scheme, target.netloc, parts.path, parts.query, "")
    return urlunsplit(moved)
