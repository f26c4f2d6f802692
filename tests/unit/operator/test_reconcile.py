"""Whole passes against a cluster and a provider in memory: what people see, and what it costs."""

from collections.abc import Callable

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from dcr_operator.kube import CLUSTER_OAUTH_PROVIDERS, SECRETS, member, texts
from tests.fakes.kubernetes_api import member_of
from tests.fakes.operator_world import (
    METADATA,
    NAME,
    NAMESPACE,
    World,
    document,
    encoded,
    new_world,
    ready_world,
)
from tests.fakes.provider import ISSUER


async def test_creating_takes_five_writes_in_the_order_that_survives_a_crash() -> None:
    made = new_world()
    await made.run_pass()
    steps = [call for call in made.wire.calls if not call.startswith("get ")]
    assert steps == [
        "json_patch oauthclients",
        "create secrets",
        "provider register",
        "replace secrets",
        "create secrets",
        "patch_status oauthclients",
    ]
    assert made.condition() == ("True", "Ready")


async def test_a_steady_pass_writes_nothing_and_asks_nothing() -> None:
    made = await ready_world()
    for _ in range(3):
        await made.run_pass()
        assert (made.wire.writes, made.wire.requests) == ([], [])


async def test_the_secret_holds_the_credentials_and_never_the_management_token() -> None:
    made = await ready_world()
    secret = made.secret()
    assert secret == {
        "client_id": "client-1",
        "client_secret": "secret-2",
        "client_secret_expires_at": "0",
        "issuer": ISSUER,
        "token_endpoint": f"{ISSUER}/token",
        "authorization_endpoint": f"{ISSUER}/authorize",
        "jwks_uri": f"{ISSUER}/jwks",
        "token_endpoint_auth_method": "client_secret_basic",
        "scope": "openid",
    }


async def test_the_secret_has_the_labels_and_annotations_that_the_resource_asks_for() -> None:
    made = World()
    made.add_provider()
    labels, annotations = {"app": "dashboard"}, {"reloader.example.com/match": "true"}
    made.add_client(secret={"labels": labels, "annotations": annotations})
    await made.settle()
    metadata = member(made.cluster.get(SECRETS, NAMESPACE, NAME) or {}, "metadata")
    assert labels.items() <= texts(metadata, "labels").items()
    assert annotations.items() <= texts(metadata, "annotations").items()


async def test_status_tells_what_is_registered() -> None:
    made = await ready_world()
    status = made.status
    assert status["clientId"] == "client-1"
    assert status["secretName"] == NAME
    assert status["observedGeneration"] == 1
    assert status["clientIdIssuedAt"] == "2023-11-14T22:13:20Z"
    assert "clientSecretExpiresAt" not in status
    assert member(status, "registeredMetadata")["client_name"] == "Dashboard"
    assert [made.condition(kind)[0] for kind in ("ProviderReady", "Registered")] == ["True", "True"]


async def test_no_secret_value_is_in_status_or_events() -> None:
    made = await ready_world()
    shown = f"{made.status} {made.events.seen} {made.record!r}"
    assert not [word for word in ("secret-2", "rat-2", "iat-of-the-tests") if word in shown]


async def test_an_edit_is_one_full_put_and_at_most_four_writes() -> None:
    made = await ready_world()
    made.set_client(clientMetadata={**METADATA, "clientName": "New name"})
    await made.run_pass()
    assert made.wire.requests == ["provider update"]
    assert len(made.wire.writes) <= 4
    assert made.provider.clients["client-1"].metadata["client_name"] == "New name"
    assert made.condition() == ("True", "Ready")


async def test_a_token_that_an_update_rotates_is_on_record_with_the_one_before() -> None:
    made = await ready_world()
    made.set_client(clientMetadata={**METADATA, "clientName": "New name"})
    await made.run_pass()
    registration = made.record.registration
    assert registration is not None
    tokens = [each.registration_access_token for each in registration.management()]
    assert tokens == [SecretStr("rat-3"), SecretStr("rat-2")]


async def test_deleting_leaves_nothing_anywhere() -> None:
    made = await ready_world()
    made.delete_client()
    await made.run_pass()
    assert made.client is None
    assert made.provider.clients == {}
    assert made.secret() is None
    assert made.records() == []


async def test_deleting_what_was_never_registered_asks_no_provider() -> None:
    made = World()
    made.add_client()
    await made.settle()
    made.delete_client()
    assert made.client is None


async def test_retain_keeps_client_record_and_secret() -> None:
    made = await ready_world()
    made.set_client(deletionPolicy="Retain")
    await made.settle()
    made.delete_client()
    await made.run_pass()
    assert made.client is None
    assert list(made.provider.clients) == ["client-1"]
    assert made.secret() is not None
    assert len(made.records()) == 1


