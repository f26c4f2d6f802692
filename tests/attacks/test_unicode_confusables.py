"""What looks like another name is not taken for it; what is accepted comes back byte for byte."""

from pathlib import Path

import pytest

from tests.attacks.answers import refusal
from tests.unit.server.registrant import EVERYTHING, MACHINE, Registrant, registrant_at

# RFC 3986 has ASCII only: an internationalised name is registered as it is resolved, in punycode.
REFUSED_URIS = {
    "a Cyrillic letter in the host": "https://\u0430pp.example.com/cb",
    "a Greek letter in the host": "https://app.\u0435xample.com/cb",
    "a fullwidth letter": "https://\uff41pp.example.com/cb",
    "a fullwidth full stop": "https://app.example\uff0ecom/cb",
    "an ideographic full stop": "https://app.example\u3002com/cb",
    "a fraction slash": "https://evil.test\u2044.app.example.com/cb",
    "a division slash": "https://evil.test\u2215.app.example.com/cb",
    "a fullwidth slash": "https://evil.test\uff0f.app.example.com/cb",
    "a fullwidth at sign": "https://app.example.com\uff20evil.test/cb",
    "a fullwidth colon": "https://app.example.com\uff1a443/cb",
    "a small number sign": "https://app.example.com/cb\ufe5f",
    "an eszett": "https://fa\u00df.example.com/cb",
    "a dotless i": "https://app.example.com/l\u0131st",
    "a Kelvin sign": "https://\u212aelvin.example.com/cb",
    "a zero-width space": "https://app\u200b.example.com/cb",
    "a zero-width joiner": "https://app\u200d.example.com/cb",
    "a soft hyphen": "https://app\u00ad.example.com/cb",
    "a byte order mark": "\ufeffhttps://app.example.com/cb",
    "right to left": "https://app.example.com/\u202ebc",
    "a combining accent": "https://app.example.com/cafe\u0301",
    "a composed accent": "https://app.example.com/caf\u00e9",
    "a no-break space": "https://app.example.com/cb\u00a0",
    "a tab": "https://app.example.com/\tcb",
    "a leading space": " https://app.example.com/cb",
    "a trailing space": "https://app.example.com/cb ",
    "a line feed": "https://app.example.com/cb\n",
    "a circled letter": "https://\u24d0pp.example.com/cb",
    "letters of mathematics": "https://\U0001d5ba\U0001d5c9\U0001d5c9.example.com/cb",
    "an emoji": "https://\U0001f600.example.com/cb",
    "a long s in the scheme": "http\u017f://app.example.com/cb",
    "a backslash": "https://app.example.com\\@evil.test/cb",
    "half a surrogate pair, escaped": "https://app.example.com/\ud800",
}


@pytest.mark.parametrize("uri", REFUSED_URIS.values(), ids=REFUSED_URIS.keys())
@pytest.mark.parametrize("patterns", [("*",), ("https://*.example.com/*",)], ids=["any", "some"])
async def test_a_redirect_uri_beyond_ascii_is_refused(
    tmp_path_factory: pytest.TempPathFactory, uri: str, patterns: tuple[str, ...]
) -> None:
    policies = {"p": EVERYTHING.model_copy(update={"redirect_uris": patterns})}
    async with registrant_at(tmp_path_factory.mktemp("s"), policies=policies) as registrant:
        response = await registrant.post({"redirect_uris": [uri]})
        assert refusal(response, 400) in {"invalid_redirect_uri", "invalid_request"}


KEPT_URIS = [
    "https://app.example.com/cb",
    "https://app.example.com",
    "https://app.example.com/",
    "https://app.example.com:443/cb",
    "https://APP.Example.com/CB",
    "https://app.example.com/a%2Fb",
    "https://app.example.com/%7euser",
    "https://app.example.com/~user",
    "https://app.example.com/caf%C3%A9",
    "https://app.example.com/cafe%CC%81",
    "https://app.example.com/caf%c3%a9",
    "https://app.example.com//cb",
    "https://app.example.com/cb/",
    "https://app.example.com/cb?",
    "https://app.example.com/cb?a=b&a=b&&",
    "https://app.example.com/cb;x=%00",
    "https://xn--pp-7lc.example.com/cb",
    "https://app.example.com./cb",
]


