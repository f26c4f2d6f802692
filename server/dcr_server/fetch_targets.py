"""What may be fetched, decided without doing it: URLs, host names, addresses (S-170, S-171)."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dcr_protocol.addresses import is_loopback, is_private_use, is_public
from dcr_protocol.uris import flaw_in_url, split_uri

_HTTPS: Final = frozenset({"https"})
_HTTPS_PORT: Final = 443
_LONGEST_URL: Final = 2048
_HOST: Final = re.compile(
    r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*"
)
# WHATWG URL §3.5: resolvers take 2130706433, 0x7f.1 and 0177.0.0.1 for addresses.
_ENDS_IN_A_NUMBER: Final = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")


class FetchError(Exception):
    """A document could not be had. The text is public: it tells nothing about our network."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a document is: the name that TLS must prove, and what to ask it for."""

    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """RFC 9110 §7.2: the value of Host."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _HTTPS_PORT else f"{host}:{self.port}"


def parse_target(url: str) -> Target:
    """Take apart an https URL that has one meaning only.

    Raises FetchError.
    """
    flaw = flaw_in_url(url, schemes=_HTTPS)
    uri = split_uri(url)
    if flaw is not None or uri is None or len(url) > _LONGEST_URL:
        raise FetchError(f"the URL {flaw or 'is too long'}")
    host = uri.host.removeprefix("[").removesuffix("]")
    if not is_address(host) and (
        not _HOST.fullmatch(host) or _ENDS_IN_A_NUMBER.fullmatch(host) is not None
    ):
        raise FetchError("the URL has no usable host")
    path = (uri.path or "/") + ("" if uri.query is None else f"?{uri.query}")
    return Target(host, _HTTPS_PORT if uri.port is None else uri.port, path)


def checked_addresses(
    host: str, addresses: Sequence[str], allowed_hosts: Sequence[str]
) -> tuple[str, ...]:
    """Return the addresses to connect to, in their order.

    A host outside `allowed_hosts` must have public addresses only: else an attacker would add a
    public one beside that of a victim. An entry that begins with a dot allows all names below it
    addresses of private use; another entry is one exact host and allows it loopback, too. Metadata
    services and groups are never reached.

    Raises FetchError, the same for a name that does not exist: who asks does not learn which names
    there are inside.
    """
    exactly = host in allowed_hosts
    below = any(entry.startswith(".") and host.endswith(entry) for entry in allowed_hosts)
    parsed = [ipaddress.ip_address(address) for address in addresses]
    fit = [
        is_public(address)
        or ((exactly or below) and is_private_use(address))
        or (exactly and is_loopback(address))
        for address in parsed
    ]
    if not fit or not all(fit):
        raise FetchError("the host name does not resolve to public addresses only")
    return tuple(dict.fromkeys(addresses))


def parse_allowed_host(text: str) -> str:
    """Read an entry of `fetch_allowed_hosts`.

    Raises ValueError.
    """
    entry = text.strip().lower().removesuffix(".")
    name = entry.removeprefix(".").removeprefix("[").removesuffix("]")
    if not is_address(name) and not _HOST.fullmatch(name):
        raise ValueError(
            f"{text!r} is no host: give a name such as keys.internal.example, or an ending "
            "such as .svc.cluster.local"
        )
    return f".{name}" if entry.startswith(".") else name


def is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
