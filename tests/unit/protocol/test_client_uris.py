import pytest
from pydantic import JsonValue

from dcr_protocol.errors import InvalidClientMetadata
from dcr_protocol.rules import MetadataRules
from dcr_protocol.vocabulary import (
    CIBA,
    HTTPS_URI_LIST_MEMBERS,
    HTTPS_URI_MEMBERS,
    LOCALIZABLE_MEMBERS,
    PAGE_URI_MEMBERS,
    WITHOUT_FRAGMENT,
)
from tests.unit.protocol.registration_requests import checked, machine_client, web_client

Document = dict[str, JsonValue]
FLAWED = ["logo.png", "/logo.png", "javascript:alert(1)", "https:///x", "https://me@a.example/"]


def refused(document: Document, description: str) -> None:
    with pytest.raises(InvalidClientMetadata, match=description):
        checked(document)


def accepted(document: Document) -> None:
    assert document.items() <= checked(document).to_wire().items()


def at_dashboard(scheme: str, path: str = "/x") -> str:
    return f"{scheme}://dashboard.example.com{path}"


@pytest.mark.parametrize("member", sorted(PAGE_URI_MEMBERS - {"frontchannel_logout_uri"}))
def test_pages_may_use_http(member: str) -> None:
    accepted(web_client(**{member: at_dashboard("http")}))


@pytest.mark.parametrize("member", sorted(HTTPS_URI_MEMBERS))
def test_s170_urls_that_decide_about_security_use_https(member: str) -> None:
    accepted(web_client(**{member: at_dashboard("https")}))
    refused(web_client(**{member: at_dashboard("http")}), f"{member} must use https")


@pytest.mark.parametrize("member", sorted(PAGE_URI_MEMBERS | HTTPS_URI_MEMBERS))
@pytest.mark.parametrize("uri", FLAWED)
def test_a_uri_member_is_a_url_with_a_host(member: str, uri: str) -> None:
    refused(web_client(**{member: uri}), f"^invalid_client_metadata: {member} ")


@pytest.mark.parametrize("member", sorted(WITHOUT_FRAGMENT))
def test_an_endpoint_has_no_fragment(member: str) -> None:
    refused(web_client(**{member: at_dashboard("https", "/#x")}), "must not have a fragment")


@pytest.mark.parametrize("member", sorted(HTTPS_URI_LIST_MEMBERS))
def test_each_uri_of_a_list_is_checked(member: str) -> None:
    good: list[JsonValue] = [at_dashboard("https", "/request#hash")]
    accepted(web_client(**{member: good}))
    bad: list[JsonValue] = [*good, at_dashboard("http")]
    refused(web_client(**{member: bad}), rf"{member}\[1\] must use https")


@pytest.mark.parametrize("base", sorted(LOCALIZABLE_MEMBERS - {"client_name"}))
def test_s163_a_localized_uri_is_checked_like_its_base(base: str) -> None:
    accepted(web_client(**{f"{base}#de": at_dashboard("https")}))
    refused(web_client(**{f"{base}#de": "javascript:alert(1)"}), f"{base}#de must use https")


def test_s163_a_localized_name_is_no_uri() -> None:
    accepted(web_client(**{"client_name#de": "Mein Dashboard"}))


@pytest.mark.parametrize(
    ("uri", "flaw"),
    [
        (at_dashboard("https"), None),
        (at_dashboard("http"), "must use https"),
        ("com.example.app:/bye", "application_type is web"),
        (at_dashboard("https", "/#x"), "fragment"),
    ],
)
def test_a_post_logout_redirect_uri_follows_the_same_rules(uri: str, flaw: str | None) -> None:
    document = web_client(post_logout_redirect_uris=[uri])
    if flaw is None:
        accepted(document)
    else:
        refused(document, rf"post_logout_redirect_uris\[0\] .*{flaw}")


def test_no_token_travels_to_a_post_logout_redirect_uri() -> None:
    accepted(
        web_client(
            grant_types=["implicit"],
            response_types=["id_token"],
            post_logout_redirect_uris=["http://localhost:8080/bye"],
        )
    )


@pytest.mark.parametrize(
    ("uri", "same"),
    [
        ("https://dashboard.example.com/logout", True),
        ("https://dashboard.example.com:443/logout", True),
        ("http://dashboard.example.com/logout", False),
        ("https://dashboard.example.com:8443/logout", False),
        ("https://other.example.com/logout", False),
    ],
)
def test_frontchannel_logout_is_of_the_origin_of_a_redirect_uri(uri: str, same: bool) -> None:
    document = web_client(frontchannel_logout_uri=uri)
    if same:
        accepted(document)
    else:
        refused(document, "scheme, host and port of a redirection URI")


def test_s152_pairwise_over_several_hosts_needs_a_sector() -> None:
    two: list[JsonValue] = ["https://a.example/1", "https://b.example/2"]
    one: list[JsonValue] = ["https://a.example/1", "https://A.example:8443/2"]
    sector = "https://a.example/sector.json"
    refused(web_client(subject_type="pairwise", redirect_uris=two), "need sector_identifier_uri")
    accepted(web_client(subject_type="pairwise", redirect_uris=one))
    accepted(web_client(subject_type="public", redirect_uris=two))
    accepted(web_client(subject_type="pairwise", redirect_uris=two, sector_identifier_uri=sector))


def test_s153_pairwise_with_ciba_takes_the_sector_from_jwks_uri() -> None:
    ciba = machine_client(
        grant_types=[CIBA], backchannel_token_delivery_mode="poll", subject_type="pairwise"
    )
    refused(ciba, "need a URI that gives the sector")
    accepted(ciba | {"jwks_uri": "https://a.example/jwks"})
    accepted(machine_client(subject_type="pairwise"))


HOME: Document = {"redirect_uris": ["https://app.example/cb", "http://localhost/cb"]}
HOSTS_OF_REDIRECT_URIS = MetadataRules(pages_on_redirect_hosts=True)


@pytest.mark.parametrize(
    "member", ["client_uri", "logo_uri", "tos_uri", "policy_uri", "logo_uri#de"]
)
@pytest.mark.parametrize(
    ("uri", "is_at_home"),
    [
        ("https://app.example/logo.png", True),
        ("https://APP.example:8443/logo.png", True),
        ("http://localhost:3000/logo.png", True),
        ("http://app.example/logo.png", False),
        ("https://www.app.example/logo.png", False),
        ("https://bank.example/logo.png", False),
    ],
)
def test_s172_a_switch_wants_pages_where_the_client_is(
    member: str, uri: str, is_at_home: bool
) -> None:
    document = web_client(**{**HOME, member: uri})
    accepted(document)
    if is_at_home:
        checked(document, HOSTS_OF_REDIRECT_URIS)
    else:
        with pytest.raises(InvalidClientMetadata, match=f"{member} must have scheme and host"):
            checked(document, HOSTS_OF_REDIRECT_URIS)


def test_s172_without_redirect_uris_there_is_no_site_to_compare_with() -> None:
    document = machine_client(client_uri="https://a.example")
    assert document.items() <= checked(document, HOSTS_OF_REDIRECT_URIS).to_wire().items()
