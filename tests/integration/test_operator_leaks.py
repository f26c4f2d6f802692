"""Credentials are in Secrets and nowhere else: everything that the operator emits is searched.

The operator logs at its most talkative level. Each credential that existed at any time is searched
for as it is, in base64 and in base64url.
"""

import base64
import json
from collections.abc import Iterator

import httpx
import pytest

from tests.cluster.client import JsonObject, KubernetesClient
from tests.cluster.starting import Cluster
from tests.integration.operator_stage import (
    API_VERSION,
    CLIENT,
    CLUSTER_PROVIDER,
    Stage,
    Tenant,
    decoded_record,
    new_tenant,
    raised_stage,
)

pytestmark = pytest.mark.integration

# A token that no server minted, so that refusals are told about as well.
MARKED = "marked-initial-access-token-0123456789abcdef"
# What is secret in a record and in a Secret of a tenant; the rest may be known.
_CREDENTIALS = ("secret", "token", "private", "body")


@pytest.fixture(scope="module")
def stage(
    cluster: Cluster, admin: KubernetesClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    directory = tmp_path_factory.mktemp("stage")
    settings = {"log_level": "debug", "resync": "2s"}
    with raised_stage(cluster, admin, directory, **settings) as stage:
        yield stage


@pytest.fixture
def tenant(stage: Stage) -> Iterator[Tenant]:
    with new_tenant(stage) as tenant:
        yield tenant


def live_with_every_trouble(tenant: Tenant) -> Iterator[None]:
    """Yield whenever there may be credentials that were not there before."""
    tenant.use_token(MARKED)
    tenant.apply("app")
    tenant.wait_for_reason("app", "InitialAccessTokenRejected")
    yield
    tenant.apply_token(tenant.stage.server.mint_initial_access_token())
    tenant.wait_until_ready("app")
    yield
    tenant.apply("app", clientName="renamed")
    tenant.wait_until_ready("app", 2)
    yield
    tenant.apply("app", grantTypes=["urn:example:unknown"])
    tenant.wait_for_reason("app", "RegistrationRejected")
    yield
    tenant.apply("app")
    tenant.wait_until_ready("app", 4)
    vanish(tenant)
    tenant.wait_for_event("ClientVanished")
    tenant.wait_until_ready("app", 4)
    yield
    tenant.delete("app")
    tenant.wait_until_gone("app")


def vanish(tenant: Tenant) -> None:
    """Remove the client at the server behind the operator's back, by the record's own token."""
    registration = only_record(tenant)["registration"]
    token = registration["registration_access_token"]
    answer = httpx.delete(
        registration["registration_client_uri"],
        headers={"Authorization": f"Bearer {token}"},
        trust_env=False,
    )
    assert answer.status_code == 204


def only_record(tenant: Tenant) -> JsonObject:
    (record,) = [
        decoded_record(secret)
        for secret in tenant.admin.list("v1/Secret", tenant.stage.namespace)
        if secret["metadata"]["name"].startswith("oauthclient-")
    ]
    return record


def credentials(tenant: Tenant) -> set[str]:
    """Return all that is secret in records and in Secrets at this moment."""
    found: set[str] = set()
    for namespace in (tenant.namespace, tenant.stage.namespace):
        for secret in tenant.admin.list("v1/Secret", namespace):
            data = {
                key: base64.b64decode(value).decode(errors="replace")
                for key, value in (secret.get("data") or {}).items()
            }
            document = data.pop("record.json", None)
            found |= set(_secret_values(data))
            if document is not None:
                found |= set(_secret_values(json.loads(document)))
    return found


def _secret_values(document: object, *, inside: bool = False) -> Iterator[str]:
    if isinstance(document, dict):
        for key, value in document.items():
            yield from _secret_values(value, inside=inside or _is_secret(key))
    elif isinstance(document, list):
        for value in document:
            yield from _secret_values(value, inside=inside)
    elif inside and isinstance(document, str) and len(document) >= 16:
        yield document


def _is_secret(key: str) -> bool:
    named = any(word in key for word in _CREDENTIALS)
    # token_endpoint, token_endpoint_auth_method and their kin are known to everybody.
    return named and "endpoint" not in key and not key.endswith(("_at", "_uri"))


def emitted(tenant: Tenant) -> dict[str, str]:
    admin, stage = tenant.admin, tenant.stage
    events = "events.k8s.io/v1/Event"
    return {
        "log": stage.operator.process.log_text(),
        "metrics": httpx.get(f"{stage.operator.url}/metrics", trust_env=False).text,
        "events": json.dumps([*admin.list(events, tenant.namespace), *admin.list(events)]),
        "clients": json.dumps(admin.list(CLIENT, tenant.namespace)),
        "providers": json.dumps(
            [*admin.list(CLUSTER_PROVIDER), *admin.list(f"{API_VERSION}/OAuthProvider")]
        ),
    }


def forms(credential: str) -> set[str]:
    encoded = credential.encode()
    return {
        credential,
        json.dumps(credential)[1:-1],
        base64.b64encode(encoded).decode().rstrip("="),
        base64.urlsafe_b64encode(encoded).decode().rstrip("="),
    }


def test_no_credential_is_in_log_events_status_or_metrics(tenant: Tenant) -> None:
    known: set[str] = set()
    said: dict[str, str] = {}
    for _ in live_with_every_trouble(tenant):
        known |= credentials(tenant)
        for where, text in emitted(tenant).items():
            said[where] = said.get(where, "") + text
    for where, text in emitted(tenant).items():
        said[where] += text
    # Two clients, the refused token and a good one, a registration access token for each answer.
    assert MARKED in known
    assert len(known) >= 6
    assert '"level": "debug"' in said["log"] or '"level":"debug"' in said["log"]
    leaks = {
        (where, credential[:6])
        for credential in known
        for form in forms(credential)
        for where, text in said.items()
        if form in text
    }
    assert leaks == set()
