"""Clients, tokens and requests as the tests of the storage need them."""

from collections.abc import Mapping
from dataclasses import replace

from dcr_protocol.json_document import JsonValue
from dcr_server.credentials import Credentials
from dcr_server.records import Actor, Client, InitialAccessToken, Origin, Owner, Repeatable
from dcr_server.storage.protocol import Storage
from dcr_server.storage.requests import Fresh, Registration, Revocation, TokenHolder, Update
from dcr_server.tokens import hash_of

NOW = 1_800_000_000
ORIGIN = Origin(Actor.ADMIN, "192.0.2.1", "r1")
OWNER = Owner("default", "operator")
OTHER = Owner("other", "somebody")
TOKEN = InitialAccessToken(
    token_hash=hash_of("iat"), owner=OWNER, created_at=NOW, expires_at=None, max_uses=None
)


BASIC: Mapping[str, JsonValue] = {
    "client_name": "ü",
    "token_endpoint_auth_method": "client_secret_basic",
}
PUBLIC: Mapping[str, JsonValue] = {"token_endpoint_auth_method": "none"}
REVOCATION = Revocation("jti", NOW, "a", OWNER, NOW - 1, ORIGIN)
KEY = Repeatable(key_hash=hash_of("key"), body_hash=hash_of("body"), at=NOW)


def fresh(name: str) -> Fresh:
    return Fresh(hash_of(f"rat {name}"), hash_of(f"secret {name}"))


def client(client_id: str) -> Client:
    issued = fresh(client_id)
    credentials = Credentials(1, issued.token_hash, issued.secret_hash)
    return Client(client_id, OWNER, NOW, BASIC, (credentials,))


def registration(client_id: str) -> Registration:
    return Registration(client(client_id), fresh(client_id), TOKEN.token_hash, NOW, ORIGIN)


def holder(client_id: str, token: str) -> TokenHolder:
    return TokenHolder(client_id, hash_of(token))


def update(client_id: str, token: str) -> Update:
    metadata = {**BASIC, "client_name": "new"}
    return Update(holder(client_id, token), fresh("new"), NOW, metadata, ORIGIN)


async def register_three(storage: Storage) -> None:
    for client_id, owner in (("a", OWNER), ("b", OTHER), ("c", OWNER)):
        owned = replace(client(client_id), owner=owner)
        await storage.clients.register(replace(registration(client_id), client=owned))
