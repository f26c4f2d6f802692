import ipaddress

import pytest

from dcr_protocol.addresses import is_loopback, is_private_use, is_public, unmapped
from tests.unit.protocol.special_use import SPECIAL_USE

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
