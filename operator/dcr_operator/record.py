"""The record: one Secret per OAuthClient in the operator's namespace, one JSON document each.

Pure. It holds what the tenant must not read (the token that can change redirect URIs) and what
deletion needs when everything else is gone. One document, so that every write is atomic.
"""

import hashlib
import json
from base64 import b64decode, b64encode
from dataclasses import asdict
from datetime import datetime
from typing import Final

from pydantic import SecretStr, TypeAdapter, ValidationError

from dcr_operator.kube import API_GROUP, JsonObject, Key, object_meta, texts
from dcr_operator.object_names import MANAGED_BY
from dcr_operator.state import Record, RecordUnreadable, StoredRecord

SCHEMA_VERSION: Final = 1
SECRET_TYPE: Final = "dcr-operator.dev/registration"
DOCUMENT_KEY: Final = "record.json"

_CLIENTS: Final = f"client.{API_GROUP}"
_PREFIX: Final = "oauthclient-"
_DIGITS: Final = 40  # the name of a label has at most 63 characters
_MOST_ORPHANS: Final = 100  # that labels tell of, the latest

# In the work queue: what is left of a resource that is gone. Its name is the uid of that.
RECORD_KIND: Final = "Record"
RECORDS: Final = Key(RECORD_KIND, "", "")  # all of them

_RECORD: Final = TypeAdapter(Record)


def record_name(uid: str) -> str:
    return f"{_PREFIX}{uid}"


def record_key(uid: str) -> Key:
    return Key(RECORD_KIND, "", uid)


def uid_of_record(name: str) -> str | None:
    """Return the uid in the name of a record's Secret; None for the name of another Secret."""
    return name.removeprefix(_PREFIX) if name.startswith(_PREFIX) else None


def serialize_record(record: Record) -> bytes:
    document = {"schema_version": SCHEMA_VERSION, **asdict(record)}
    return json.dumps(document, default=_to_json, separators=(",", ":")).encode()


def parse_record(document: bytes) -> Record | RecordUnreadable:
    """Read a record; whatever cannot be read is left alone, never overwritten."""
    try:
        value = json.loads(document)
    except ValueError:
        return RecordUnreadable("it is not a JSON document")
    if not isinstance(value, dict):
        return RecordUnreadable("it is not a JSON object")
    version = value.get("schema_version")
    if version != SCHEMA_VERSION:
        return RecordUnreadable(f"its schema_version is not {SCHEMA_VERSION}")
    try:
        return _RECORD.validate_python(value)
    except ValidationError as error:
        # Only where it is wrong: the values are credentials.
        places = (".".join(map(str, each["loc"])) for each in error.errors(include_input=False))
        return RecordUnreadable(f"these members cannot be read: {', '.join(sorted(set(places)))}")


def record_secret(record: Record, namespace: str, stored: StoredRecord | None) -> JsonObject:
    """Return the Secret to create, or to replace exactly the version that `stored` was."""
    metadata: JsonObject = {
        "name": record_name(record.resource.uid),
        "namespace": namespace,
        "labels": {**MANAGED_BY, **_client_labels(record)},
    }
    if stored is not None:
        metadata |= {"uid": stored.uid, "resourceVersion": stored.resource_version}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "type": SECRET_TYPE,
        "data": {DOCUMENT_KEY: b64encode(serialize_record(record)).decode()},
    }


def client_label(issuer: str, client_id: str) -> str:
    """Return the label of every record that knows the client; its value is empty."""
    digest = hashlib.sha256(f"{issuer}\n{client_id}".encode()).hexdigest()
    return f"{_CLIENTS}/{digest[:_DIGITS]}"


def _client_labels(record: Record) -> dict[str, str]:
    known = [(record.provider.issuer, record.registration)]
    known += [(each.provider.issuer, each.registration) for each in record.retiring]
    pairs = [(issuer, each.client_id) for issuer, each in known if each is not None]
    named = [(each.issuer, each.client_id) for each in record.orphans if each.client_id]
    return {client_label(*pair): "" for pair in (*pairs, *named[-_MOST_ORPHANS:])}


def read_record_secret(secret: JsonObject) -> StoredRecord | RecordUnreadable:
    encoded = texts(secret, "data").get(DOCUMENT_KEY)
    if secret.get("type") != SECRET_TYPE or encoded is None:
        return RecordUnreadable(f"it is not of type {SECRET_TYPE} with the key {DOCUMENT_KEY}")
    try:
        document = b64decode(encoded, validate=True)
    except ValueError:
        return RecordUnreadable("its data is not base64")
    record = parse_record(document)
    if isinstance(record, RecordUnreadable):
        return record
    meta = object_meta(secret)
    return StoredRecord(record, meta.uid, meta.resource_version)


def _to_json(value: object) -> str:
    match value:
        case SecretStr():
            return value.get_secret_value()
        case datetime():
            return value.isoformat()
        case bytes():
            return value.decode()
    raise TypeError(f"a record cannot hold {type(value).__name__}")
