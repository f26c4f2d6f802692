"""Which IP addresses are public: RFC 6890 and the special-purpose registries of IANA (S-170).

A URL that somebody else supplied could lead to loopback, into the cluster or to the cloud's
metadata service. What is special by any registry is not public here, also where a registry calls
it globally reachable: nobody publishes a document there.
"""

from __future__ import annotations

import ipaddress
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Listed here and not asked of `ipaddress`: its answers differ between versions of Python.
_SPECIAL_IPV4: Final = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8",  # this network, RFC 791
            "10.0.0.0/8",  # private use, RFC 1918
            "100.64.0.0/10",  # shared address space, RFC 6598
            "127.0.0.0/8",  # loopback, RFC 1122
            "168.63.129.16/32",  # Azure's platform services, public by its number only
            "169.254.0.0/16",  # link local, metadata services among them, RFC 3927
            "172.16.0.0/12",  # private use, RFC 1918
            "192.0.0.0/24",  # protocol assignments, RFC 6890
            "192.0.2.0/24",  # documentation, RFC 5737
            "192.31.196.0/24",  # AS112, RFC 7535
            "192.52.193.0/24",  # AMT, RFC 7450
            "192.88.99.0/24",  # 6to4 relays, RFC 7526
            "192.168.0.0/16",  # private use, RFC 1918
            "192.175.48.0/24",  # AS112, RFC 7534
            "198.18.0.0/15",  # benchmarks, RFC 2544
            "198.51.100.0/24",  # documentation, RFC 5737
            "203.0.113.0/24",  # documentation, RFC 5737
            "224.0.0.0/4",  # multicast, RFC 5771
            "240.0.0.0/4",  # reserved, limited broadcast among them, RFC 1112
        ),
    )
)

# RFC 4291 §2.4, IANA: what has been handed out as global unicast. All else, mapped, translated
# and site-local addresses with it, is not public whatever its name says.
_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
_SPECIAL_IPV6: Final = tuple(
    map(
        ipaddress.IPv6Network,
        (
            "2001::/23",  # protocol assignments, Teredo and ORCHID among them, RFC 2928
            "2001:db8::/32",  # documentation, RFC 3849
            "2002::/16",  # 6to4: leads to an IPv4 address, RFC 3056
            "2620:4f:8000::/48",  # AS112, RFC 7534
            "3fff::/20",  # documentation, RFC 9637
        ),
    )
)
# RFC 5214 §6.1: ISATAP interface identifiers lead to the IPv4 address in their lower half.
_ISATAP: Final = frozenset({0x00005EFE, 0x02005EFE})

_PRIVATE_USE: Final = tuple(
    map(
        ipaddress.ip_network,
        ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),
    )
)
# Where clouds hand out credentials to whoever asks from within.
_METADATA_SERVICES: Final = tuple(
    map(ipaddress.ip_network, ("100.100.100.200/32", "fd00:ec2::/32", "fd20:ce::254/128"))
)


def is_public(address: Address) -> bool:
    """Whether a host that is reached by this address is one of the public Internet."""
    plain = unmapped(address)
    if isinstance(plain, ipaddress.IPv4Address):
        return not any(plain in network for network in _SPECIAL_IPV4)
    if plain.scope_id is not None or plain not in _GLOBAL_UNICAST:
        return False
    if (int(plain) >> 32) & 0xFFFFFFFF in _ISATAP:
        return False
    return not any(plain in network for network in _SPECIAL_IPV6)


def is_private_use(address: Address) -> bool:
    """Whether it can be a host of one's own network; loopback and metadata services are not."""
    plain = unmapped(address)
    return any(plain in network for network in _PRIVATE_USE) and not any(
        plain in network for network in _METADATA_SERVICES
    )


def is_loopback(address: Address) -> bool:
    """Whether it is this very host, mapped forms included."""
    return unmapped(address).is_loopback


def unmapped(address: Address) -> Address:
    """RFC 4291 §2.5.5.2: `::ffff:a.b.c.d` is a way to write an IPv4 address."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
