"""Builders of planner states with keyword overrides: the plain case is Ready and steady."""
# ruff: noqa: ANN401 - keyword overrides may be of any field's type

from datetime import UTC, datetime
from typing import Any

from pydantic import SecretStr

from dcr_operator.desired import canonical_json
from dcr_operator.kube import JsonObject, Key
from dcr_operator.orphans import Orphan, OrphanCause
from dcr_operator.ports import ProviderConnection
from dcr_operator.secret_content import SecretContent, all_labels, secret_content
from dcr_operator.secret_form import SecretForm
from dcr_operator.state import (
    FINALIZER,
    Desired,
    InitialAccessTokenFound,
    Intent,
    IntentKind,
    Observed,
    ProviderPolicy,
    ProviderSnapshot,
    ProviderUsable,
    Record,
    Registration,
    ResourceFacts,
    StoredRecord,
    TenantSecret,
)

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
KEY = Key("OAuthClient", "team-a", "dashboard")
PROVIDER = Key("ClusterOAuthProvider", "", "main")
WANTED: JsonObject = {
    "redirect_uris": ["https://dashboard.example.com/callback"],
    "grant_types": ["authorization_code"],
    "token_endpoint_auth_method": "client_secret_basic",
}
TOKEN_FOUND = InitialAccessTokenFound(SecretStr("iat"))


def snapshot(**changes: Any) -> ProviderSnapshot:
    connection = ProviderConnection("ClusterOAuthProvider/main", "https://id.example.com")
    values = {
        "key": PROVIDER,
        "connection": connection,
        "registration_endpoint": "https://id.example.com/register",
        "token_endpoint": "https://id.example.com/token",
    }
    return ProviderSnapshot(**{**values, **changes})


def usable(*, idempotent: bool = False, **policy: Any) -> ProviderUsable:
    return ProviderUsable(snapshot(idempotent=idempotent), ProviderPolicy(**policy))


def desired(**changes: Any) -> Desired:
    values = {
        "provider": PROVIDER,
        "metadata": WANTED,
        "request": canonical_json(WANTED),
        "spec_hash": "h1",
        "secret": SecretForm("dashboard"),
    }
    return Desired(**{**values, **changes})


def registration(**changes: Any) -> Registration:
    values = {
        "client_id": "client-1",
        "spec_hash": "h1",
        "client_secret": SecretStr("s"),
        "registration_access_token": SecretStr("rat"),
        "registration_client_uri": "https://id.example.com/register/client-1",
        "metadata": WANTED,
    }
    return Registration(**{**values, **changes})


def unmanaged(**changes: Any) -> Registration:
    return registration(registration_access_token=None, registration_client_uri=None, **changes)


def intent(kind: IntentKind, **changes: Any) -> Intent:
    values = {"id": "i1", "started_at": NOW, "spec_hash": "h1", "body": b"{}"}
    return Intent(kind, **{**values, **changes})


def orphan() -> Orphan:
    return Orphan(OrphanCause.AMBIGUOUS_CREATE, "https://id.example.com", NOW, intent_id="i0")


def stored(**changes: Any) -> StoredRecord:
    values = {
        "resource": resource().identity,
        "provider": snapshot(),
        "registration": registration(),
    }
    return StoredRecord(Record(**{**values, **changes}), "record-uid", "7")


def resource(**changes: Any) -> ResourceFacts:
    values = {
        "key": KEY,
        "uid": "uid-1",
        "generation": 3,
        "resource_version": "5",
        "finalizers": (FINALIZER,),
    }
    return ResourceFacts(**{**values, **changes})


def tenant(form: SecretForm | None = None, **changes: Any) -> TenantSecret:
    """Return the Secret as it is when everything is published."""
    content = secret_content(form or SecretForm("dashboard"), snapshot(), registration())
    assert isinstance(content, SecretContent)
    values = {
        "name": content.form.name,
        "uid": "secret-uid",
        "resource_version": "9",
        "ours": True,
        "data": content.data,
        "labels": all_labels(content.form, KEY.name),
        "type": content.form.type,
    }
    return TenantSecret(**{**values, **changes})


def steady(**changes: Any) -> Observed:
    values = {
        "resource": resource(),
        "provider": usable(),
        "provider_key": PROVIDER,
        "record": stored(),
        "secret": tenant(),
    }
    return Observed(**{**values, **changes})


def fresh(**changes: Any) -> Observed:
    """Return what a new resource looks like, ready to be registered."""
    values = {"record": None, "secret": None, "initial_access_token": TOKEN_FOUND}
    return steady(**{**values, **changes})
