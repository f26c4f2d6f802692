"""A URL from somebody else must not make the server talk to what only the server can reach."""

import contextlib
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from dcr_server.fetch_targets import FetchError
from dcr_server.fetching import Fetcher, FetchLimits, fetch_tls
from tests.fakes.https_publisher import json_answer, publishing, raw_answer
from tests.unit.protocol.special_use import SPECIAL_USE

# Read once: it takes a while.
SYSTEM_TLS = fetch_tls(None)
DOCUMENT = b'{"inside": true}'
EVERY_ADDRESS = [
    pytest.param(address, id=f"{why} {address}")
    for why, addresses in SPECIAL_USE.items()
    for address in addresses
]


class Resolver:
    """Answers each question differently, as an attacker's name server may."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, _port: int) -> Sequence[str]:
        self.asked.append(host)
        return self.answers[min(len(self.asked), len(self.answers)) - 1]


@pytest.fixture
def no_connection(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Note every attempt to connect, and let none through."""
    attempts: list[object] = []

    def refuse(_socket: socket.socket, address: object) -> None:
        attempts.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", refuse)
    return attempts


async def refused(fetcher: Fetcher, url: str) -> str:
    with pytest.raises(FetchError) as error:
        await fetcher.fetch_json(url)
    return str(error.value)


async def test_s170_the_connection_goes_to_the_address_that_was_checked(
    no_connection: list[object],
) -> None:
    resolver = Resolver(["8.8.8.8"], ["127.0.0.1"])
    fetcher = Fetcher(SYSTEM_TLS, resolve=resolver)
    assert "no connection" in await refused(fetcher, "https://a.example:8443/")
    assert no_connection == [("8.8.8.8", 8443)]
    assert resolver.asked == ["a.example"]


@pytest.mark.parametrize("address", EVERY_ADDRESS)
async def test_s170_a_name_that_leads_to_an_address_of_special_use(
    address: str, no_connection: list[object]
) -> None:
    fetcher = Fetcher(SYSTEM_TLS, resolve=Resolver([address]))
    assert "does not resolve to public addresses" in await refused(fetcher, "https://a.example/")
    assert no_connection == []


@pytest.mark.parametrize("address", EVERY_ADDRESS)
async def test_s170_such_an_address_behind_a_public_one(
    address: str, no_connection: list[object]
) -> None:
    fetcher = Fetcher(SYSTEM_TLS, resolve=Resolver(["8.8.8.8", address]))
    await refused(fetcher, "https://a.example/")
    assert no_connection == []


@pytest.mark.parametrize("address", [one for one in EVERY_ADDRESS if "%" not in str(one.values[0])])
async def test_s170_such_an_address_written_into_the_url(
    address: str, no_connection: list[object]
) -> None:
    host = f"[{address}]" if ":" in address else address
    await refused(Fetcher(SYSTEM_TLS), f"https://{host}/")
    assert no_connection == []


@pytest.mark.parametrize(
    "host",
    [
        *("2130706433", "0x7f000001", "0x7F.0.0.1", "017700000001", "0177.0.0.1", "0177.0.0.01"),
        *("127.1", "127.0.1", "0x7f.1", "127.0.0.1.", "127.000.000.001", "0", "0x", "00000000000"),
        *("2852039166", "0xa9fea9fe", "169.254.43518", "0251.0376.0251.0376"),
        *("[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:1]", "[::ffff:127.0.0.1]", "[::127.0.0.1]"),
        *("[0000::1]", "[::1%25lo]", "[::1%lo]", "[fe80::1%25eth0]", "[::]", "[::1"),
        *("localhost", "LOCALHOST", "localhost.", "ip6-localhost", "localhost.localdomain"),
        *("①②⑦.⓪.⓪.①", "127。0。0。1", "127%2e0%2e0%2e1", "%31%32%37.0.0.1", "ⓛocalhost"),
        *("a.example@127.0.0.1", "a.example:443@127.0.0.1", "@127.0.0.1", "a.example%40127.0.0.1"),
        *("127.0.0.1\\@a.example", "127.0.0.1#@a.example", "127.0.0.1?@a.example", "127.0.0.1;a"),
        *("", ".", "..", "-a.example", "a..example", "a.example..", "*.example", "a b", "a\tb"),
        *("127.0.0.1\r\nHost: a.example", "127.0.0.1\n", "\n127.0.0.1", "127.0.0.1\x00.a.example"),
        *("127.0.0.1:99999", "127.0.0.1:-1", "127.0.0.1:0x1bb", "127.0.0.1:443:443"),
    ],
)
async def test_s170_other_ways_to_write_loopback_and_metadata_hosts(
    host: str, no_connection: list[object]
) -> None:
    """With the system's own resolver, which understands some of them."""
    await refused(Fetcher(SYSTEM_TLS), f"https://{host}/")
    assert no_connection == []


@pytest.mark.parametrize(
    "url",
    [
        *("http://a.example/", "ftp://a.example/", "file:///etc/passwd", "gopher://a.example/"),
        *("//a.example/", "a.example", "https:a.example", "https:/a.example", "https:///a.example"),
        *("unix:///run/docker.sock", "data:application/json,[]", " https://a.example/", ""),
        *("https://a.example/\r\nX-Injected: 1", "https://a.example/\x00", "https://a.example/ b"),
        "https://a.example/" + "a" * 2048,
    ],
)
async def test_s170_nothing_but_https_urls(url: str, no_connection: list[object]) -> None:
    resolver = Resolver(["8.8.8.8"])
    await refused(Fetcher(SYSTEM_TLS, resolve=resolver), url)
    assert no_connection == []
    assert resolver.asked == []


