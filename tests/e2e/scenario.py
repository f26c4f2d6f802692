"""What has to hold in a cluster: from `helm install` to a pod that logs in, and back."""

import json
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.demo.narration import Narration, check, wait_until
from tests.e2e.installation import NAMESPACE, PROVIDER_NAME, Installation, is_ready
from tests.e2e.workload import Workload
from tests.processes.kubectl import JsonObject, Kubectl

EXAMPLE = Path(__file__).parents[2] / "examples" / "quickstart.yaml"
TENANT = "dcr-demo"
_SECONDS = 90.0
_OK = 200
_UNAUTHORIZED = 401
_COPY = "credentials-of-before"
_NEW_NAME = "Renamed"


@dataclass(frozen=True, slots=True)
class Scene:
    narration: Narration
    kubectl: Kubectl
    installation: Installation
    workload: Workload

    def client(self) -> JsonObject:
        name = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))["metadata"]["name"]
        return self.kubectl.get("oauthclient", name, TENANT) or {"metadata": {"name": name}}

    def wait_until_ready(self, generation: int) -> JsonObject:
        wait_until(
            f"OAuthClient Ready at generation {generation}",
            lambda: self.client().get("status"),
            lambda status: is_ready({"status": status or {}}, generation=generation),
            seconds=_SECONDS,
        )
        return self.client()

    def show(self, *arguments: str) -> None:
        self.narration.show(f"$ kubectl {' '.join(arguments)}")
        self.narration.show(self.kubectl.run(*arguments))


def play(scene: Scene) -> None:
    step = scene.narration.step
    with step("helm install: operator and registration server, keys made in the cluster"):
        scene.kubectl.apply(_namespace(NAMESPACE), _namespace(TENANT))
        scene.installation.install()
        scene.show("-n", NAMESPACE, "get", "deployments,jobs")
    with step("Tell the operator about the server; it is Ready"):
        scene.installation.introduce_provider(TENANT)
        scene.show("get", "clusteroauthproviders")
    with step(f"Apply examples/{EXAMPLE.name}; it becomes Ready"):
        scene.show("apply", "-n", TENANT, "-f", str(EXAMPLE))
        client = scene.wait_until_ready(1)
        scene.show("get", "oauthclients", "-n", TENANT)
    with step("A pod mounts the Secret and logs in with it"):
        _log_in(scene, "first-login", client)
    with step("helm upgrade: a new server pod, the same keys, and the credentials still work"):
        _upgrade(scene, client)
    with step("Edit the resource; the provider follows, the client stays the same"):
        _edit(scene, client)
    with step("Delete the resource; Secret and record go, and the credentials are refused"):
        _delete(scene, client)


def clear(scene: Scene) -> None:
    with scene.narration.step("helm uninstall; CRDs and keys stay, as the chart says"):
        scene.kubectl.run("delete", "clusteroauthprovider", PROVIDER_NAME, "--timeout=60s")
        scene.kubectl.run("delete", "namespace", TENANT, "--timeout=100s")
        keys = scene.installation.secrets()
        scene.installation.uninstall()
        same = scene.installation.secrets() == keys
        check("the generated Secrets as they were", "a missing or changed one", holds=same)
        scene.show("get", "crds")
        scene.kubectl.run("delete", "namespace", NAMESPACE, "--timeout=100s")


def _log_in(scene: Scene, pod: str, client: JsonObject) -> None:
    answer = scene.workload.log_in(pod, client["status"]["secretName"])
    check("200 from the token endpoint", answer, holds=answer.get("status") == _OK)
    claims = answer["claims"]
    scene.narration.show("its token's claims:")
    shown = {key: claims[key] for key in ("iss", "sub", "aud", "exp") if key in claims}
    scene.narration.show(json.dumps(shown, indent=2))
    wanted = client["status"]["clientId"]
    seen = claims.get("client_id")
    check(f"client_id {wanted}, as in the status", seen, holds=seen == wanted)


def _upgrade(scene: Scene, client: JsonObject) -> None:
    before = scene.installation.secrets()
    scene.installation.install(revision="second")
    same = scene.installation.secrets() == before
    check("the generated Secrets as they were", "a changed one", holds=same)
    _log_in(scene, "login-after-upgrade", client)


def _edit(scene: Scene, client: JsonObject) -> None:
    patch = json.dumps({"spec": {"clientMetadata": {"clientName": _NEW_NAME}}})
    name = client["metadata"]["name"]
    scene.show("patch", "oauthclient", name, "-n", TENANT, "--type=merge", "-p", patch)
    edited = scene.wait_until_ready(client["metadata"]["generation"] + 1)
    wanted, seen = client["status"]["clientId"], edited["status"]["clientId"]
    check(f"the same client_id {wanted}", seen, holds=seen == wanted)
    # What the provider returned to the PUT, not what was asked for (RFC 7591 §3.2.1).
    name = edited["status"]["registeredMetadata"].get("client_name")
    check(f"client_name {_NEW_NAME} at the provider", name, holds=name == _NEW_NAME)
    _log_in(scene, "login-after-edit", edited)


def _delete(scene: Scene, client: JsonObject) -> None:
    secret = client["status"]["secretName"]
    kept = scene.kubectl.get("secret", secret, TENANT) or {}
    scene.kubectl.apply(_copy(kept["data"]))
    name, uid = client["metadata"]["name"], client["metadata"]["uid"]
    scene.show("delete", "oauthclient", name, "-n", TENANT, "--timeout=60s")
    for gone, namespace in ((secret, TENANT), (f"oauthclient-{uid}", NAMESPACE)):
        wait_until(
            f"no Secret {gone} in {namespace}",
            lambda gone=gone, namespace=namespace: scene.kubectl.get("secret", gone, namespace),  # type: ignore[misc] # mypy infers no lambda with defaults
            lambda seen: seen is None,
            seconds=_SECONDS,
        )
    answer = scene.workload.log_in("login-after-deletion", _COPY)
    refused = answer == {"status": _UNAUTHORIZED, "error": "invalid_client"}
    check("401 invalid_client from the token endpoint", answer, holds=refused)
    scene.narration.show("the token endpoint answers 401 invalid_client")


def _copy(data: JsonObject) -> JsonObject:
    """Keep the credentials past their Secret's end, to see them refused."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": _COPY, "namespace": TENANT},
        "data": data,
    }


def _namespace(name: str) -> JsonObject:
    # The strictest profile: what the chart and the examples run must need no more.
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
