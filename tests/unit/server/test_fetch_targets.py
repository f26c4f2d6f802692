import pytest

from dcr_server.fetch_targets import (
    FetchError,
    Target,
    checked_addresses,
    parse_allowed_host,
    parse_target,
)

IN_CLUSTER = (".svc.cluster.local", "keys.test", "10.0.0.5")


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://a.example", Target("a.example", 443, "/")),
        ("https://A.Example:443/x", Target("a.example", 443, "/x")),
        ("https://a.example.:8443?q", Target("a.example", 8443, "/?q")),
        ("https://a_b.example/%7Ejoe?", Target("a_b.example", 443, "/%7Ejoe?")),
        ("https://a.example/x#fragment", Target("a.example", 443, "/x")),
        ("https://[2a00::1]:1/x", Target("2a00::1", 1, "/x")),
        ("https://1.1.1.1/", Target("1.1.1.1", 443, "/")),
        ("https://xn--bcher-kva.example/", Target("xn--bcher-kva.example", 443, "/")),
        ("https://1.2.3.example/", Target("1.2.3.example", 443, "/")),
    ],
)
def test_a_url_says_where_its_document_is(url: str, target: Target) -> None:
    assert parse_target(url) == target


@pytest.mark.parametrize(
    ("target", "authority"),
    [
        (Target("a.example", 443, "/"), "a.example"),
        (Target("a.example", 8443, "/"), "a.example:8443"),
        (Target("2a00::1", 8443, "/"), "[2a00::1]:8443"),
    ],
)
def test_host_names_the_authority_of_the_url(target: Target, authority: str) -> None:
    assert target.authority == authority


def test_s171_names_below_an_allowed_ending_may_be_of_private_use() -> None:
    host = "keys.team.svc.cluster.local"
    assert checked_addresses(host, ["10.96.0.7"], IN_CLUSTER) == ("10.96.0.7",)
    assert checked_addresses(host, ["fd00::7", "8.8.8.8"], IN_CLUSTER) == ("fd00::7", "8.8.8.8")


@pytest.mark.parametrize(("host", "address"), [("keys.test", "127.0.0.1"), ("10.0.0.5",) * 2])
def test_an_allowed_host_may_be_this_very_machine(host: str, address: str) -> None:
    assert checked_addresses(host, [address], IN_CLUSTER) == (address,)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("keys.example", "10.96.0.7"),
        ("svc.cluster.local", "10.96.0.7"),
        ("evil-svc.cluster.local", "10.96.0.7"),
        ("keys.svc.cluster.local.evil.example", "10.96.0.7"),
        ("keys.svc.cluster.local", "127.0.0.1"),
        ("keys.svc.cluster.local", "::1"),
        ("keys.svc.cluster.local", "169.254.169.254"),
        ("keys.svc.cluster.local", "fd00:ec2::254"),
        ("keys.svc.cluster.local", "0.0.0.0"),  # noqa: S104 - nothing is bound
        ("keys.test", "169.254.169.254"),
        ("keys.test", "224.0.0.1"),
        ("sub.keys.test", "127.0.0.1"),
        ("10.0.0.6", "10.0.0.6"),
    ],
)
def test_nothing_else_is_allowed_by_such_an_entry(host: str, address: str) -> None:
    with pytest.raises(FetchError, match="does not resolve to public addresses"):
        checked_addresses(host, [address], IN_CLUSTER)


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    with pytest.raises(FetchError):
        checked_addresses("a.example", ["8.8.8.8", "10.0.0.1"], ())


def test_s170_who_asks_does_not_learn_which_names_exist_inside() -> None:
    texts = set()
    for addresses in ([], ["10.0.0.1"], ["127.0.0.1"], ["8.8.8.8", "::1"]):
        with pytest.raises(FetchError) as refused:
            checked_addresses("a.example", addresses, ())
        texts.add(str(refused.value))
    assert len(texts) == 1


def test_an_address_is_tried_once() -> None:
    assert checked_addresses("a.example", ["8.8.8.8", "8.8.8.8"], ()) == ("8.8.8.8",)


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        (".svc.cluster.local", ".svc.cluster.local"),
        (" .SVC.cluster.local. ", ".svc.cluster.local"),
        ("keys.internal", "keys.internal"),
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]", "::1"),
    ],
)
def test_an_allowed_host_is_a_name_an_ending_or_an_address(text: str, entry: str) -> None:
    assert parse_allowed_host(text) == entry


@pytest.mark.parametrize(
    "text", ["", ".", "*", "*.example", "https://a.example", "a b", "a..b", "a.example:443", "ä.de"]
)
def test_anything_else_is_refused_with_what_to_give(text: str) -> None:
    with pytest.raises(ValueError, match="give a name such as"):
        parse_allowed_host(text)
