import httpx
import pytest

from dcr_operator.provider_dialer import AddressRefusedError, HardenedTransport, resolve_host


class Seen(httpx.AsyncBaseTransport):
    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(200)


def hardened(seen: Seen, *addresses: str, loopback: bool = False) -> HardenedTransport:
    async def resolve(_host: str, _port: int) -> list[str]:
        return list(addresses)

    return HardenedTransport(seen, allow_loopback=loopback, resolve=resolve)


async def ask(transport: HardenedTransport) -> None:
    async with httpx.AsyncClient(transport=transport) as client:
        await client.get("https://id.example.com:8443/r")


async def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    seen = Seen()
    await ask(hardened(seen, "93.184.215.14"))
    (request,) = seen.requests
    assert str(request.url) == "https://93.184.215.14:8443/r"
    assert request.headers["Host"] == "id.example.com:8443"
    assert request.extensions["sni_hostname"] == "id.example.com"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104  # nothing is bound
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fd00::1",
        "ff02::1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "fec0::1",
        "64:ff9b:1::a00:1",
        "::ffff:10.0.0.1",
        "::ffff:0:10.0.0.1",
        "::10.0.0.1",
        "::127.0.0.1",
        "2001::1",
        "2001:db8::1",
        "3fff::1",
        "5f00::1",
        "100::1",
        "192.88.99.1",
        "192.0.2.1",
        "240.0.0.1",
    ],
)
async def test_addresses_of_special_use_are_refused(address: str) -> None:
    seen = Seen()
    with pytest.raises(AddressRefusedError):
        await ask(hardened(seen, address))
    assert seen.requests == []


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "2a00:1450::1"]
)
async def test_public_addresses_are_reached(address: str) -> None:
    seen = Seen()
    await ask(hardened(seen, address))
    assert len(seen.requests) == 1


async def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    with pytest.raises(AddressRefusedError):
        await ask(hardened(Seen(), "93.184.215.14", "10.0.0.1"))


async def test_loopback_is_for_demo_and_tests_when_allowed() -> None:
    seen = Seen()
    await ask(hardened(seen, "127.0.0.1", loopback=True))
    assert len(seen.requests) == 1


async def test_a_name_that_does_not_resolve_is_no_connection() -> None:
    with pytest.raises(httpx.ConnectError, match="does not resolve"):
        await ask(hardened(Seen()))


async def test_names_are_resolved_by_the_system() -> None:
    assert await resolve_host("127.0.0.1", 443) == ["127.0.0.1"]
    assert await resolve_host("name.invalid", 443) == []
    assert await resolve_host("a..b.example", 443) == []
