import pytest

from dcr_operator.ports import ProviderConnection
from dcr_operator.provider_origins import Origin, OriginRefusedError, origin_of, url_to_send_to

ISSUER = "https://id.example.com"


def connection(
    *,
    issuer: str = ISSUER,
    endpoint: str | None = None,
    backchannel: str | None = None,
    allowed: tuple[str, ...] = (),
    loopback: bool = False,
    hardened: bool = False,
) -> ProviderConnection:
    return ProviderConnection(
        "ClusterOAuthProvider/main",
        issuer,
        registration_endpoint=endpoint,
        backchannel_origin=backchannel,
        allowed_origins=allowed,
        allow_loopback=loopback,
        hardened=hardened,
    )


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Id.Example.com/a?b", Origin("https", "id.example.com", 443)),
        ("http://id.example.com:8080", Origin("http", "id.example.com", 8080)),
        ("https://[::1]/", Origin("https", "::1", 443)),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, origin: Origin) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    "url",
    [
        "",
        "id.example.com",
        "/path",
        "ftp://id.example.com",
        "https://",
        "https://u:p@id.example.com",
        "https://id.example.com:99999",
        "https://[::1",
    ],
)
def test_what_is_no_plain_absolute_url_is_refused(url: str) -> None:
    with pytest.raises(OriginRefusedError):
        origin_of(url)


SVC = "http://dcr-server.dcr-system.svc:8080"

ALLOWED = [
    ("the issuer's own origin", connection(), f"{ISSUER}/register", f"{ISSUER}/register"),
    ("the default port written out", connection(), f"{ISSUER}:443/r", f"{ISSUER}:443/r"),
    (
        "the issuer's origin moves to the backchannel, path and query stay",
        connection(backchannel=SVC),
        f"{ISSUER}/r/c?x=1",
        f"{SVC}/r/c?x=1",
    ),
    ("the backchannel's own origin", connection(backchannel=SVC), f"{SVC}/r", f"{SVC}/r"),
    (
        "an allowed origin",
        connection(allowed=("https://api.example.com",)),
        "https://api.example.com/r",
        "https://api.example.com/r",
    ),
    (
        "the configured registration endpoint",
        connection(endpoint="https://reg.example.com/r"),
        "https://reg.example.com/r",
        "https://reg.example.com/r",
    ),
    (
        "loopback without TLS when that is allowed",
        connection(issuer="http://127.0.0.1:9000", loopback=True),
        "http://127.0.0.1:9000/r",
        "http://127.0.0.1:9000/r",
    ),
]


@pytest.mark.parametrize(
    ("configured", "url", "sent"), [row[1:] for row in ALLOWED], ids=[row[0] for row in ALLOWED]
)
def test_what_is_sent_where(configured: ProviderConnection, url: str, sent: str) -> None:
    assert url_to_send_to(configured, url) == sent


REFUSED = [
    ("another origin", connection(), "https://evil.example.com/r"),
    ("another port", connection(), f"{ISSUER}:8443/r"),
    ("another scheme", connection(), "http://id.example.com/r"),
    ("a subdomain", connection(), "https://a.id.example.com/r"),
    ("http to the issuer", connection(issuer="http://id.example.com"), "http://id.example.com/r"),
    (
        "loopback when it is not allowed",
        connection(issuer="http://127.0.0.1:9000"),
        "http://127.0.0.1:9000/r",
    ),
    (
        "a backchannel without TLS outside the cluster",
        connection(backchannel="http://inner.example.com"),
        f"{ISSUER}/r",
    ),
    (
        "the backchannel of a tenant's provider",
        connection(backchannel=SVC, hardened=True),
        f"{SVC}/r",
    ),
]


@pytest.mark.parametrize(
    ("configured", "url"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_nothing_is_sent_to(configured: ProviderConnection, url: str) -> None:
    with pytest.raises(OriginRefusedError):
        url_to_send_to(configured, url)


def test_a_tenants_provider_is_not_moved_to_a_backchannel() -> None:
    tenant = connection(backchannel=SVC, hardened=True)
    assert url_to_send_to(tenant, f"{ISSUER}/r") == f"{ISSUER}/r"


def test_what_a_tenants_provider_names_is_not_repeated() -> None:
    with pytest.raises(OriginRefusedError) as refused:
        url_to_send_to(connection(hardened=True), "https://buy-now.example.net/register")
    assert "buy-now" not in str(refused.value)
