"""What the tenant Secret holds, when it counts as published, and whose fields are whose."""

from dataclasses import replace

import pytest
from pydantic import SecretStr

from dcr_operator.kube import JsonObject, member
from dcr_operator.observe import owned_fields, tenant_secret
from dcr_operator.reasons import Reason
from dcr_operator.secret_content import (
    SecretContent,
    Unpublishable,
    is_published,
    secret_body,
    secret_content,
    stale_fields,
)
from dcr_operator.secret_form import SecretForm
from dcr_operator.state import ProviderSnapshot, Registration
from tests.fakes.operator_states import KEY, registration, resource, snapshot, tenant

BUNDLE = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"
FORM = SecretForm("dashboard")


def content(
    given: Registration | None = None,
    provider: ProviderSnapshot | None = None,
    form: SecretForm = FORM,
) -> SecretContent:
    found = secret_content(form, provider or snapshot(), given or registration())
    assert isinstance(found, SecretContent)
    return found


def method(name: str) -> Registration:
    return registration(metadata={"token_endpoint_auth_method": name})


@pytest.mark.parametrize(
    ("name", "holds"),
    [
        ("client_secret_basic", True),
        ("client_secret_post", True),
        ("none", False),
        ("private_key_jwt", False),
    ],
)
def test_a_secret_is_published_where_the_method_uses_one(name: str, *, holds: bool) -> None:
    data = content(method(name)).data
    assert ("client_secret" in data) is holds
    assert ("client_secret_expires_at" in data) is holds
    assert data["token_endpoint_auth_method"] == name.encode()


@pytest.mark.parametrize(
    ("expires", "shown"), [(None, b"0"), (0, b"0"), (1900000000, b"1900000000")]
)
def test_expiry_is_seconds_and_0_is_never(expires: int | None, shown: bytes) -> None:
    data = content(registration(client_secret_expires_at=expires)).data
    assert data["client_secret_expires_at"] == shown


def test_the_management_token_is_never_in_it() -> None:
    assert not [value for value in content().data.values() if b"rat" in value]


def test_the_provider_s_authority_comes_along() -> None:
    connection = replace(snapshot().connection, ca_bundle=BUNDLE)
    assert content(provider=snapshot(connection=connection)).data["ca.crt"] == BUNDLE.encode()
    assert "ca.crt" not in content().data


def test_basic_auth_has_the_keys_of_its_type() -> None:
    data = content(form=SecretForm("dashboard", type="kubernetes.io/basic-auth")).data
    assert (data["username"], data["password"]) == (b"client-1", b"s")


@pytest.mark.parametrize("character", ["\n", "\0", "\x1b", "\x85"])
def test_control_characters_are_refused(character: str) -> None:
    given = registration(client_secret=SecretStr(f"a{character}b"))
    found = secret_content(FORM, snapshot(), given)
    assert isinstance(found, Unpublishable)
    assert found.reason is Reason.METADATA_NOT_ACCEPTED
    assert found.message.endswith("the value for client_secret holds control characters")


def test_the_body_is_owned_by_the_resource_and_labelled() -> None:
    form = SecretForm("dashboard", labels={"team": "a"}, annotations={"note": "x"})
    metadata = member(secret_body(resource(), content(form=form)), "metadata")
    assert metadata["labels"] == {
        "team": "a",
        "app.kubernetes.io/managed-by": "dcr-operator",
        "dcr-operator.dev/oauthclient": "dashboard",
    }
    assert metadata["annotations"] == {"note": "x"}
    assert metadata["ownerReferences"] == [
        {
            "apiVersion": "dcr-operator.dev/v1alpha1",
            "kind": "OAuthClient",
            "name": "dashboard",
            "uid": "uid-1",
            "controller": True,
        }
    ]


def test_what_others_added_does_not_count() -> None:
    data = {**content().data, "theirs": b"x"}
    labels = {**tenant().labels, "theirs": "x"}
    assert is_published(tenant(data=data, labels=labels), content(), KEY.name)


def test_what_is_missing_or_different_counts() -> None:
    for harmed in (
        tenant(data={}),
        tenant(data={**content().data, "client_id": b"other"}),
        tenant(labels={}),
        tenant(type="kubernetes.io/basic-auth"),
    ):
        assert not is_published(harmed, content(), KEY.name)


def test_only_what_we_wrote_and_no_longer_want_is_stale() -> None:
    secret = tenant(
        data={**content().data, "password": b"x", "theirs": b"x"},
        owned=frozenset({("data", "password"), ("data", "client_id"), ("labels", "gone")}),
    )
    assert stale_fields(secret, content(), KEY.name) == (("data", "password"),)
    assert not is_published(secret, content(), KEY.name)


def managed(manager: str) -> JsonObject:
    fields: JsonObject = {
        "f:data": {".": {}, "f:client_id": {}},
        "f:metadata": {"f:labels": {"f:team": {}}, "f:annotations": {".": {}, "f:note": {}}},
    }
    return {"manager": manager, "operation": "Update", "fieldsV1": fields}


def test_ownership_is_read_from_the_api_server_s_books() -> None:
    secret: JsonObject = {"metadata": {"managedFields": [managed("dcr-operator")]}}
    assert owned_fields(secret) == {
        ("data", "client_id"),
        ("labels", "team"),
        ("annotations", "note"),
    }
    assert owned_fields({"metadata": {"managedFields": [managed("kubectl")]}}) == frozenset()
    assert owned_fields({}) == frozenset()


@pytest.mark.parametrize(
    ("owner", "ours"),
    [
        ({"uid": "uid-1", "controller": True}, True),
        ({"uid": "uid-1"}, False),
        ({"uid": "of-the-one-before", "controller": True}, False),
    ],
)
def test_a_secret_is_ours_by_uid(owner: JsonObject, *, ours: bool) -> None:
    secret: JsonObject = {
        "metadata": {"name": "dashboard", "ownerReferences": [owner]},
        "data": {"client_id": "*"},
    }
    found = tenant_secret(secret, "uid-1")
    assert found.ours is ours
    assert found.data == {"client_id": b""}
