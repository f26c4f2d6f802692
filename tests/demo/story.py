"""The life of one OAuthClient, told and checked step by step: apply, use, edit, delete."""

import json
import shlex
from dataclasses import dataclass
from pathlib import Path

import httpx
import yaml

from tests.demo.narration import Narration, check, wait_until
from tests.processes.kubectl import JsonObject, Kubectl
from tests.processes.registered_client import Credentials, Management, ProviderClient, claims

EXAMPLE = Path("examples/quickstart.yaml")
NEW_NAME = "Renamed by the demo"
_READY_SECONDS = 60.0
_SHOWN_CLAIMS = ("iss", "sub", "client_id", "aud", "scope", "iat", "exp")


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the story plays."""

    narration: Narration
    kubectl: Kubectl
    provider: ProviderClient
    namespace: str
    operator_namespace: str

    def client(self) -> JsonObject:
        return self.kubectl.get("oauthclient", example_name(), self.namespace) or {}

    def shown(self, *arguments: str) -> None:
        self.narration.show(f"$ kubectl {shlex.join(arguments)}")
        self.narration.show(self.kubectl.run(*arguments))

    def management(self, uid: str) -> Management:
        """Read what manages the client from the operator's record, as an administrator may."""
        record = self.kubectl.get("secret", f"oauthclient-{uid}", self.operator_namespace)
        return Management.from_record(record or {})


def tell(stage: Stage) -> None:
    with stage.narration.step(f"Apply {EXAMPLE} and wait until it is Ready"):
        client = _apply(stage)
    with stage.narration.step("The Secret that a pod would mount: its keys"):
        credentials = _secret(stage, client)
    with stage.narration.step("A token, obtained with the credentials in the Secret"):
        _token(stage, credentials)
    with stage.narration.step("Edit the resource; the provider has the new name by PUT"):
        management = _edit(stage, client)
    with stage.narration.step("Delete the resource; nothing is left"):
        _delete(stage, client, credentials, management)


def example_name() -> str:
    name: str = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))["metadata"]["name"]
    return name


def _apply(stage: Stage) -> JsonObject:
    stage.narration.show(EXAMPLE.read_text(encoding="utf-8"))
    stage.shown("apply", "-n", stage.namespace, "-f", str(EXAMPLE))
    client = _wait_until_ready(stage, generation=1)
    stage.shown("get", "oauthclients", "-n", stage.namespace)
    return client


def _secret(stage: Stage, client: JsonObject) -> Credentials:
    name = client["status"]["secretName"]
    secret = stage.kubectl.get("secret", name, stage.namespace)
    check(f"a Secret {name} in {stage.namespace}", secret, holds=secret is not None)
    keys = sorted((secret or {}).get("data", {}))
    stage.narration.show(f"{name}: {', '.join(keys)}")
    needed = {"client_id", "client_secret", "issuer", "token_endpoint"}
    check(f"at least the keys {sorted(needed)}", keys, holds=needed <= set(keys))
    credentials = Credentials.from_secret(secret or {})
    check(
        f"client_id {client['status']['clientId']}, as in the status",
        credentials.client_id,
        holds=credentials.client_id == client["status"]["clientId"],
    )
    return credentials


def _token(stage: Stage, credentials: Credentials) -> None:
    answer = stage.provider.token(credentials)
    check("200 from the token endpoint", _shown(answer), holds=answer.status_code == httpx.codes.OK)
    seen = claims(answer.json()["access_token"])
    stage.narration.show("its claims:")
    stage.narration.show(json.dumps({k: seen[k] for k in _SHOWN_CLAIMS if k in seen}, indent=2))
    owner = seen.get("client_id")
    check(f"client_id {credentials.client_id}", owner, holds=owner == credentials.client_id)


def _edit(stage: Stage, client: JsonObject) -> Management:
    uid = client["metadata"]["uid"]
    before = stage.management(uid)
    patch = json.dumps({"spec": {"clientMetadata": {"clientName": NEW_NAME}}})
    name = ("oauthclient", example_name(), "-n", stage.namespace)
    stage.shown("patch", *name, "--type=merge", "-p", patch)
    edited = _wait_until_ready(stage, generation=client["metadata"]["generation"] + 1)
    check("the same client_id", edited["status"]["clientId"], holds=_same_client(client, edited))
    management = stage.management(uid)
    # RFC 7592 §2.2: both providers of the demo answer a PUT, and nothing else, with a new token.
    rotated = management.registration_access_token != before.registration_access_token
    check("a registration access token rotated by PUT", "the one of before", holds=rotated)
    stage.narration.show("the provider answered a PUT: the registration access token is a new one")
    answer = stage.provider.registration(management)
    check("200 from the client configuration endpoint", _shown(answer), holds=answer.is_success)
    seen = answer.json().get("client_name")
    stage.narration.show(f"the provider's own view: client_name is {seen!r}")
    check(f"client_name {NEW_NAME!r} at the provider", seen, holds=seen == NEW_NAME)
    return management


def _delete(
    stage: Stage, client: JsonObject, credentials: Credentials, management: Management
) -> None:
    stage.shown("delete", "oauthclient", example_name(), "-n", stage.namespace, "--timeout=60s")
    answer = stage.provider.token(credentials)
    check("401 invalid_client from the token endpoint", _shown(answer), holds=_is_refused(answer))
    stage.narration.show("at the provider: the token endpoint answers invalid_client")
    answer = stage.provider.registration(management)
    gone = answer.status_code == httpx.codes.UNAUTHORIZED
    check("401 from the client configuration endpoint", _shown(answer), holds=gone)
    stage.narration.show("at the provider: the client configuration endpoint answers 401")
    uid = client["metadata"]["uid"]
    left = {
        "the Secret": ("secret", client["status"]["secretName"], stage.namespace),
        "the operator's record": ("secret", f"oauthclient-{uid}", stage.operator_namespace),
        "the resource": ("oauthclient", example_name(), stage.namespace),
    }
    for title, where in left.items():
        _wait_until_gone(stage, title, where)


def _wait_until_gone(stage: Stage, title: str, where: tuple[str, str, str]) -> None:
    wait_until(
        f"{title} gone: no {' '.join(where[:2])} in {where[2]}",
        lambda: "still there" if stage.kubectl.get(*where) else None,
        lambda seen: seen is None,
        seconds=_READY_SECONDS,
    )
    stage.narration.show(f"in the cluster: {title} is gone")


def _wait_until_ready(stage: Stage, *, generation: int) -> JsonObject:
    def ready(client: JsonObject) -> bool:
        return any(
            condition["type"] == "Ready"
            and condition["status"] == "True"
            and condition["observedGeneration"] >= generation
            for condition in client.get("status", {}).get("conditions", ())
        )

    wait_until(
        f"{example_name()} Ready at generation {generation}",
        lambda: stage.client().get("status"),
        lambda status: ready({"status": status or {}}),
        seconds=_READY_SECONDS,
    )
    return stage.client()


def _same_client(one: JsonObject, other: JsonObject) -> bool:
    return bool(one["status"]["clientId"] == other["status"]["clientId"])


def _is_refused(answer: httpx.Response) -> bool:
    unauthorized = answer.status_code == httpx.codes.UNAUTHORIZED
    return unauthorized and answer.json().get("error") == "invalid_client"


def _shown(answer: httpx.Response) -> str:
    """Describe an answer without what may be secret in it."""
    body = answer.json() if "json" in answer.headers.get("content-type", "") else {}
    return f"{answer.status_code} {body.get('error', '')} {body.get('error_description', '')}"
