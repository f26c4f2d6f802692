"""Credentials for what schemathesis sends; it loads this in a process of its own.

Requests for clients mostly name one that exists, with its token of the moment, so that what they
hold gets past the door and meets the rules.
"""

import base64
import os
from typing import Any, cast

import httpx
import schemathesis
from schemathesis import AuthContext, Case, HookContext, Response

ISSUER = os.environ["ATTACKED_ISSUER"]
INITIAL_ACCESS_TOKEN = os.environ["ATTACKED_INITIAL_ACCESS_TOKEN"]
ADMIN_TOKEN = os.environ["ATTACKED_ADMIN_TOKEN"]

REGISTRATION = "/connect/register"
CLIENT = f"{REGISTRATION}/{{client_id}}"
BY_CLIENTS = ("/token", "/introspect", "/revoke")
MACHINE = {"grant_types": ["client_credentials"], "scope": "a b"}

# What was answered last about each client that is thought to exist.
_clients: dict[str, dict[str, Any]] = {}


def _standing_client() -> str:
    """Name a client that exists; most cases share it."""
    if not _clients:
        answer = httpx.post(
            f"{ISSUER}{REGISTRATION}",
            json=MACHINE,
            headers={"Authorization": f"Bearer {INITIAL_ACCESS_TOKEN}"},
            trust_env=False,
        )
        _clients[answer.json()["client_id"]] = answer.json()
    return next(iter(_clients))


def _client_of(case: Case[Any]) -> str:
    client_id = case.path_parameters.get("client_id")
    return client_id if client_id in _clients else _standing_client()


def _authorization(case: Case[Any]) -> str | None:
    path = case.operation.path
    if path.startswith("/admin/"):
        return f"Bearer {ADMIN_TOKEN}"
    if path.startswith(CLIENT):
        return f"Bearer {_clients[_client_of(case)]['registration_access_token']}"
    if path == REGISTRATION:
        return f"Bearer {INITIAL_ACCESS_TOKEN}"
    if path not in BY_CLIENTS:
        return None
    client = _clients[_standing_client()]
    pair = f"{client['client_id']}:{client.get('client_secret', '')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


@schemathesis.auth(refresh_interval=None)
class Credentials:
    def get(self, case: Case[Any], _context: AuthContext) -> str | None:
        return _authorization(case)

    def set(self, case: Case[Any], data: str, _context: AuthContext) -> None:
        case.headers["Authorization"] = data


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:  # noqa: ARG001 - schemathesis looks at the names
    if not case.operation.path.startswith(CLIENT) or case.method == "DELETE":
        return
    client_id = _client_of(case)
    case.path_parameters["client_id"] = client_id
    if isinstance(case.body, dict):
        body = cast("dict[str, Any]", case.body)
        # A guess for either is all but sure to be wrong; the rest of the body would not be seen.
        if isinstance(body.get("client_id"), str):
            body["client_id"] = client_id
        if isinstance(body.get("client_secret"), str):
            del body["client_secret"]


@schemathesis.hook
def after_call(context: HookContext, case: Case[Any], response: Response) -> None:  # noqa: ARG001 - as above
    if not case.operation.path.startswith(REGISTRATION):
        return
    if response.status_code == 204:
        _clients.pop(str(case.path_parameters.get("client_id")), None)
    elif response.status_code in {200, 201} and case.method in {"POST", "PUT"}:
        document = response.json()
        _clients[document["client_id"]] = _clients.get(document["client_id"], {}) | document
