"""Registration requests as dictionaries, changed by keyword."""

from pydantic import JsonValue

from dcr_protocol.client_metadata import ClientMetadata, parse_client_metadata
from dcr_protocol.rules import DEFAULT_RULES, MetadataRules, check_client_metadata

RSA_KEY: dict[str, JsonValue] = {"kty": "RSA", "n": "u7Rl3w", "e": "AQAB"}
EC_KEY: dict[str, JsonValue] = {"kty": "EC", "crv": "P-256", "x": "f83OJ3", "y": "x_FEzR"}
PUBLIC_JWKS: dict[str, JsonValue] = {"keys": [RSA_KEY]}


def web_client(**changes: JsonValue) -> dict[str, JsonValue]:
    document: dict[str, JsonValue] = {
        "client_name": "My Dashboard App",
        "redirect_uris": ["https://dashboard.example.com/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "client_secret_basic",
        "scope": "openid profile",
        "application_type": "web",
    }
    return document | changes


def native_client(*redirect_uris: str, **changes: JsonValue) -> dict[str, JsonValue]:
    return web_client(
        application_type="native",
        token_endpoint_auth_method="none",
        redirect_uris=list(redirect_uris),
        **changes,
    )


def machine_client(**changes: JsonValue) -> dict[str, JsonValue]:
    document: dict[str, JsonValue] = {
        "client_name": "nightly report",
        "grant_types": ["client_credentials"],
        "response_types": [],
    }
    return document | changes


def checked(document: dict[str, JsonValue], rules: MetadataRules = DEFAULT_RULES) -> ClientMetadata:
    return check_client_metadata(parse_client_metadata(document), rules)
