"""A token is good for what it was made for: no other JWT or credential passes for it."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from joserfc.jwk import JWKRegistry

from dcr_protocol.json_document import JsonValue
from dcr_server.encryption import Sealer
from dcr_server.key_rotation import Wish, rotate
from dcr_server.signing_keys import place_of
from dcr_server.tokens import system_entropy
from tests.fakes.client_keys import ClientKey, assertion_claims, base64url, client_key, to_json
from tests.fakes.dcr_server_app import ENCRYPTION_KEY
from tests.unit.server.registrant import (
    EVERYTHING,
    MACHINE,
    Registered,
    Registrant,
    bearer,
    registrant_at,
)

ISSUER = "https://auth.test"
WATCHER = {"default": EVERYTHING.model_copy(update={"introspect": "any"})}
FOREIGN = client_key("ES256", "foreign")


def servers_key(registrant: Registrant) -> ClientKey:
    """The private key of the server, as only it has it: to make what it never would."""
    loaded = registrant.server.signing_keys.newest
    sealed = loaded.record.sealed_private_key
    private = json.loads(Sealer(ENCRYPTION_KEY, bytes).open(sealed, place=place_of(loaded.kid)))
    return ClientKey("ES256", JWKRegistry.import_key(private), loaded.kid)


def claims_of_a_token(registrant: Registrant, client: Registered) -> dict[str, JsonValue]:
    now = int(registrant.clock())
    return {
        "iss": ISSUER,
        "sub": client["client_id"],
        "client_id": client["client_id"],
        "aud": ISSUER,
        "exp": now + 600,
        "iat": now,
        "jti": "made-up",
    }


async def is_active(registrant: Registrant, client: Registered, token: str) -> bool:
    response = await registrant.http.post("/introspect", data={"token": token}, auth=client.basic)
    assert response.status_code == 200
    active = response.json()["active"]
    assert active or response.json() == {"active": False}
    return bool(active)


AT_JWT: Mapping[str, JsonValue] = {"typ": "at+jwt"}
Make = Callable[[ClientKey, dict[str, JsonValue]], str]
CONFUSIONS: Mapping[str, Make] = {
    "typ JWT": lambda key, claims: key.sign(claims, {"typ": "JWT"}),
    "no typ": lambda key, claims: key.sign(claims),
    "an ID Token's typ": lambda key, claims: key.sign(claims, {"typ": "id+jwt"}),
    "a logout token": lambda key, claims: key.sign(claims, {"typ": "logout+jwt"}),
    "another issuer": lambda key, claims: key.sign({**claims, "iss": f"{ISSUER}/"}, AT_JWT),
    "no issuer": lambda key, claims: key.sign(_without("iss", claims), AT_JWT),
    "no exp": lambda key, claims: key.sign(_without("exp", claims), AT_JWT),
    "exp as a string": lambda key, claims: key.sign({**claims, "exp": "9999999999"}, AT_JWT),
    "over": lambda key, claims: key.sign({**claims, "exp": 1}, AT_JWT),
    "of no client": lambda key, claims: key.sign(_without("client_id", claims), AT_JWT),
    "of an unknown client": lambda key, claims: key.sign({**claims, "client_id": "x"}, AT_JWT),
    "no kid": lambda key, claims: key.sign(claims, {**AT_JWT, "kid": None}),
    "crit": lambda key, claims: key.sign(claims, {**AT_JWT, "crit": ["exp"]}),
    "a foreign key": lambda _, claims: FOREIGN.sign(claims, AT_JWT),
    "a foreign key under our kid": lambda key, claims: FOREIGN.sign(
        claims, {**AT_JWT, "kid": key.kid}
    ),
    "a foreign key that came along": lambda key, claims: FOREIGN.sign(
        claims, {**AT_JWT, "kid": key.kid, "jwk": FOREIGN.jwk}
    ),
    "none": lambda key, claims: _unsigned({**AT_JWT, "alg": "none", "kid": key.kid}, claims),
    "nOnE": lambda key, claims: _unsigned({**AT_JWT, "alg": "nOnE", "kid": key.kid}, claims),
    "RS256 by name": lambda key, claims: key.sign(claims, {**AT_JWT, "alg": "RS256"}),
    "no signature": lambda key, claims: key.sign(claims, AT_JWT).rpartition(".")[0] + ".",
}


def _without(name: str, claims: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    return {member: value for member, value in claims.items() if member != name}


def _unsigned(header: Mapping[str, JsonValue], claims: Mapping[str, JsonValue]) -> str:
    return f"{base64url(to_json(dict(header)))}.{base64url(to_json(dict(claims)))}."


@pytest.mark.parametrize("make", CONFUSIONS.values(), ids=CONFUSIONS.keys())
async def test_what_is_no_access_token_of_ours_is_inactive(tmp_path: Path, make: Make) -> None:
    async with registrant_at(tmp_path, policies=WATCHER) as registrant:
        client = await registrant.register()
        claims = claims_of_a_token(registrant, client)
        key = servers_key(registrant)
        assert not await is_active(registrant, client, make(key, claims))
        # What makes the difference is the confusion alone.
        assert await is_active(registrant, client, key.sign(claims, AT_JWT))


async def test_an_assertion_is_no_access_token(tmp_path: Path) -> None:
    async with registrant_at(tmp_path, policies=WATCHER) as registrant:
        client = await registrant.register({**MACHINE, "jwks": FOREIGN.jwks})
        claims = assertion_claims(client["client_id"], ISSUER, registrant.clock())
        for header in ({}, AT_JWT):
            assert not await is_active(registrant, client, FOREIGN.sign(claims, header))


async def test_a_token_of_a_server_with_another_name_and_the_same_database_is_another(
    tmp_path: Path,
) -> None:
    async with registrant_at(tmp_path) as registrant:
        client = await registrant.register()
        token = (await registrant.get_token(client.basic)).json()["access_token"]
        async with registrant_at(tmp_path, issuer="https://other.test") as other:
            assert not await is_active(other, client, token)
        assert await is_active(registrant, client, token)


async def test_an_access_token_neither_registers_nor_manages(tmp_path: Path) -> None:
    async with registrant_at(tmp_path) as registrant:
        client = await registrant.register()
        token = (await registrant.get_token(client.basic)).json()["access_token"]
        for response in (
            await registrant.post(token=token),
            await registrant.read(client.uri, token),
            await registrant.put(client, token=token),
            await registrant.delete(client.uri, token),
            await registrant.http.post(f"{client.uri}/secret", headers=bearer(token)),
        ):
            assert (response.status_code, response.json()["error"]) == (401, "invalid_token")
        assert (await registrant.read(client.uri, client.token)).status_code == 200


async def test_no_other_credential_is_the_secret_of_a_client(tmp_path: Path) -> None:
    async with registrant_at(tmp_path) as registrant:
        client, other = [await registrant.register() for _ in range(2)]
        access_token = (await registrant.get_token(client.basic)).json()["access_token"]
        for secret in (
            client.token,
            registrant.initial_access_token,
            access_token,
            other["client_secret"],
            client["client_id"],
            client["client_secret"].upper(),
            client["client_secret"][:-1],
            f"{client['client_secret']} ",
            "",
        ):
            response = await registrant.get_token((client["client_id"], secret))
            assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


async def test_a_revoked_key_ends_its_tokens(tmp_path: Path) -> None:
    async with registrant_at(tmp_path) as registrant:
        client = await registrant.register()
        token = (await registrant.get_token(client.basic)).json()["access_token"]
        await rotate(
            registrant.server.storage.signing_keys,
            Sealer(ENCRYPTION_KEY, system_entropy),
            Wish("ES256", at_once=True),
            now=registrant.server.now(),
        )
        await registrant.server.signing_keys.reload()
        assert not await is_active(registrant, client, token)
        fresh = (await registrant.get_token(client.basic)).json()["access_token"]
        assert await is_active(registrant, client, fresh)
