"""For whom a request comes: proxies are believed where they are trusted, and no further."""

import ipaddress
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcr_server.client_addresses import address_group, client_address

PROXY = "10.0.0.1"
TRUSTED = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8"))
CLIENT = "203.0.113.5"


def address(
    peer: str, forwarded: Sequence[str] = (), x_forwarded_for: Sequence[str] = ()
) -> str | None:
    found = client_address(peer, TRUSTED, forwarded=forwarded, x_forwarded_for=x_forwarded_for)
    return None if found is None else str(found)


@pytest.mark.parametrize(
    ("x_forwarded_for", "client"),
    [
        ([CLIENT], CLIENT),
        (["2001:db8::1"], "2001:db8::1"),
        ([f"{CLIENT}:47011"], CLIENT),
        (["[2001:db8::1]:47011"], "2001:db8::1"),
        (["[2001:db8::1]"], "2001:db8::1"),
        (["::ffff:203.0.113.5"], CLIENT),
        (["198.51.100.1, 203.0.113.5"], CLIENT),
        (["198.51.100.1,203.0.113.5,10.1.1.1"], CLIENT),
        (["198.51.100.1", "203.0.113.5"], CLIENT),
        (["10.2.2.2, 10.1.1.1"], "10.2.2.2"),
        (["fd00::2"], "fd00::2"),
    ],
)
def test_the_rightmost_address_that_is_no_trusted_proxy_counts(
    x_forwarded_for: Sequence[str], client: str
) -> None:
    assert address(PROXY, x_forwarded_for=x_forwarded_for) == client


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        (["for=203.0.113.5"], CLIENT),
        (["For=203.0.113.5"], CLIENT),
        (['for="203.0.113.5:47011"'], CLIENT),
        (['for="[2001:db8::1]"'], "2001:db8::1"),
        (['for="[2001:db8::1]:47011"'], "2001:db8::1"),
        (["proto=https;for=203.0.113.5;by=10.0.0.1"], CLIENT),
        (["for=198.51.100.1, for=203.0.113.5"], CLIENT),
        (["for=198.51.100.1", "for=203.0.113.5 , for=10.1.1.1"], CLIENT),
        ([r'for="203.0.113.\5"'], CLIENT),
        (['by="a, for=198.51.100.1";for=203.0.113.5'], CLIENT),
    ],
)
def test_forwarded_is_read_as_its_standard_says(forwarded: Sequence[str], client: str) -> None:
    assert address(PROXY, forwarded) == client


@pytest.mark.parametrize(
    "told",
    [
        "",
        " ",
        "unknown",
        "_hidden",
        "example.com",
        "203.0.113.5 evil",
        "203.0.113",
        "0313.0.113.5",
        "3405803781",
        "0xcb007105",
        "fe80::1%eth0",
        "[203.0.113.5",
        "[2001:db8::1]:port",
        "203.0.113.5:999999",
        "203.0.113.5\r\n",
        "\uff12\uff10\uff13.0.113.5",
    ],
)
def test_what_cannot_be_read_leaves_the_peer(told: str) -> None:
    assert address(PROXY, x_forwarded_for=[told]) == PROXY
    assert address(PROXY, x_forwarded_for=[f"{CLIENT}, {told}"]) == PROXY
    assert address(PROXY, [f"for={told}"]) == PROXY
    assert address(PROXY, [f'for="{told}"']) == PROXY


@pytest.mark.parametrize(
    "forwarded",
    [
        "203.0.113.5",
        "for",
        "for=",
        "for:203.0.113.5",
        "by=203.0.113.5",
        "for=203.0.113.5;for=198.51.100.1",
        "for=203.0.113.5 by=10.0.0.1",
        "for = 203.0.113.5",
        'for="203.0.113.5',
        "for=[2001:db8::1]",
        ",",
    ],
)
def test_a_header_that_is_not_as_its_standard_says_leaves_the_peer(forwarded: str) -> None:
    assert address(PROXY, [forwarded]) == PROXY


@pytest.mark.parametrize("peer", ["203.0.113.9", "2001:db8::9", "::ffff:203.0.113.9"])
def test_nobody_but_a_trusted_proxy_is_believed(peer: str) -> None:
    expected = "2001:db8::9" if peer == "2001:db8::9" else "203.0.113.9"
    assert address(peer, [f"for={CLIENT}"], [CLIENT]) == expected


@pytest.mark.parametrize(
    ("sent", "appended"),
    [
        ("for=198.51.100.66", ", for=203.0.113.5"),
        ('for="', ", for=203.0.113.5"),
        ('for=198.51.100.66;x="', ", for=203.0.113.5"),
        ('for=198.51.100.66;x="', ', for="[2001:db8::5]"'),
        ("for=198.51.100.66;x=\\", ", for=203.0.113.5"),
        ("for=198.51.100.66;", ", for=203.0.113.5"),
        ("for=10.6.6.6, for=198.51.100.66", ", for=203.0.113.5"),
    ],
)
def test_a_client_that_writes_the_header_itself_cannot_choose_its_address(
    sent: str, appended: str
) -> None:
    assert address(PROXY, [sent + appended]) in {CLIENT, PROXY}
    assert address(PROXY, [sent, appended.removeprefix(", ")]) in {CLIENT, "2001:db8::5"}


def test_a_header_that_the_proxy_hands_on_unseen_cannot_choose_either() -> None:
    assert address(PROXY, ["for=198.51.100.66"], [CLIENT]) == PROXY
    assert address(PROXY, [f"for={CLIENT}"], [CLIENT]) == CLIENT


def test_where_there_is_no_address_there_is_none() -> None:
    assert address("", [f"for={CLIENT}"], [CLIENT]) is None
    assert address_group(None) == ""


@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_a_header_says_the_answer_is_an_address(forwarded: str, listed: str) -> None:
    assert client_address(PROXY, TRUSTED, forwarded=[forwarded], x_forwarded_for=[listed])


@given(st.text(alphabet='for=;,"\\ 1.:[]', max_size=40))
def test_whatever_stands_left_of_what_the_proxy_wrote_does_not_count(sent: str) -> None:
    # Even where it would open a string that swallows what the proxy wrote.
    assert address(PROXY, [f"{sent}, for={CLIENT}"]) in {CLIENT, PROXY}
    assert address(PROXY, x_forwarded_for=[f"{sent}, {CLIENT}"]) == CLIENT


@pytest.mark.parametrize(
    ("text", "group"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
    ],
)
def test_one_ipv6_site_shares_a_rate(text: str, group: str) -> None:
    assert address_group(ipaddress.ip_address(text)) == group
