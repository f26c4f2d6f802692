"""No field is accepted that does nothing: where each field of the CRDs is used."""

import re
from pathlib import Path

import pytest

from dcr_operator.crdgen import crd_documents
from tests.integration.crd_rules import JsonObject, described_fields

_PACKAGE = Path(__file__).parents[3] / "operator" / "dcr_operator"

# Field, the module that reads or writes it, and the word by which it does. A field below one that
# ends in ** goes the way of that one.
_OF_CLIENTS = [
    ("spec.providerRef.kind", "desired", "ref.kind"),
    ("spec.providerRef.name", "desired", "ref.name"),
    ("status.providerRef.kind", "client_status", '"kind"'),
    ("status.providerRef.name", "client_status", '"name"'),
    ("spec.clientMetadata.localized**", "resources/client_metadata", "super().to_wire()"),
    ("spec.clientMetadata.extra**", "resources/client_metadata", "self.extra"),
    ("spec.clientMetadata**", "desired", "spec.client_metadata"),
    ("spec.secret.name", "desired", "secret_name"),
    ("spec.secret.preset", "desired", "spec.preset"),
    ("spec.secret.keys", "desired", "spec.keys"),
    ("spec.secret.template", "desired", "spec.template"),
    ("spec.secret.labels", "desired", "spec.labels"),
    ("spec.secret.annotations", "desired", "spec.annotations"),
    ("spec.secret.type", "desired", "spec.type"),
    ("spec.softwareStatementRef**", "desired", "spec.software_statement_ref"),
    ("spec.rolloutRestart**", "desired", "spec.rollout_restart"),
    ("status.rolloutRestarts.kind", "client_status", '"kind": each.workload.kind'),
    ("status.rolloutRestarts.name", "client_status", '"name": each.workload.name'),
    ("status.rolloutRestarts.contentHash", "client_status", '"contentHash"'),
    ("status.rolloutRestarts.message", "client_status", '"message": each.message'),
    ("spec.clientKeys.algorithm", "desired", "spec.algorithm"),
    ("spec.clientKeys.rotateEvery", "desired", "spec.rotate_every"),
    ("spec.clientKeys.overlap", "desired", "spec.overlap"),
    ("spec.rotation.every", "desired", "spec.every"),
    ("spec.rotation.beforeExpiry", "desired", "spec.before_expiry"),
    ("spec.rotation.strategy", "desired", "spec.strategy"),
    ("spec.rotation.overlap", "desired", "spec.overlap"),
    ("spec.suspend", "desired", "spec.suspend"),
    ("spec.adopt.clientId", "desired", "adopt.client_id"),
    ("spec.adopt.registrationRef.name", "desired", "registration_ref.name"),
    ("spec.deletionPolicy", "desired", "deletion_policy"),
    ("status.observedGeneration", "client_status", '"observedGeneration"'),
    ("status.conditions", "client_status", '"conditions"'),
    ("status.conditions.type", "conditions", '"type"'),
    ("status.conditions.status", "conditions", '"status"'),
    ("status.conditions.observedGeneration", "conditions", '"observedGeneration"'),
    ("status.conditions.lastTransitionTime", "conditions", '"lastTransitionTime"'),
    ("status.conditions.reason", "conditions", '"reason"'),
    ("status.conditions.message", "conditions", '"message"'),
    ("status.operatorClass", "operator_class", '"operatorClass"'),
    ("status.lastHandledReconcileAt", "reconcile_request", '"lastHandledReconcileAt"'),
    ("status.clientId", "client_status", '"clientId"'),
    ("status.issuer", "client_status", '"issuer"'),
    ("status.registrationClientUri", "client_status", '"registrationClientUri"'),
    ("status.secretName", "client_status", '"secretName"'),
    ("status.clientIdIssuedAt", "client_status", '"clientIdIssuedAt"'),
    ("status.clientSecretExpiresAt", "client_status", '"clientSecretExpiresAt"'),
    ("status.lastRotationTime", "client_status", '"lastRotationTime"'),
    ("status.nextRotationTime", "client_status", '"nextRotationTime"'),
    ("status.previousCredentialsValidUntil", "client_status", '"previousCredentialsValidUntil"'),
    ("status.lastHandledRotateAt", "client_status", '"lastHandledRotateAt"'),
    ("status.registeredMetadata", "client_status", '"registeredMetadata"'),
    ("status.drift", "client_status", '"drift"'),
    ("status.drift.member", "client_status", '"member"'),
    ("status.drift.message", "client_status", '"message"'),
]
_OF_PROVIDERS = [
    ("spec.issuer", "observe_provider", "spec.issuer"),
    ("spec.operatorClass", "operator_class", '"operatorClass"'),
    ("spec.registrationEndpoint", "observe_provider", "spec.registration_endpoint"),
    ("spec.allowedOrigins", "observe_provider", "spec.allowed_origins"),
    ("spec.clientPolicy.grantTypes", "client_policy", "policy.grant_types"),
    (
        "spec.clientPolicy.tokenEndpointAuthMethods",
        "client_policy",
        "policy.token_endpoint_auth_methods",
    ),
    ("spec.clientPolicy.redirectUris", "client_policy", "policy.redirect_uris"),
    ("spec.clientPolicy.scopes", "client_policy", "policy.scopes"),
    (
        "spec.clientPolicy.maxClientsPerNamespace",
        "plan_registration",
        "policy.max_clients_per_namespace",
    ),
    ("spec.clientPolicy.extraMembers", "client_policy", "policy.extra_members"),
    ("spec.limits.requestsPerSecond", "observe_provider", "limits.requests_per_second"),
    ("spec.limits.burst", "observe_provider", "limits.burst"),
    ("spec.limits.maxConcurrent", "observe_provider", "limits.max_concurrent"),
    ("spec.limits.timeout", "observe_provider", "limits.timeout"),
    ("spec.resyncEvery", "observe_provider", "spec.resync_every"),
    ("spec.onAmbiguousCreate", "observe_provider", "spec.on_ambiguous_create"),
    ("spec.onVanishedClient", "observe_provider", "spec.on_vanished_client"),
    (
        "spec.onLostRegistrationAccessToken",
        "observe_provider",
        "spec.on_lost_registration_access_token",
    ),
    ("spec.initialAccessToken**", "observe_provider", "spec.initial_access_token"),
    ("spec.tls.caBundle", "observe_provider", "tls.ca_bundle"),
    ("spec.tls.caRef**", "observe_provider", "tls.ca_ref"),
    ("spec.backchannelOrigin", "observe_provider", "spec.backchannel_origin"),
    ("spec.allowedNamespaces.names", "resources/provider_parts", "self.names"),
    ("spec.allowedNamespaces.selector", "resources/provider_parts", "self.selector"),
    ("spec.allowedNamespaces.selector**", "resources/label_selector", "self.match_"),
    ("status.observedGeneration", "provider_status", '"observedGeneration"'),
    ("status.conditions**", "provider_status", '"conditions"'),
    ("status.issuer", "provider_status", '"issuer"'),
    ("status.registrationEndpoint", "provider_status", '"registrationEndpoint"'),
    ("status.capabilities", "provider_status", '"capabilities"'),
    ("status.endpointsDigest", "provider_status", "endpoints_digest("),
    ("status.clients", "provider_status", '"clients"'),
]
_TABLES = {
    "OAuthClient": _OF_CLIENTS,
    "OAuthProvider": _OF_PROVIDERS,
    "ClusterOAuthProvider": _OF_PROVIDERS,
}
_CRDS: list[JsonObject] = [dict(document) for document in crd_documents()]


def _is_listed(path: str, table: list[tuple[str, str, str]]) -> bool:
    # A group says nothing by itself: its fields do.
    return any(
        path == field
        or field.startswith(f"{path}.")
        or (field.endswith("**") and f"{path}.".startswith(f"{field[:-2]}."))
        for field, _, _ in table
    )


@pytest.mark.parametrize("document", _CRDS, ids=lambda crd: crd["spec"]["names"]["kind"])
def test_every_field_has_a_place_that_uses_it(document: JsonObject) -> None:
    table = _TABLES[document["spec"]["names"]["kind"]]
    paths = [re.sub(r"\[\]|\{\}", "", path) for path, _ in described_fields(document)]
    assert [path for path in paths if not _is_listed(path, table)] == []


@pytest.mark.parametrize(
    ("module", "word"),
    [pytest.param(*rest, id=field) for field, *rest in _OF_CLIENTS + _OF_PROVIDERS],
)
def test_the_place_has_the_word(module: str, word: str) -> None:
    assert word in (_PACKAGE / f"{module}.py").read_text("utf-8")
