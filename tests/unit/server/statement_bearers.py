"""Servers on which software statements count, and what is sent to them."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Literal

from dcr_protocol.json_document import JsonValue
from dcr_server.policies import Policy
from tests.fakes.statement_signer import ISSUER, StatementSigner
from tests.unit.server.registrant import Registrant, registrant_at

SIGNER = StatementSigner()
OTHER = StatementSigner(issuer="https://others.test")
WEB: Mapping[str, JsonValue] = {"redirect_uris": ["https://shop.test/cb"], "client_name": "Shop"}
VOUCHED: Mapping[str, JsonValue] = {**WEB, "software_version": "1"}
KEY = "a-key-that-is-as-long-as-a-uuid-is"


def policy(
    software_statement: Literal["ignored", "accepted", "required"],
    max_clients: int | None = None,
    counting: tuple[str, ...] = (ISSUER,),
) -> Policy:
    return Policy(
        grant_types=("authorization_code",),
        response_types=("code",),
        token_endpoint_auth_methods=("client_secret_basic", "none"),
        redirect_uris=("https://shop.test/*", "https://other.test/*"),
        scopes=("*",),
        software_statement=software_statement,
        statement_issuers=() if software_statement == "ignored" else counting,
        max_clients=max_clients,
    )


@contextlib.asynccontextmanager
async def registering(
    tmp_path: Path,
    software_statement: Literal["ignored", "accepted", "required"] = "required",
    *,
    max_clients: int | None = None,
    counting: tuple[str, ...] = (ISSUER,),
    **issuer: object,
) -> AsyncIterator[Registrant]:
    """Run a server on which one issuer counts for the policy, and another is only configured."""
    jwks = {"jwks_file": SIGNER.write_jwks(tmp_path / "one.json")}
    others = {"jwks_file": OTHER.write_jwks(tmp_path / "others.json")}
    async with registrant_at(
        tmp_path,
        policies={"web": policy(software_statement, max_clients, counting)},
        statement_issuers={ISSUER: {**jwks, **issuer}, OTHER.issuer: others},
    ) as registrant:
        yield registrant


def with_statement(text: JsonValue = None, **members: JsonValue) -> dict[str, JsonValue]:
    return {"software_statement": text or SIGNER.statement(**VOUCHED), **members}


async def without_token(
    registrant: Registrant, body: Mapping[str, JsonValue], **headers: str
) -> tuple[int, dict[str, JsonValue]]:
    response = await registrant.http.post(
        "/connect/register",
        json=dict(body),
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )
    return response.status_code, response.json()
