"""Fields of providers, and how clients end: each seen in what it does on a real API server."""

import base64
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.cluster.client import JsonObject
from tests.integration.operator_stage import (
    API_VERSION,
    CLIENT,
    CLUSTER_PROVIDER,
    Tenant,
    ready,
    record,
)
from tests.processes.certificates import make_server_certificate
from tests.processes.dcr_server import DcrServer, DcrServerSettings, running_dcr_server
from tests.processes.registered_client import Management, ProviderClient

pytestmark = pytest.mark.integration

TRUSTED = {"name": "authority", "key": "ca.crt"}


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DcrServer]:
    directory = tmp_path_factory.mktemp("tls-server")
    certificate = make_server_certificate(directory, "127.0.0.1")
    with running_dcr_server(DcrServerSettings(directory, certificate=certificate)) as server:
        yield server


def apply_secret(tenant: Tenant, name: str, **data: str) -> None:
    metadata = {"name": name, "namespace": tenant.namespace}
    manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}
    tenant.admin.apply({**manifest, "stringData": data})


def authority(server: DcrServer) -> str:
    assert server.ca_file is not None
    return server.ca_file.read_text(encoding="utf-8")


def published(tenant: Tenant) -> dict[str, str]:
    secret = tenant.wait_for_secret("app")
    return {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}


def remove(tenant: Tenant) -> None:
    """While its provider still answers."""
    tenant.delete("app")
    tenant.wait_until_gone("app")


@pytest.mark.parametrize("by", ["caBundle", "caRef"])
def test_the_authority_of_a_provider_is_trusted_and_published(
    tenant: Tenant, tls_server: DcrServer, by: str
) -> None:
    text = authority(tls_server)
    ref = {**TRUSTED, "namespace": tenant.namespace}
    tls = {"caBundle": text} if by == "caBundle" else {"caRef": ref}
    tenant.apply_token(tls_server.mint_initial_access_token())
    tenant.replace_provider(issuer=tls_server.issuer, tls=tls)
    tenant.apply("app")
    if by == "caRef":
        tenant.wait_for_reason("app", "CertificateAuthorityMissing")
        apply_secret(tenant, "authority", **{"ca.crt": text})
    tenant.wait_until_ready("app")
    assert published(tenant)["ca.crt"] == text
    remove(tenant)


def test_a_provider_that_nobody_vouches_for_is_not_used(
    tenant: Tenant, tls_server: DcrServer
) -> None:
    tenant.replace_provider(issuer=tls_server.issuer)
    tenant.apply("app")
    assert "certificate" in ready(tenant.wait_for_reason("app", "ProviderUnavailable"))["message"]


@pytest.mark.parametrize("by", ["caBundle", "caRef"])
def test_a_provider_of_the_namespace_reads_its_secrets_at_home(
    tenant: Tenant, tls_server: DcrServer, by: str
) -> None:
    text = authority(tls_server)
    tenant.apply_token(tls_server.mint_initial_access_token())
    apply_secret(tenant, "authority", **{"ca.crt": text})
    spec = {
        "issuer": tls_server.issuer,
        "operatorClass": tenant.stage.settings.operator_class,
        "initialAccessToken": {"secretRef": {"name": "access", "key": "token"}},
        "tls": {"caBundle": text} if by == "caBundle" else {"caRef": TRUSTED},
    }
    metadata = {"name": "own", "namespace": tenant.namespace}
    kind = "OAuthProvider"
    tenant.admin.apply(
        {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}
    )
    tenant.admin.apply(client_of(tenant, {"kind": kind, "name": "own"}))
    client = tenant.wait_until_ready("app")
    assert client["status"]["providerRef"] == {"kind": kind, "name": "own"}
    assert ProviderClient(tls_server.ca_file).token(tenant.credentials("app")).status_code == 200
    remove(tenant)


def client_of(tenant: Tenant, ref: JsonObject) -> JsonObject:
    metadata = {"name": "app", "namespace": tenant.namespace}
    wanted = {"clientName": f"{tenant.namespace}-app", "grantTypes": ["client_credentials"]}
    return {
        "apiVersion": API_VERSION,
        "kind": "OAuthClient",
        "metadata": metadata,
        "spec": {"providerRef": ref, "clientMetadata": wanted},
    }


def test_a_provider_is_reached_by_its_back_channel_and_shown_by_its_issuer(
    tenant: Tenant, tmp_path: Path
) -> None:
    public = "https://id.example.com"
    settings = DcrServerSettings(tmp_path, extra={"DCR_SERVER_ISSUER": public})
    with running_dcr_server(settings) as server:
        tenant.apply_token(server.mint_initial_access_token())
        tenant.replace_provider(issuer=public, backchannelOrigin=settings.issuer)
        tenant.apply("app")
        client = tenant.wait_until_ready("app")
        assert client["status"]["registrationClientUri"].startswith(f"{public}/")
        held = published(tenant)
        assert held["issuer"] == public
        assert held["token_endpoint"].startswith(f"{public}/")
        remove(tenant)


def test_the_registration_endpoint_is_the_one_of_the_spec(tenant: Tenant) -> None:
    issuer = tenant.stage.server.issuer
    tenant.replace_provider(registrationEndpoint=f"{issuer}/nowhere")
    tenant.apply("app")
    tenant.wait_for_reason("app", "RegistrationNotSupported")
    elsewhere = issuer.replace("127.0.0.1", "localhost")
    tenant.apply_provider(registrationEndpoint=f"{elsewhere}/connect/register")
    tenant.wait_until_ready("app")
    provider = tenant.admin.get(CLUSTER_PROVIDER, None, tenant.provider)
    assert provider is not None
    assert provider["status"]["registrationEndpoint"] == f"{elsewhere}/connect/register"


