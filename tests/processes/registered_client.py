"""A registered client as its pod and its provider see it: credentials, tokens, registration."""

import base64
import json
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import httpx

from tests.processes.kubectl import JsonObject

_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a pod finds in the Secret that it mounts."""

    client_id: str
    client_secret: str = field(repr=False)
    issuer: str
    token_endpoint: str

    @classmethod
    def from_secret(cls, secret: JsonObject) -> "Credentials":
        data = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
        return cls(data["client_id"], data["client_secret"], data["issuer"], data["token_endpoint"])


@dataclass(frozen=True, slots=True)
class Management:
    """What RFC 7592 needs; only the operator's record holds it."""

    registration_client_uri: str
    registration_access_token: str = field(repr=False)

    @classmethod
    def from_record(cls, record: JsonObject) -> "Management":
        """Read the operator's record: one Secret, one JSON document."""
        document = json.loads(base64.b64decode(record["data"]["record.json"]))
        registration = document["registration"]
        return cls(
            registration["registration_client_uri"], registration["registration_access_token"]
        )


@dataclass(frozen=True, slots=True)
class ProviderClient:
    """Requests to a provider, with its CA where it has one of its own."""

    ca_file: Path | None = None

    def token(self, credentials: Credentials) -> httpx.Response:
        # RFC 6749 §2.3.1: both are form-urlencoded before they are joined.
        pair = f"{quote(credentials.client_id, '')}:{quote(credentials.client_secret, '')}"
        basic = base64.b64encode(pair.encode()).decode()
        with self._http() as http:
            return http.post(
                credentials.token_endpoint,
                data={"grant_type": "client_credentials"},
                headers={"Authorization": f"Basic {basic}"},
            )

    def registration(self, management: Management) -> httpx.Response:
        bearer = {"Authorization": f"Bearer {management.registration_access_token}"}
        with self._http() as http:
            return http.get(management.registration_client_uri, headers=bearer)

    def _http(self) -> httpx.Client:
        verify = ssl.create_default_context(cafile=self.ca_file) if self.ca_file else True
        return httpx.Client(verify=verify, trust_env=False, timeout=_TIMEOUT)


def claims(access_token: str) -> JsonObject:
    """Read the claims of a JWT without judging its signature: for show, not for access."""
    payload = access_token.split(".")[1]
    decoded: JsonObject = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return decoded