async def test_s170_dns_that_changes_between_check_and_connect(tmp_path: Path) -> None:
    """Both are served: what is reached shows whether the name was looked up again."""
    async with (
        publishing(tmp_path, json_answer(b'{"checked": true}')) as checked,
        publishing(
            tmp_path, json_answer(DOCUMENT), address="127.0.0.2", port=checked.port
        ) as inside,
    ):
        resolver = Resolver([checked.address], [inside.address])
        fetcher = Fetcher(
            fetch_tls(checked.ca_file), allowed_hosts=[checked.name], resolve=resolver
        )
        assert await fetcher.fetch_json(checked.url()) == {"checked": True}
    assert resolver.asked == ["keys.test"]
    assert inside.connections == 0


async def test_s170_dns_that_answers_the_next_fetch_with_loopback(tmp_path: Path) -> None:
    """A name is judged anew each time: a good answer before does not open the way."""
    async with publishing(tmp_path, json_answer(DOCUMENT)) as inside:
        resolver = Resolver(["8.8.8.8", "10.0.0.1"], [inside.address])
        fetcher = Fetcher(fetch_tls(inside.ca_file), resolve=resolver)
        for _ in range(2):
            with pytest.raises(FetchError, match="does not resolve to public"):
                await fetcher.fetch_json(inside.url())
    assert inside.connections == 0


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
async def test_s170_redirects_into_the_inside(tmp_path: Path, status: int) -> None:
    async with (
        publishing(tmp_path, json_answer(DOCUMENT)) as inside,
        publishing(
            tmp_path,
            json_answer(b"{}", f"Location: {inside.url()}", status=f"{status} Elsewhere"),
            "outside.test",
        ) as outside,
    ):
        fetcher = outside.fetcher(allowed_hosts=[outside.name, inside.name])
        assert "redirect" in await refused(fetcher, outside.url())
    assert outside.connections == 1
    assert inside.connections == 0


@pytest.mark.parametrize(
    "header",
    [
        "Refresh: 0; url={}",
        "Link: <{}>; rel=canonical",
        "Content-Location: {}",
        'Alt-Svc: h2="{}"',
        "Location: {}",
    ],
)
async def test_s170_headers_that_point_elsewhere(tmp_path: Path, header: str) -> None:
    async with publishing(tmp_path, json_answer(DOCUMENT)) as inside:
        answer = json_answer(b"[]", header.format(inside.url()))
        async with publishing(tmp_path, answer, "outside.test") as outside:
            fetcher = outside.fetcher(allowed_hosts=[outside.name, inside.name])
            assert await fetcher.fetch_json(outside.url()) == []
    assert inside.connections == 0


async def test_s170_a_proxy_or_credentials_of_the_environment_play_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine keys.test login user password secret\n", encoding="ascii")
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("NETRC", str(netrc))
    async with publishing(tmp_path, json_answer(DOCUMENT)) as publisher:
        assert await publisher.fetcher().fetch_json(publisher.url()) == {"inside": True}
    assert "authorization" not in publisher.requests[0].lower()


async def test_s170_a_cookie_is_not_kept_for_the_next_fetch(tmp_path: Path) -> None:
    answer = json_answer(DOCUMENT, "Set-Cookie: session=1; Path=/; Secure")
    async with publishing(tmp_path, answer) as publisher:
        fetcher = publisher.fetcher()
        for _ in range(2):
            await fetcher.fetch_json(publisher.url())
    assert len(publisher.requests) == 2
    assert "cookie" not in "".join(publisher.requests).lower()


async def test_s170_a_server_of_another_name_at_the_checked_address(tmp_path: Path) -> None:
    async with publishing(tmp_path, json_answer(DOCUMENT)) as inside:
        fetcher = inside.fetcher(allowed_hosts=["bank.test"])
        assert "no connection by TLS" in await refused(fetcher, inside.url(name="bank.test"))
    assert inside.requests == []


async def test_s170_a_kept_connection_is_not_used_for_another_name(tmp_path: Path) -> None:
    answer = json_answer(DOCUMENT, "Connection: keep-alive", "Keep-Alive: timeout=600")
    async with publishing(tmp_path, answer) as publisher:
        fetcher = publisher.fetcher(allowed_hosts=[publisher.name, "bank.test"])
        await fetcher.fetch_json(publisher.url())
        with pytest.raises(FetchError, match="no connection by TLS"):
            await fetcher.fetch_json(publisher.url(name="bank.test"))
    assert len(publisher.requests) == 1


async def test_s170_a_server_with_a_certificate_of_its_own(tmp_path: Path) -> None:
    async with publishing(tmp_path, json_answer(DOCUMENT)) as inside:
        resolver = Resolver([inside.address])
        fetcher = Fetcher(SYSTEM_TLS, allowed_hosts=[inside.name], resolve=resolver)
        assert "no connection by TLS" in await refused(fetcher, inside.url())
    assert inside.requests == []


async def test_s170_a_server_without_tls_gets_no_request(tmp_path: Path) -> None:
    async with publishing(tmp_path, raw_answer("HTTP/1.1 200 OK"), tls=False) as plain:
        fetcher = plain.fetcher(limits=FetchLimits(seconds_to_connect=0.2))
        assert "no connection by TLS" in await refused(fetcher, plain.url())
    # The greeting of TLS is not a request, whatever listens there.
    assert not any(request.startswith("GET") for request in plain.requests)


async def test_s170_a_closed_port_and_a_wrong_certificate_look_the_same(tmp_path: Path) -> None:
    async with publishing(tmp_path, json_answer(DOCUMENT)) as inside:
        allowed = [inside.name, "bank.test"]
        wrong = await refused(inside.fetcher(allowed_hosts=allowed), inside.url(name="bank.test"))
    with contextlib.closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        closed = await refused(inside.fetcher(), f"https://keys.test:{port}/")
    assert wrong == closed