async def test_deleting_works_without_the_provider_object() -> None:
    made = await ready_world()
    made.cluster.delete(CLUSTER_OAUTH_PROVIDERS, "", "main")
    made.delete_client()
    await made.run_pass()
    assert (made.client, made.provider.clients) == (None, {})


async def test_deletion_is_blocked_while_the_provider_is_down_and_heals() -> None:
    made = await ready_world()
    made.provider.down = True
    made.delete_client()
    result = await made.run_pass()
    assert (result.reason, result.failed) == ("DeletionBlocked", True)
    assert made.condition("Registered") == ("False", "DeletionBlocked")
    made.provider.down = False
    await made.run_pass()
    assert (made.client, made.provider.clients) == (None, {})


async def test_a_resource_made_anew_inherits_nothing() -> None:
    made = await ready_world()
    made.delete_client()
    made.provider.down = True
    await made.run_pass()
    made.provider.down = False
    await made.settle()
    made.add_client()
    await made.settle()
    assert list(made.provider.clients) == ["client-3"]
    assert (made.secret() or {})["client_id"] == "client-3"


def _delete_secret(made: World) -> None:
    made.cluster.delete(SECRETS, NAMESPACE, NAME)


def _edit_secret(made: World) -> None:
    made.cluster.edit(
        SECRETS, NAMESPACE, NAME, lambda each: member_of(each, "data").update(client_secret="eA==")
    )


@pytest.mark.parametrize("harm", [_delete_secret, _edit_secret])
async def test_a_harmed_secret_is_restored_with_the_same_credentials(
    harm: Callable[[World], None],
) -> None:
    made = await ready_world()
    before = made.secret()
    harm(made)
    await made.run_pass()
    assert made.secret() == before
    assert len(made.wire.writes) == 1
    assert made.wire.requests == []


async def test_keys_that_others_added_stay() -> None:
    made = await ready_world()
    made.cluster.edit(
        SECRETS,
        NAMESPACE,
        NAME,
        lambda each: member_of(each, "data").update(extra="eA==", client_id="eA=="),
    )
    await made.settle()
    secret = made.secret() or {}
    assert (secret["extra"], secret["client_id"]) == ("x", "client-1")


async def test_a_key_that_no_longer_applies_is_removed() -> None:
    made = await ready_world()
    made.set_client(clientMetadata={**METADATA, "tokenEndpointAuthMethod": "none"})
    await made.settle()
    secret = made.secret() or {}
    assert secret["token_endpoint_auth_method"] == "none"
    assert "client_secret" not in secret
    assert "client_secret_expires_at" not in secret


async def test_a_foreign_secret_is_never_touched_and_no_client_is_made_for_it() -> None:
    made = World()
    made.add_provider()
    foreign = document(SECRETS, NAMESPACE, NAME, data=encoded({"mine": "x"}))
    made.cluster.create(SECRETS, foreign)
    made.add_client()
    await made.settle()
    assert made.condition() == ("False", "SecretConflict")
    assert made.condition("SecretPublished") == ("False", "SecretConflict")
    assert made.secret() == {"mine": "x"}
    assert made.provider.clients == {}
    made.cluster.delete(SECRETS, NAMESPACE, NAME)
    await made.settle()
    assert made.condition() == ("True", "Ready")


async def test_renaming_the_secret_writes_the_new_one_and_removes_the_old() -> None:
    made = await ready_world()
    made.set_client(secret={"name": "other"})
    await made.settle()
    assert made.secret() is None
    assert (made.secret("other") or {})["client_id"] == "client-1"
    assert made.status["secretName"] == "other"


async def test_another_type_of_secret_is_a_new_secret_with_the_same_credentials() -> None:
    made = await ready_world()
    made.set_client(secret={"type": "kubernetes.io/basic-auth"})
    await made.settle()
    secret = made.secret() or {}
    assert (secret["username"], secret["password"]) == ("client-1", "secret-2")


async def test_the_log_has_a_line_for_each_change_asked_of_the_provider() -> None:
    made = new_world()
    with capture_logs() as logs:
        await made.run_pass()
    steps = [line for line in logs if line["event"] == "step"]
    assert [line["step"] for line in steps if line["log_level"] == "info"] == ["Register"]
    assert {"AddFinalizer", "Publish"} < {line["step"] for line in steps}
    told = {"key": "OAuthClient team-a/dashboard", "provider": "ClusterOAuthProvider/main"}
    assert [line for line in steps if line["step"] == "Register"] == [
        {**told, "uid": made.uid, "event": "step", "step": "Register", "log_level": "info"}
    ]
