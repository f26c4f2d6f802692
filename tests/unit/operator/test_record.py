"""The record survives being written and read, and what cannot be read is never guessed."""

import json
from base64 import b64encode
from dataclasses import replace

import pytest
from pydantic import JsonValue, SecretStr

from dcr_operator.kube import JsonObject, member, object_meta
from dcr_operator.ports import ProviderConnection
from dcr_operator.record import (
    client_label,
    parse_record,
    read_record_secret,
    record_name,
    record_secret,
    serialize_record,
)
from dcr_operator.state import IntentKind, Record, RecordUnreadable, Retiring, StoredRecord
from tests.fakes.operator_states import NOW, intent, orphan, registration, snapshot, stored

FULL = stored(
    registration=registration(
        previous_registration_access_token=SecretStr("before"), client_secret_expires_at=0
    ),
    intent=intent(IntentKind.UPDATE, body='{"client_name":"Übersicht"}'.encode()),
    orphans=(orphan(),),
    retiring=(
        Retiring(snapshot(), registration(), intent(IntentKind.DELETE), NOW),
        Retiring(snapshot(), intent=intent(IntentKind.REGISTER, provider=snapshot())),
    ),
).record
EMPTY = stored(registration=None).record


@pytest.mark.parametrize("record", [FULL, EMPTY], ids=["full", "empty"])
def test_what_is_written_is_read_back(record: Record) -> None:
    assert parse_record(serialize_record(record)) == record


def test_the_credentials_are_in_the_document_and_in_no_repr() -> None:
    assert b'"rat"' in serialize_record(FULL)
    assert "'rat'" not in repr(FULL)
    assert "Übersicht" not in repr(FULL)


def changed(**members: JsonValue) -> bytes:
    return json.dumps({**json.loads(serialize_record(FULL)), **members}).encode()


UNREADABLE = [
    (b"{", "not a JSON document"),
    (b"[]", "not a JSON object"),
    (changed(schema_version=2), "schema_version"),
    (changed(registration={"client_id": 7, "client_secret": "tell-nobody"}), "registration"),
]


@pytest.mark.parametrize(("document", "why"), UNREADABLE, ids=[row[1] for row in UNREADABLE])
def test_what_cannot_be_read_says_where_and_shows_no_value(document: bytes, why: str) -> None:
    record = parse_record(document)
    assert isinstance(record, RecordUnreadable)
    assert why in record.message
    assert "tell-nobody" not in record.message


def secret(**members: JsonValue) -> JsonObject:
    metadata: JsonObject = {"uid": "u", "resourceVersion": "4"}
    body = record_secret(FULL, "dcr-system", None)
    return {**body, "metadata": {**member(body, "metadata"), **metadata}, **members}


def test_the_secret_is_named_after_the_uid_and_of_our_type() -> None:
    body = secret()
    assert member(body, "metadata")["name"] == record_name("uid-1") == "oauthclient-uid-1"
    assert body["type"] == "dcr-operator.dev/registration"
    assert read_record_secret(body) == StoredRecord(FULL, "u", "4")


def test_a_replacement_names_the_version_that_it_replaces() -> None:
    metadata = member(record_secret(FULL, "dcr-system", StoredRecord(FULL, "u", "4")), "metadata")
    assert (metadata["uid"], metadata["resourceVersion"]) == ("u", "4")


@pytest.mark.parametrize(
    "members",
    [
        {"type": "Opaque"},
        {"data": {}},
        {"data": {"record.json": "*"}},
        {"data": {"record.json": b64encode(b"[]").decode()}},
    ],
)
def test_another_secret_is_no_record(members: dict[str, JsonValue]) -> None:
    assert isinstance(read_record_secret(secret(**members)), RecordUnreadable)


def test_a_record_has_a_label_for_every_client_that_it_knows() -> None:
    elsewhere = snapshot(connection=ProviderConnection("other", "https://other.example.com"))
    leftover = replace(orphan(), client_id="left")
    record = replace(
        stored().record,
        retiring=(Retiring(elsewhere, registration(client_id="old")), Retiring(elsewhere)),
        orphans=(orphan(), leftover),
    )
    labels = object_meta(record_secret(record, "dcr-system", None)).labels
    known = {
        client_label("https://id.example.com", "client-1"),
        client_label("https://other.example.com", "old"),
        client_label("https://id.example.com", "left"),
    }
    assert labels.keys() == known | {"app.kubernetes.io/managed-by"}


def test_the_label_tells_issuers_and_clients_apart_and_is_a_label() -> None:
    pairs = [("https://a", "b"), ("https://a", "c"), ("https://a\nb", ""), ("https://b", "b")]
    labels = {client_label(*pair) for pair in pairs}
    assert len(labels) == len(pairs)
    assert all(len(label.partition("/")[2]) <= 63 for label in labels)
