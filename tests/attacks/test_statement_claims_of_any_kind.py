"""Whatever a good signature is over, the answer is a registration or an error of the RFC."""

import asyncio
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dcr_protocol.json_document import JsonValue
from dcr_server.policies import Policy
from tests.fakes.statement_signer import ISSUER, NOW, StatementSigner
from tests.unit.server.registrant import registrant_at

SIGNER = StatementSigner()
POLICY = Policy(
    grant_types=("authorization_code", "client_credentials"),
    response_types=("code",),
    token_endpoint_auth_methods=("client_secret_basic", "none"),
    redirect_uris=("*",),
    scopes=("*",),
    software_statement="required",
    statement_issuers=(ISSUER,),
)
NAMES = st.sampled_from(
    [
        *("iss", "sub", "aud", "exp", "nbf", "iat", "jti", "software_id", "software_statement"),
        *(
            "redirect_uris",
            "client_name",
            "client_name#de",
            "jwks",
            "jwks_uri",
            "scope",
            "contacts",
        ),
        *("client_id", "client_secret", "registration_access_token", "localized", "#", "", "\x00"),
        *("sector_identifier_uri", "subject_type", "grant_types", "default_max_age"),
    ]
)
VALUES: st.SearchStrategy[JsonValue] = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.sampled_from([0, -1, NOW, NOW + 10, 2**53, 2**63, 2**64, 10**400, 1.5, -1e308]),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=10),
        st.sampled_from([ISSUER, "https://auth.test", "shop", "https://shop.test/cb", "a\nb"]),
    ),
    lambda values: st.one_of(
        st.lists(values, max_size=3), st.dictionaries(st.text(max_size=5), values, max_size=3)
    ),
    max_leaves=6,
)
CLAIMS = st.dictionaries(NAMES, VALUES, max_size=6)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(changes=st.lists(CLAIMS, min_size=1, max_size=10))
@example(changes=[{"exp": 10**400, "jti": "1"}])
@example(changes=[{"exp": 1e308, "jti": "1"}])
@example(changes=[{"exp": 2**63, "jti": "1", "redirect_uris": ["https://shop.test/cb"]}])
@example(changes=[{"iat": -(10**400)}])
@example(changes=[{"software_id": "\ud83d\ude00"}])
def test_s072_signed_claims_of_any_kind(
    tmp_path: Path, changes: list[dict[str, JsonValue]]
) -> None:
    async def scenario() -> None:
        async with registrant_at(
            tmp_path,
            policies={"web": POLICY},
            statement_issuers={
                ISSUER: {"jwks_file": SIGNER.write_jwks(tmp_path / "jwks"), "single_use": True}
            },
        ) as registrant:
            for change in changes:
                claims = {"iss": ISSUER, "software_id": "shop", **change}
                text = SIGNER.sign({"alg": "ES256", "kid": "one"}, claims)
                response = await registrant.post({"software_statement": text})
                assert response.status_code in {201, 400}, response.text
                assert response.status_code == 201 or response.json()["error"] in {
                    *("invalid_software_statement", "unapproved_software_statement"),
                    *("invalid_client_metadata", "invalid_redirect_uri", "invalid_request"),
                }

    asyncio.run(scenario())
