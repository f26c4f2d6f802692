"""For which address a request is made: the peer's, or what trusted proxies tell (RFC 7239 §5.2).

The rightmost address that is not a trusted proxy's counts: what is left of it anybody can write.
Whatever cannot be read, or is told in two ways that differ, leaves the peer's address.
"""

import functools
import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_SITE_PREFIX: Final = 64
_KNOWN: Final = 1024
# RFC 7239 §4: pairs of a token and a token or quoted string, by semicolons; elements by commas.
_TOKEN: Final = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_QUOTED: Final = r'"(?:[^"\\]|\\.)*"'
_PAIR: Final = rf"({_TOKEN})=({_TOKEN}|{_QUOTED})"
_ELEMENT: Final = re.compile(rf"[ \t]*(?:{_PAIR}(?:;{_PAIR})*[ \t]*)?(?:,|\Z)")
_PAIRS: Final = re.compile(_PAIR)
_ESCAPED: Final = re.compile(r"\\(.)")
_WITH_PORT: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::[0-9]{1,5})?", re.ASCII)


def client_address(
    peer: str,
    trusted: Sequence[Network],
    *,
    forwarded: Sequence[str] = (),
    x_forwarded_for: Sequence[str] = (),
) -> Address | None:
    """Return whom a request comes from; None where not even the peer has an address.

    `forwarded` and `x_forwarded_for` hold every header of that name, in their order.
    """
    address = _address(peer)
    if address is None or not _is_in(address, trusted):
        return address
    told = {
        _rightmost_untrusted(elements, trusted)
        for headers, elements in (
            (forwarded, _forwarded_for(forwarded)),
            (x_forwarded_for, _listed(x_forwarded_for)),
        )
        if headers
    }
    # A proxy that writes one of the headers may hand on the other as the client made it up.
    return (told.pop() if len(told) == 1 else None) or address


@functools.lru_cache(maxsize=_KNOWN)
def written_address(peer: str) -> str:
    """Write the address of a peer that no proxy speaks for; empty where it has none."""
    address = _address(peer)
    return "" if address is None else str(address)


def address_group(address: Address | None) -> str:
    """Name who shares a rate: an IPv4 address, or the /64 that one IPv6 site has to itself."""
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((address, _SITE_PREFIX), strict=False))
    return "" if address is None else str(address)


def _rightmost_untrusted(
    elements: Iterable[str | None], trusted: Sequence[Network]
) -> Address | None:
    """Read from the right; None for what cannot be read on the way."""
    address = None
    for element in elements:
        address = None if element is None else _address_without_port(element)
        if address is None or not _is_in(address, trusted):
            return address
    return address


def _listed(headers: Sequence[str]) -> Iterator[str]:
    for header in reversed(headers):
        for element in reversed(header.split(",")):
            yield element.strip(" \t")


def _forwarded_for(headers: Sequence[str]) -> Iterator[str | None]:
    """Yield the values of `for`, the last first; None stands for what is not as RFC 7239 §4."""
    for header in reversed(headers):
        elements = _elements(header)
        yield from [None] if elements is None else reversed(elements)


def _elements(header: str) -> list[str | None] | None:
    found: list[str | None] = []
    position = 0
    while position < len(header):
        match = _ELEMENT.match(header, position)
        if match is None:
            return None
        found.append(_for(match[0]))
        position = match.end()
    return found


def _for(element: str) -> str | None:
    values = [value for name, value in _PAIRS.findall(element) if name.lower() == "for"]
    if len(values) != 1:
        return None
    value = str(values[0])
    return _ESCAPED.sub(r"\1", value[1:-1]) if value.startswith('"') else value


def _address_without_port(text: str) -> Address | None:
    match = _WITH_PORT.fullmatch(text)
    return _address(text if match is None else match[1] or match[2])


# Most requests come from addresses that came before.
@functools.lru_cache(maxsize=_KNOWN)
def _address(text: str) -> Address | None:
    # A zone names an interface of whoever wrote it.
    if "%" in text:
        return None
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    # RFC 4291 §2.5.5.2: IPv4 through a socket of both families.
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)
