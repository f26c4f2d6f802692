"""Which software statements are believed, and what they then mean: RFC 7591 §2.3."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from dcr_protocol.errors import ProtocolError
from dcr_protocol.json_document import JsonValue
from dcr_server.fetch_targets import FetchError
from dcr_server.policies import Policy
from dcr_server.remote_keys import KeysUnavailable, RemoteKeys
from dcr_server.software_statements import SoftwareStatement, SoftwareStatements
from dcr_server.statement_issuers import StatementIssuer, check_statement_issuers
from tests.fakes.statement_signer import ISSUER, NOW, StatementSigner

AUDIENCES = ("https://auth.test", "https://auth.test/connect/register")
URL = "https://statements.test/jwks"
SIGNER = StatementSigner()


async def nothing(_url: str) -> JsonValue:
    raise FetchError("the answer is a redirect")


def statements(
    tmp_path: Path, signer: StatementSigner = SIGNER, **issuer: object
) -> SoftwareStatements:
    jwks = signer.write_jwks(tmp_path / "jwks.json")
    configured = StatementIssuer.model_validate({"jwks_file": jwks, **issuer})
    remote = RemoteKeys(nothing, lambda: 0.0)
    return SoftwareStatements({ISSUER: configured}, remote, audiences=AUDIENCES)


async def refused(verifier: SoftwareStatements, text: JsonValue) -> tuple[str, str]:
    with pytest.raises(ProtocolError) as error:
        await verifier.verified(text, now=NOW)
    assert error.value.status == 400
    return error.value.code.value, error.value.description


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "PS256"])
async def test_s070_a_statement_of_a_configured_issuer_is_believed(
    tmp_path: Path, algorithm: str
) -> None:
    signer = StatementSigner(algorithm)
    text = signer.statement(client_name="Shop")
    statement = await statements(tmp_path, signer).verified(text, now=NOW)
    assert (statement.issuer, statement.software_id) == (ISSUER, "shop")
    assert statement.text == text


@pytest.mark.parametrize("algorithm", ["ES384", "ES512", "EdDSA", "RS512"])
async def test_an_algorithm_counts_only_where_it_is_configured(
    tmp_path: Path, algorithm: str
) -> None:
    signer = StatementSigner(algorithm)
    text = signer.statement()
    assert "alg is not among those" in (await refused(statements(tmp_path, signer), text))[1]
    verifier = statements(tmp_path, signer, algorithms=[algorithm])
    assert (await verifier.verified(text, now=NOW)).software_id == "shop"


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"exp": NOW + 1},
        {"exp": NOW - 59},
        {"nbf": NOW + 60, "iat": NOW + 60},
        {"iat": NOW - 86400 - 60},
        {"aud": "https://auth.test"},
        {"aud": ["https://other.test", "https://auth.test/connect/register"]},
        {"exp": NOW + 0.5, "iat": NOW - 0.5},
    ],
)
async def test_s075_times_and_audience_that_are_right(
    tmp_path: Path, claims: dict[str, JsonValue]
) -> None:
    verifier = statements(tmp_path, max_age="1d")
    assert (await verifier.verified(SIGNER.statement(**claims), now=NOW)).issuer == ISSUER


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"exp": NOW - 60}, "expired"),
        ({"exp": 0}, "expired"),
        ({"exp": "9999999999"}, "exp is not a number"),
        ({"exp": True}, "exp is not a number"),
        ({"nbf": NOW + 61}, "nbf is in the future"),
        ({"iat": NOW + 61}, "iat is in the future"),
        ({"iat": NOW - 86400 - 61}, "iat is more than 86400 seconds ago"),
        ({"iat": None}, "there is no iat"),
        ({"iat": [NOW]}, "iat is not a number"),
        ({"aud": "https://other.test"}, "aud names other servers"),
        ({"aud": []}, "aud"),
        ({"aud": 7}, "aud"),
        ({"iss": None}, "there is no iss"),
        ({"iss": ""}, "there is no iss"),
        ({"iss": [ISSUER]}, "there is no iss"),
    ],
)
async def test_s075_times_and_audience_that_are_wrong(
    tmp_path: Path, claims: dict[str, JsonValue], why: str
) -> None:
    verifier = statements(tmp_path, max_age="1d")
    code, description = await refused(verifier, SIGNER.statement(**claims))
    assert code == "invalid_software_statement"
    assert why in description


async def test_s072_a_statement_of_an_unknown_issuer_is_unapproved(tmp_path: Path) -> None:
    text = StatementSigner(issuer="https://other.test").statement()
    code, _ = await refused(statements(tmp_path), text)
    assert code == "unapproved_software_statement"


@pytest.mark.parametrize("software_id", ["other", "SHOP", None, "", ["shop"]])
async def test_s072_software_that_is_not_approved(tmp_path: Path, software_id: JsonValue) -> None:
    verifier = statements(tmp_path, software_ids=["shop", "stock"])
    code, _ = await refused(verifier, SIGNER.statement(software_id=software_id))
    assert code == "unapproved_software_statement"
    assert (
        await verifier.verified(SIGNER.statement(software_id="stock"), now=NOW)
    ).issuer == ISSUER


async def test_who_is_admitted_by_a_statement_alone_has_a_software_id(tmp_path: Path) -> None:
    verifier = statements(tmp_path, policy="web")
    assert (await verifier.verified(SIGNER.statement(), now=NOW)).subject == f"{ISSUER} shop"
    _, description = await refused(verifier, SIGNER.statement(software_id=None))
    assert "there is no software_id" in description


@pytest.mark.parametrize("software_id", ["a\nb", "a\x00", "\u202eshop", "x" * 513])
async def test_a_software_id_that_is_no_name_is_refused(tmp_path: Path, software_id: str) -> None:
    verifier = statements(tmp_path, policy="web")
    _, description = await refused(verifier, SIGNER.statement(software_id=software_id))
    assert "software_id is no name" in description


async def test_a_statement_that_serves_once_says_which_it_is_and_until_when(tmp_path: Path) -> None:
    verifier = statements(tmp_path, single_use=True)
    text = SIGNER.statement(jti="1", exp=NOW + 10)
    one, other = [
        (await verifier.verified(each, now=NOW)).single_use
        for each in (text, SIGNER.statement(jti="2", exp=NOW + 10))
    ]
    assert one is not None
    assert other is not None
    assert one.hash != other.hash
    assert one.expires_at > NOW + 10 + 60
    for claims in ({"exp": NOW + 10}, {"jti": "1"}, {"jti": 1, "exp": NOW + 10}):
        assert (await refused(verifier, SIGNER.statement(**claims)))[
            0
        ] == "invalid_software_statement"


async def test_keys_that_cannot_be_had_are_a_reason_to_try_again_later() -> None:
    remote = RemoteKeys(nothing, lambda: 0.0)
    issuers = {ISSUER: StatementIssuer(jwks_uri=URL)}
    verifier = SoftwareStatements(issuers, remote, audiences=AUDIENCES)
    with pytest.raises(ProtocolError) as error:
        await verifier.verified(SIGNER.statement(), now=NOW)
    assert (error.value.status, error.value.headers["Retry-After"]) == (503, "30")


async def test_a_new_key_of_the_issuer_is_fetched() -> None:
    successor = StatementSigner(kid="two")
    documents: list[JsonValue] = [{"keys": [SIGNER.jwk()]}, {"keys": [successor.jwk()]}]
    clock = [0.0]

    async def publish(_url: str) -> JsonValue:
        return documents.pop(0)

    remote = RemoteKeys(publish, lambda: clock[0])
    issuers = {ISSUER: StatementIssuer(jwks_uri=URL)}
    verifier = SoftwareStatements(issuers, remote, audiences=AUDIENCES)
    assert (await verifier.verified(SIGNER.statement(), now=NOW)).issuer == ISSUER
    clock[0] = 31.0
    assert (await verifier.verified(successor.statement(), now=NOW)).issuer == ISSUER
    code, _ = await refused(verifier, SIGNER.statement())
    assert code == "invalid_software_statement"


def vouching(**claims: JsonValue) -> SoftwareStatement:
    return SoftwareStatement(
        "the.state.ment", ISSUER, "shop", None, {"iss": ISSUER, **claims}, None
    )


def test_s073_values_of_the_statement_win() -> None:
    statement = vouching(client_name="Shop", redirect_uris=["https://shop.test/cb"])
    own: dict[str, JsonValue] = {
        "client_name": "Bank",
        "scope": "a",
        "redirect_uris": ["https://x.test/"],
    }
    assert statement.vouch_for(own) == {
        "client_name": "Shop",
        "redirect_uris": ["https://shop.test/cb"],
        "scope": "a",
        "software_statement": "the.state.ment",
    }


def test_s073_a_translation_does_not_get_around_the_statement() -> None:
    own: dict[str, JsonValue] = {"client_name#de": "Bank", "tos_uri#de": "https://x.test/agb"}
    merged = vouching(client_name="Shop").vouch_for(own)
    assert "client_name#de" not in merged
    assert merged["tos_uri#de"] == "https://x.test/agb"
    translated = vouching(**{"client_name#de": "Laden"}).vouch_for({"client_name": "Bank"})
    assert "client_name" not in translated


@pytest.mark.parametrize(
    "claims",
    [
        {"client_id": "chosen"},
        {"client_secret": "chosen"},
        {"registration_access_token": "chosen"},
        {"localized": {"client_name#de": "Bank"}},
        {"software_statement": "e30.e30.e30"},
        {"jti": "1", "exp": NOW, "aud": "x"},
        {"client_name": None, "scope": ""},
    ],
)
def test_s073_a_statement_vouches_for_nothing_but_metadata(claims: dict[str, JsonValue]) -> None:
    own: dict[str, JsonValue] = {"client_name": "Shop", "scope": "a"}
    assert vouching(**claims).vouch_for(own) == {**own, "software_statement": "the.state.ment"}


@pytest.mark.parametrize(
    "issuer",
    [
        {},
        {"jwks_file": "f", "jwks_uri": URL},
        {"jwks_uri": "http://statements.test/jwks"},
        {"jwks_uri": "https://2130706433/jwks"},
        {"jwks_uri": URL, "algorithms": []},
        {"jwks_uri": URL, "algorithms": ["none"]},
        {"jwks_uri": URL, "algorithms": ["ES256", "HS256"]},
        {"jwks_uri": URL, "algorithms": ["es256"]},
        {"jwks_uri": URL, "max_age": "long"},
        {"jwks_uri": URL, "max_age": "0s"},
        {"jwks_uri": URL, "key": "x"},
    ],
)
def test_an_issuer_that_is_no_use_or_unsafe_is_refused(issuer: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        StatementIssuer.model_validate(issuer)


def test_a_file_without_keys_is_refused_at_the_start(tmp_path: Path) -> None:
    issuers = {ISSUER: StatementIssuer(jwks_file=tmp_path / "absent.json")}
    with pytest.raises(KeysUnavailable, match="absent"):
        SoftwareStatements(issuers, RemoteKeys(nothing, lambda: 0.0), audiences=AUDIENCES)


ALONE = StatementIssuer(jwks_uri=URL, policy="web")
REQUIRED = Policy(software_statement="required", statement_issuers=(ISSUER,))


@pytest.mark.parametrize(
    ("issuers", "policies", "said"),
    [
        ({"": ALONE}, {}, "give the value of iss"),
        ({"a b": ALONE}, {}, "give the value of iss"),
        ({ISSUER: ALONE}, {}, "there is no such entry under policies"),
        ({ISSUER: ALONE}, {"web": Policy()}, "set software_statement: required"),
        (
            {ISSUER: ALONE},
            {"web": REQUIRED.model_copy(update={"software_statement": "accepted"})},
            "set software_statement: required",
        ),
        (
            {ISSUER: ALONE, "other": StatementIssuer(jwks_uri=URL)},
            {"web": Policy(software_statement="required", statement_issuers=("other",))},
            "list the issuer in its statement_issuers",
        ),
        ({}, {"web": REQUIRED}, "has no entry under statement_issuers"),
        ({}, {"web": Policy(software_statement="accepted")}, "name the issuers that count"),
    ],
)
def test_issuers_and_policies_that_do_not_fit_are_told_with_the_fix(
    issuers: dict[str, StatementIssuer], policies: dict[str, Policy], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        check_statement_issuers(issuers, policies)


def test_issuers_and_policies_that_fit_pass() -> None:
    check_statement_issuers({ISSUER: ALONE}, {"web": REQUIRED, "other": Policy()})
    check_statement_issuers({}, {})
