"""Keys that the operator makes, on the real API server, used at our real server."""

import base64
import json
import time
import uuid

import httpx
import pytest
from joserfc.jwk import JWKRegistry

from tests.cluster.client import JsonObject
from tests.fakes.client_keys import ClientKey, assertion_claims
from tests.integration.operator_stage import (
    CLIENT,
    Tenant,
)

pytestmark = pytest.mark.integration
STAGE = {"resync": "0s"}


def apply_keyed(tenant: Tenant, **keys: object) -> None:
    metadata = {"name": "app", "namespace": tenant.namespace}
    spec = {
        "providerRef": {"kind": "ClusterOAuthProvider", "name": tenant.provider},
        "clientMetadata": {
            "grantTypes": ["client_credentials"],
            "tokenEndpointAuthMethod": "private_key_jwt",
        },
        "clientKeys": keys,
    }
    api_version, _, kind = CLIENT.rpartition("/")
    tenant.admin.apply(
        {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}
    )


def decoded(secret: JsonObject) -> dict[str, str]:
    return {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}


def gets_a_token(secret: dict[str, str]) -> bool:
    jwk = json.loads(secret["private_key.jwk"])
    key = ClientKey(jwk["alg"], JWKRegistry.import_key(jwk), secret["key_id"])
    claims = assertion_claims(
        secret["client_id"], secret["issuer"], time.time(), jti=str(uuid.uuid4())
    )
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": key.sign(claims),
    }
    answer = httpx.post(secret["token_endpoint"], data=form, trust_env=False)
    return answer.status_code == 200


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_a_key_gets_tokens_before_during_and_after_its_rotation(
    tenant: Tenant, algorithm: str
) -> None:
    apply_keyed(tenant, algorithm=algorithm, overlap="6s")
    tenant.wait_until_ready("app")
    first = decoded(tenant.wait_for_secret("app"))
    assert "client_secret" not in first
    assert gets_a_token(first)
    annotations = {"dcr-operator.dev/rotate-requested-at": "now"}
    tenant.admin.patch(CLIENT, tenant.namespace, "app", {"metadata": {"annotations": annotations}})
    second = decoded(
        tenant.wait_for_secret("app", lambda seen: decoded(seen)["key_id"] != first["key_id"])
    )
    assert gets_a_token(second)
    assert gets_a_token(first)
    tenant.wait(
        "app",
        lambda seen: (
            seen["status"].get("lastHandledRotateAt") == "now"
            and "previousCredentialsValidUntil" not in seen["status"]
        ),
    )
    assert not gets_a_token(first)
    assert gets_a_token(decoded(tenant.wait_for_secret("app")))
    assert json.loads(first["private_key.jwk"])["d"] not in (
        tenant.stage.operator.process.log_text()
    )