def test_a_provider_says_who_it_is_and_what_it_can(tenant: Tenant) -> None:
    tenant.apply("app")
    tenant.wait_until_ready("app")
    provider = tenant.admin.wait_for(
        CLUSTER_PROVIDER,
        None,
        tenant.provider,
        lambda seen: seen is not None and seen.get("status", {}).get("clients") == 1,
        deadline=30.0,
    )
    assert provider is not None
    status = provider["status"]
    assert status["issuer"] == tenant.stage.server.issuer
    assert {"Idempotency", "SecretRotation"} <= set(status["capabilities"])
    assert status["observedGeneration"] == provider["metadata"]["generation"]
    condition = ready(provider)
    assert condition["observedGeneration"] == status["observedGeneration"]
    assert (condition["status"], condition["reason"]) == ("True", "Ready")
    assert condition["message"]
    assert condition["lastTransitionTime"]
    assert status["endpointsDigest"]


def test_requests_to_a_provider_keep_to_its_rate(tenant: Tenant) -> None:
    tenant.apply_provider(limits={"requestsPerSecond": 1, "burst": 1, "maxConcurrent": 1})
    began = time.monotonic()
    names = [f"app-{number}" for number in range(4)]
    for name in names:
        tenant.apply(name)
    for name in names:
        tenant.wait_until_ready(name)
    assert time.monotonic() - began >= len(names) - 1


@contextmanager
def server_that_says_nothing() -> Iterator[str]:
    """Accept every connection, and never answer."""
    taken: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        def take() -> None:
            try:
                while True:
                    taken.append(listening.accept()[0])
            except OSError:
                return  # closed

        threading.Thread(target=take, daemon=True).start()
        yield f"http://127.0.0.1:{port}"
        listening.shutdown(socket.SHUT_RDWR)
    for each in taken:
        each.close()


def test_a_provider_gets_no_more_time_than_its_limit(tenant: Tenant) -> None:
    with server_that_says_nothing() as issuer:
        tenant.replace_provider(issuer=issuer, limits={"timeout": "1s"})
        began = time.monotonic()
        tenant.apply("app")
        tenant.wait_for_reason("app", "ProviderUnavailable")
        # The default is ten seconds.
        assert time.monotonic() - began < 9


def test_a_namespace_is_chosen_by_expressions(tenant: Tenant) -> None:
    name = {"key": "kubernetes.io/metadata.name", "operator": "In"}
    other = {"matchExpressions": [{**name, "values": ["another"]}]}
    tenant.apply_provider(allowedNamespaces={"selector": other})
    tenant.apply("app")
    tenant.wait_for_reason("app", "NamespaceNotAllowed")
    own = {"matchExpressions": [{**name, "values": ["another", tenant.namespace]}]}
    tenant.apply_provider(allowedNamespaces={"selector": own})
    tenant.wait_until_ready("app")


def test_a_client_that_vanished_waits_for_a_person_where_its_provider_says_so(
    tenant: Tenant,
) -> None:
    tenant.apply_provider(onVanishedClient="Stop", resyncEvery="1s")
    tenant.apply("app")
    client = tenant.wait_until_ready("app")
    held = tenant.admin.get("v1/Secret", tenant.stage.namespace, record_name(client))
    assert held is not None
    management = Management.from_record(held)
    bearer = {"Authorization": f"Bearer {management.registration_access_token}"}
    uri = management.registration_client_uri
    assert httpx.delete(uri, headers=bearer, trust_env=False).status_code == httpx.codes.NO_CONTENT
    tenant.wait_for_reason("app", "ClientVanished")
    assert tenant.stage.clients_at_server(f"{tenant.namespace}-app") == 0
    tenant.apply_provider(onVanishedClient="Reregister", resyncEvery="1s")
    tenant.wait_until_ready("app")


def record_name(client: JsonObject) -> str:
    return f"oauthclient-{client['metadata']['uid']}"


def lose_the_token(tenant: Tenant, client: JsonObject) -> None:
    document = record(tenant.stage, client)
    assert document is not None
    document["registration"]["registration_access_token"] = "lost"
    data = {"record.json": base64.b64encode(json.dumps(document).encode()).decode()}
    tenant.admin.patch("v1/Secret", tenant.stage.namespace, record_name(client), {"data": data})


def test_a_lost_token_waits_for_a_person_unless_its_provider_says_to_register_again(
    tenant: Tenant,
) -> None:
    tenant.apply_provider(resyncEvery="1s")
    tenant.apply("app")
    before = tenant.wait_until_ready("app")
    lose_the_token(tenant, before)
    tenant.wait_for_reason("app", "RegistrationAccessTokenRejected")
    tenant.apply_provider(resyncEvery="1s", onLostRegistrationAccessToken="Reregister")
    after = tenant.wait(
        "app", lambda seen: seen["status"]["clientId"] != before["status"]["clientId"]
    )
    tenant.wait_until_ready("app")
    orphans = (record(tenant.stage, after) or {})["orphans"]
    assert [each["client_id"] for each in orphans] == [before["status"]["clientId"]]


def test_a_client_that_is_retained_outlives_its_object(tenant: Tenant) -> None:
    tenant.apply("app")
    tenant.wait_until_ready("app")
    retain = {"spec": {"deletionPolicy": "Retain"}}
    tenant.admin.patch(CLIENT, tenant.namespace, "app", retain)
    tenant.wait_until_ready("app", 2)
    credentials = tenant.credentials("app")
    remove(tenant)
    secret = tenant.wait_for_secret("app")
    assert not secret["metadata"].get("ownerReferences")
    assert ProviderClient().token(credentials).status_code == 200
