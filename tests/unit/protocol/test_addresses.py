import ipaddress

import pytest

from dcr_protocol.addresses import is_loopback, is_private_use, is_public, unmapped

# First and last address of every range in the registries of IANA, and some in between.
SPECIAL_USE = {
    "this network": ("0.0.0.0", "0.0.0.1", "0.255.255.255"),  # noqa: S104 - nothing is bound
    "private use 10/8": ("10.0.0.0", "10.96.0.1", "10.255.255.255"),
    "shared address space": ("100.64.0.0", "100.100.100.200", "100.127.255.255"),
    "loopback": ("127.0.0.0", "127.0.0.1", "127.255.255.255"),
    "platform services of Azure": ("168.63.129.16",),
    "link local and metadata services": ("169.254.0.0", "169.254.169.254", "169.254.255.255"),
    "private use 172.16/12": ("172.16.0.0", "172.31.255.255"),
    "protocol assignments": ("192.0.0.0", "192.0.0.9", "192.0.0.192", "192.0.0.255"),
    "documentation 1": ("192.0.2.0", "192.0.2.255"),
    "AS112": ("192.31.196.0", "192.31.196.255", "192.175.48.0", "192.175.48.255"),
    "AMT": ("192.52.193.0", "192.52.193.255"),
    "6to4 relays": ("192.88.99.0", "192.88.99.255"),
    "private use 192.168/16": ("192.168.0.0", "192.168.255.255"),
    "benchmarks": ("198.18.0.0", "198.19.255.255"),
    "documentation 2": ("198.51.100.0", "198.51.100.255"),
    "documentation 3": ("203.0.113.0", "203.0.113.255"),
    "multicast": ("224.0.0.0", "224.0.0.251", "239.255.255.255"),
    "reserved": ("240.0.0.0", "255.255.255.254", "255.255.255.255"),
    "unspecified v6": ("::",),
    "loopback v6": ("::1",),
    "mapped": ("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0.0.0.0"),
    "compatible": ("::7f00:1", "::10.0.0.1", "::8.8.8.8"),
    "translated (SIIT)": ("::ffff:0:127.0.0.1", "::ffff:0:8.8.8.8"),
    "NAT64": ("64:ff9b::7f00:1", "64:ff9b::169.254.169.254", "64:ff9b::8.8.8.8"),
    "local NAT64": ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"),
    "discard": ("100::", "100::ffff:ffff:ffff:ffff", "100:0:0:1::1"),
    "Teredo": ("2001::", "2001:0:7f00:1::1", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff"),
    "protocol assignments v6": ("2001:1::1", "2001:2::", "2001:20::1", "2001:1ff:ffff::"),
    "documentation v6": ("2001:db8::", "2001:db8:ffff::1", "3fff::", "3fff:fff:ffff::"),
    "6to4": ("2002::", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:ffff:ffff::"),
    "AS112 v6": ("2620:4f:8000::", "2620:4f:8000:ffff::1"),
    "segment routing": ("5f00::", "5f00:ffff::1"),
    "ISATAP": ("2606:2800:220:1:0:5efe:10.0.0.1", "2606:2800:220:1:200:5efe:127.0.0.1"),
    "unique local": ("fc00::", "fd00:ec2::254", "fdff:ffff:ffff:ffff::1"),
    "link local v6": ("fe80::", "fe80::1", "fe80::1%eth0", "febf:ffff::1"),
    "site local": ("fec0::", "feff:ffff::1"),
    "multicast v6": ("ff00::", "ff02::1", "ff0e::1", "ffff:ffff::1"),
    "never handed out": ("1::1", "4000::1", "8000::1", "e000::1"),
    "public by number, bound to an interface": ("2606:2800:220:1::1%eth0",),
}
PUBLIC = (
    *("1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "93.184.215.14", "100.63.255.255"),
    *("100.128.0.0", "126.255.255.255", "128.0.0.0", "168.63.129.15", "169.253.255.255"),
    *("172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0", "192.0.3.0"),
    *("192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255"),
    *("::ffff:8.8.8.8", "2001:200::", "2001:4860:4860::8888", "2003::1", "2606:4700::1111"),
    *("2a00:1450::1", "3ffe::1"),
)


@pytest.mark.parametrize(
    "address",
    [pytest.param(one, id=f"{why} {one}") for why, all_ in SPECIAL_USE.items() for one in all_],
)
def test_s170_an_address_of_special_use_is_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_the_neighbours_of_special_ranges_are_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    ["10.96.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "fd00::1", "::ffff:10.0.0.1"],
)
def test_a_host_of_ones_own_network_is_of_private_use(address: str) -> None:
    assert is_private_use(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::", "224.0.0.1"),  # noqa: S104
        *("169.254.169.254", "fe80::1", "100.100.100.200", "fd00:ec2::254", "fd20:ce::254"),
        *("::ffff:169.254.169.254", "64:ff9b::10.0.0.1", "2002:a00:1::", "8.8.8.8", "2a00:1450::1"),
    ],
)
def test_loopback_metadata_groups_and_public_hosts_are_not_of_private_use(address: str) -> None:
    assert not is_private_use(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        *(("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("::ffff:127.0.0.1", True)),
        *(("128.0.0.1", False), ("::2", False), ("::127.0.0.1", False)),
    ],
)
def test_loopback_is_recognised_in_every_form(address: str, *, expected: bool) -> None:
    assert is_loopback(ipaddress.ip_address(address)) is expected


def test_a_mapped_address_is_the_one_within() -> None:
    mapped, plain = (ipaddress.ip_address(one) for one in ("::ffff:10.1.2.3", "2a00::1"))
    assert unmapped(mapped) == ipaddress.ip_address("10.1.2.3")
    assert unmapped(plain) is plain