async def test_s048_redirect_uris_come_back_byte_for_byte_each_its_own(
    registrant: Registrant,
) -> None:
    client = await registrant.register({"redirect_uris": [*KEPT_URIS]})
    assert client.document["redirect_uris"] == KEPT_URIS
    read = await registrant.read(client.uri, client.token)
    assert read.json()["redirect_uris"] == KEPT_URIS
    updated = await registrant.put(client, {"redirect_uris": [*reversed(KEPT_URIS)]})
    assert updated.json()["redirect_uris"] == KEPT_URIS[::-1]


async def test_a_policy_is_not_fooled_by_punycode_of_a_confusable(tmp_path: Path) -> None:
    exact = EVERYTHING.model_copy(update={"redirect_uris": ("https://app.example.com/*",)})
    async with registrant_at(tmp_path, policies={"p": exact}) as registrant:
        for host in (
            "xn--pp-7lc.example.com",
            "app.xn--xample-9uf.com",
            "app.example.com.evil.test",
        ):
            response = await registrant.post({"redirect_uris": [f"https://{host}/cb"]})
            assert refusal(response, 400) == "invalid_redirect_uri"


# Display text is anybody's (RFC 7591 §5): kept as it came, so that whoever shows it can judge it.
NAMES = {
    "Cyrillic letters": "\u0420\u0430\u0443\u0440\u0430l",
    "a composed accent": "caf\u00e9",
    "a decomposed accent": "cafe\u0301",
    "fullwidth letters": "\uff30\uff41\uff59",
    "a ligature": "\ufb01nance",
    "right to left": "\u202egpj.exe",
    "a zero-width space": "pay\u200bpal",
    "a byte order mark": "\ufeffname",
    "an emoji with a joiner": "\U0001f469\u200d\U0001f4bb",
    "beyond the basic plane": "\U0001d5ba",
    "a line separator": "a\u2028b",
    "a private character": "\ue000",
    "a noncharacter": "\uffff",
    "markup": "<script>alert(1)</script>",
    "a quote": 'a" onload="x',
    "a backslash": "a\\u0000b",
    "spaces": "  a  ",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
async def test_a_name_comes_back_code_point_by_code_point(
    registrant: Registrant, name: str
) -> None:
    client = await registrant.register({**MACHINE, "client_name": name, "client_name#de": name})
    for document in (client.document, (await registrant.read(client.uri, client.token)).json()):
        assert document["client_name"] == name
        assert document["client_name#de"] == name


REFUSED_NAMES = ["a\0b", "a\nb", "a\x1b[31m", "a\x7f", "a\x85b", "\x9b2J", "a\tb"]


@pytest.mark.parametrize("name", REFUSED_NAMES, ids=ascii)
async def test_a_name_with_control_characters_is_refused(registrant: Registrant, name: str) -> None:
    response = await registrant.post({**MACHINE, "client_name": name})
    assert refusal(response, 400) == "invalid_client_metadata"


LOOKALIKES = [
    {"grant_types": ["\u0441lient_credentials"]},
    {"grant_types": ["client_credentials\u200b"]},
    {"grant_types": ["CLIENT_CREDENTIALS"]},
    {"grant_types": [" client_credentials"]},
    {"token_endpoint_auth_method": "n\u043ene", "redirect_uris": ["https://a.example/cb"]},
    {"token_endpoint_auth_method": "None", "redirect_uris": ["https://a.example/cb"]},
    {"response_types": ["\u0441ode"], "redirect_uris": ["https://a.example/cb"]},
    {**MACHINE, "application_type": "nativ\u0435"},
    {**MACHINE, "scope": "\u0430dmin"},
    {**MACHINE, "scope": "a\u00a0b"},
]


@pytest.mark.parametrize("body", LOOKALIKES, ids=ascii)
async def test_a_lookalike_of_a_value_that_decides_is_refused(
    registrant: Registrant, body: dict[str, object]
) -> None:
    response = await registrant.post(body)  # type: ignore[arg-type]  # JSON, whatever is in it
    refusal(response, 400)
