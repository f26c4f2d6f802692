"""Create Secrets through the Kubernetes API, with the account of the pod.

One request is all that the server ever asks of Kubernetes: the standard library does it, and the
server's image stays without a Kubernetes client.
"""

import base64
import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

POD_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_TIMEOUT = 30.0
_LABELS = {"app.kubernetes.io/managed-by": "dcr-server"}
# What the API server says is for a log line.
_MESSAGE_CHARACTERS = 256


class KubernetesSecretsError(Exception):
    """The text says what the API server answered, or why it could not be asked."""


@dataclass(frozen=True, slots=True)
class KubernetesSecrets:
    """The Secrets of one namespace."""

    host: str
    port: int
    namespace: str
    token: str = field(repr=False)
    ca_file: Path

    def create(self, name: str, secret_type: str, data: Mapping[str, bytes]) -> bool:
        """Return False when a Secret of that name is there; raises KubernetesSecretsError."""
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "labels": _LABELS},
            "type": secret_type,
            "data": {key: base64.b64encode(value).decode() for key, value in data.items()},
        }
        status, answer = self._post(json.dumps(body))
        if status == http.client.CONFLICT:
            return False
        if status != http.client.CREATED:
            raise KubernetesSecretsError(
                f"Secret {self.namespace}/{name} could not be created: {status} {_message(answer)}"
            )
        return True

    def _post(self, body: str) -> tuple[int, bytes]:
        tls = ssl.create_default_context(cafile=self.ca_file)
        connection = http.client.HTTPSConnection(
            self.host, self.port, timeout=_TIMEOUT, context=tls
        )
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        try:
            connection.request(
                "POST", f"/api/v1/namespaces/{quote(self.namespace)}/secrets", body, headers
            )
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            raise KubernetesSecretsError(
                f"the Kubernetes API at {self.host}:{self.port} did not answer: {error}"
            ) from error
        finally:
            connection.close()


def in_cluster(environment: Mapping[str, str], account: Path = POD_ACCOUNT) -> KubernetesSecrets:
    """Raises KubernetesSecretsError outside of a pod, or in one without an account's token."""
    try:
        return KubernetesSecrets(
            host=environment["KUBERNETES_SERVICE_HOST"],
            port=int(environment["KUBERNETES_SERVICE_PORT"]),
            namespace=(account / "namespace").read_text().strip(),
            token=(account / "token").read_text().strip(),
            ca_file=account / "ca.crt",
        )
    except (KeyError, OSError, ValueError) as error:
        raise KubernetesSecretsError(
            "this is not a pod with a ServiceAccount's token; dcr-server bootstrap runs in a"
            " cluster only, elsewhere bring the keys yourself"
        ) from error


def _message(answer: bytes) -> str:
    try:
        document = json.loads(answer)
    except ValueError:
        return ""
    message = document.get("message", "") if isinstance(document, dict) else ""
    return str(message)[:_MESSAGE_CHARACTERS]
