"""Ways around clientPolicy: look-alike URIs, other members, the provider's help, more clients."""

import asyncio

import pytest

from dcr_operator.client_places import ClientPlaces
from dcr_operator.client_policy import ClientPolicy, violations_of_request
from dcr_operator.kube import JsonObject, Key
from dcr_operator.ports import Place
from tests.fakes.adoptable import adoptable_client
from tests.fakes.operator_world import METADATA, World, new_world

POLICY: JsonObject = {
    "grantTypes": ["authorization_code"],
    "tokenEndpointAuthMethods": ["client_secret_basic"],
    "redirectUris": ["https://*.example.com/*", "com.example.app:/*"],
    "scopes": ["openid", "orders.*"],
}
ASKED: JsonObject = {**METADATA, "grantTypes": ["authorization_code"]}

URIS = [
    "https://evil.example.net/",
    "https://example.com/",
    "https://a.b.example.com/",
    "https://.example.com/",
    "https://evil.net/.example.com/",
    "https://a.example.com.evil.net/",
    "https://a.example.com@evil.net/",
    "https://evil.net\\@a.example.com/",
    "https://evil.net#@a.example.com/",
    "https://evil.net?.example.com/",
    "https://a.example.com:@evil.net/",
    "https://a.example.com:8443/",
    "https://a.example.com%2eevil.net/",
    "https://a%2eexample.com/",
    "https://a.example.com./",
    "http://a.example.com/",
    "HTTPS:evil.net/a.example.com/",
    "https:///evil.net/a.example.com/",
    "https:/a.example.com/",
    "https://a.example.com/../../evil",
    "https://a.example.com/%2e%2e/x",
    "https://a.example.com/x/..;/y",
    "https://a.example.com/%2f..%2f",
    "https://а.example.com/",  # noqa: RUF001  # a Cyrillic letter
    "https://a。example.com/",
    "https://a.example.com\t/",
    "https://a.example.com /",
    "com.example.app://evil.net/",
    "com.example.app.evil:/x",
    "javascript:alert(1)//https://a.example.com/",
    "data:text/html,https://a.example.com/",
    "//a.example.com/",
    "*",
    "https://*.example.com/",
    "",
]


@pytest.mark.parametrize("uri", URIS)
@pytest.mark.parametrize(
    "member",
    ["redirect_uris", "post_logout_redirect_uris", "jwks_uri", "client_uri", "logo_uri#de"],
)
def test_a_uri_that_only_looks_admitted_is_not(member: str, uri: str) -> None:
    policy = ClientPolicy(redirect_uris=("https://*.example.com/*", "com.example.app:/*"))
    many = member.endswith("uris")
    metadata: JsonObject = {member: [uri] if many else uri}
    assert len(violations_of_request(policy, metadata)) == 1


@pytest.mark.parametrize("uri", URIS)
async def test_nothing_is_sent_of_it(uri: str) -> None:
    world = new_world(clientPolicy=POLICY)
    world.set_client(clientMetadata={**ASKED, "redirectUris": [uri]})
    await world.run_pass()
    assert world.condition()[0] == "False"
    assert not world.wire.requests


@pytest.mark.parametrize(
    "metadata",
    [
        {"extra": {"redirect_uri": "https://evil.example.net/"}},
        {"extra": {"redirect_uris": ["https://evil.example.net/"]}},
        {"extra": {"redirect_uris#de": ["https://evil.example.net/"]}},
        {"extra": {"backchannel_logout_uri": "https://evil.example.net/"}},
        {"extra": {"client_id": "admin"}},
        {"extra": {"registration_access_token": "x"}},
        {"extra": {"software_statement": "a.b.c"}},
        {"jwksUri": "https://evil.example.net/jwks"},
        {"initiateLoginUri": "https://evil.example.net/"},
        {"requestUris": ["https://evil.example.net/r#h"]},
        {"localized": {"clientUri": {"de": "https://evil.example.net/"}}},
        {"grantTypes": ["authorization_code", "client_credentials"]},
        {"grantTypes": ["urn:ietf:params:oauth:grant-type:token-exchange"]},
        {"grantTypes": ["AUTHORIZATION_CODE"]},
        {"tokenEndpointAuthMethod": "none"},
        {"scope": "openid admin"},
        {"scope": "orders"},
        {"scope": "openid\u00a0admin"},
    ],
    ids=str,
)
async def test_another_member_is_no_way_around(metadata: JsonObject) -> None:
    world = new_world(clientPolicy=POLICY)
    world.set_client(clientMetadata={**ASKED, **metadata})
    await world.run_pass()
    assert world.condition()[0] == "False"
    assert not world.wire.requests
    assert not world.provider.clients


@pytest.mark.parametrize(
    "granted",
    [
        {"redirect_uris": ["https://a.example.com/", "https://evil.example.net/"]},
        {"redirect_uris": "https://evil.example.net/"},
        {"grant_types": ["authorization_code", "client_credentials"]},
        {"token_endpoint_auth_method": "none"},
        {"scope": "openid admin"},
        {"scope": ["admin"]},
        {"jwks_uri": "https://evil.example.net/jwks"},
    ],
    ids=str,
)
async def test_what_the_provider_grants_beyond_it_does_not_stay(granted: JsonObject) -> None:
    world = new_world(clientPolicy=POLICY)
    world.set_client(clientMetadata=ASKED)
    world.provider.overrides = dict(granted)
    await world.settle()
    assert world.condition() == ("False", "PolicyDenied")
    assert not world.provider.clients
    assert world.secret() is None


async def test_adoption_is_no_way_around_the_policy_nor_around_the_limit() -> None:
    world = World()
    world.add_provider(clientPolicy={**POLICY, "maxClientsPerNamespace": 1})
    world.use.place = Place.FULL
    world.add_client(adopt=adoptable_client(world), clientMetadata=ASKED)
    await world.run_pass()
    assert world.condition() == ("False", "ClientLimitReached")
    world.use.place = Place.TAKEN
    world.set_client(
        adopt=(world.client or {})["spec"]["adopt"],  # type: ignore[call-overload, index]  # JSON
        clientMetadata={**ASKED, "scope": "admin"},
    )
    await world.run_pass()
    assert world.condition() == ("False", "PolicyDenied")
    assert not world.wire.requests


async def test_a_herd_gets_no_more_places_than_there_are() -> None:
    places = ClientPlaces()
    main = Key("ClusterOAuthProvider", "", "main")

    async def try_to_get_in(number: int) -> Place:
        await asyncio.sleep(0)
        return places.take(main, Key("OAuthClient", "team-a", f"app-{number}"), 10)

    seen = await asyncio.gather(*(try_to_get_in(number) for number in range(200)))
    assert seen.count(Place.TAKEN) == 10
