"""OAuth clients that nobody here wrote, as they are, against the real server by TLS."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc7591 import ClientMetadataClaims
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from joserfc.jwk import ECKey

from tests.interop.javascript_clients_install import FOLDER, JAVASCRIPT_CLIENTS
from tests.interop.node_packages import NotInstalledError, node_program
from tests.processes.certificates import make_server_certificate
from tests.processes.child_process import inherited_environment
from tests.processes.dcr_server import DcrServer, DcrServerSettings, running_dcr_server

pytestmark = pytest.mark.interop

METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
SECONDS = 120.0
SCOPE = "orders.read"


@pytest.fixture(scope="module", params=["dcr-server"])
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DcrServer]:
    directory = tmp_path_factory.mktemp("clients")
    certificate = make_server_certificate(directory / "tls", "127.0.0.1")
    with running_dcr_server(DcrServerSettings(directory, certificate=certificate)) as server:
        yield server


@pytest.fixture(scope="module")
def node_modules() -> Path:
    try:
        return JAVASCRIPT_CLIENTS.node_modules()
    except NotInstalledError as missing:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(str(missing))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("script", ["oauth4webapi.mjs", "openid_client.mjs"])
def test_a_client_in_javascript_lives_from_discovery_to_deletion(
    server: DcrServer, node_modules: Path, script: str, method: str
) -> None:
    done = subprocess.run(
        [str(node_program()), str(FOLDER / script), method],
        env={
            **inherited_environment(),
            "ISSUER": server.issuer,
            "INITIAL_ACCESS_TOKEN": server.mint_initial_access_token(),
            "NODE_MODULES": str(node_modules),
            "NODE_EXTRA_CA_CERTS": str(server.ca_file),
        },
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["method"] == told["registered"]["token_endpoint_auth_method"] == method
    assert told["client_id"]


def session(server: DcrServer, **settings: object) -> OAuth2Session:
    session = OAuth2Session(**settings)
    session.trust_env = False
    session.verify = str(server.ca_file)
    return session


def bearer(server: DcrServer, token: str) -> OAuth2Session:
    return session(server, token={"access_token": token, "token_type": "Bearer"})


def metadata(method: str, key: ECKey) -> dict[str, object]:
    keys = {"jwks": {"keys": [key.as_dict(private=False)]}} if method == "private_key_jwt" else {}
    return {
        "client_name": "before",
        "grant_types": ["client_credentials"],
        "response_types": [],
        "scope": SCOPE,
        "token_endpoint_auth_method": method,
        **keys,
    }


@pytest.mark.parametrize("method", METHODS)
def test_a_client_in_python_lives_from_discovery_to_deletion(
    server: DcrServer, method: str
) -> None:
    wanted = metadata(method, key := ECKey.generate_key("P-256", auto_kid=True))
    endpoints = discovered(server)
    token = server.mint_initial_access_token()
    created = bearer(server, token).post(endpoints["registration_endpoint"], json=wanted)
    assert created.status_code == 201
    client = created.json()
    ClientMetadataClaims(client, {}).validate()
    machine = session(
        server,
        client_id=client["client_id"],
        client_secret=client.get("client_secret", key),
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
        scope=SCOPE,
    )
    machine.register_client_auth_method(
        PrivateKeyJWT(endpoints["token_endpoint"], headers={"kid": key.kid}, alg="ES256")
    )
    fetch_and_revoke_a_token(machine, endpoints)
    read_update_and_delete(server, client, wanted)
    with pytest.raises(OAuthError, match="invalid_client"):
        machine.fetch_token(endpoints["token_endpoint"], grant_type="client_credentials")


def discovered(server: DcrServer) -> AuthorizationServerMetadata:
    url = f"{server.issuer}/.well-known/oauth-authorization-server"
    document = AuthorizationServerMetadata(session(server).get(url, withhold_token=True).json())
    # It wants at least one response type; there is no authorization endpoint for any.
    for member in document.keys() & set(document.REGISTRY_KEYS) - {"response_types_supported"}:
        getattr(document, f"validate_{member}")()
    assert document["issuer"] == server.issuer
    return document


def fetch_and_revoke_a_token(
    machine: OAuth2Session, endpoints: AuthorizationServerMetadata
) -> None:
    token = machine.fetch_token(endpoints["token_endpoint"], grant_type="client_credentials")
    assert (token["token_type"], token["scope"]) == ("Bearer", SCOPE)
    introspection, value = endpoints.get("introspection_endpoint"), token["access_token"]
    if introspection:
        assert machine.introspect_token(introspection, token=value).json()["active"] is True
        assert machine.revoke_token(endpoints["revocation_endpoint"], token=value).ok
        assert machine.introspect_token(introspection, token=value).json()["active"] is False


def read_update_and_delete(
    server: DcrServer, client: dict[str, str], wanted: dict[str, object]
) -> None:
    uri, token = client["registration_client_uri"], client["registration_access_token"]
    assert bearer(server, token).get(uri).json()["client_id"] == client["client_id"]
    body = {**wanted, "client_id": client["client_id"], "client_name": "after"}
    updated = bearer(server, token).put(uri, json=body)
    assert (updated.status_code, updated.json()["client_name"]) == (200, "after")
    manager = bearer(server, updated.json()["registration_access_token"])
    assert manager.get(uri).json()["client_name"] == "after"
    assert manager.delete(uri).status_code == 204
    assert manager.get(uri).status_code == 401
