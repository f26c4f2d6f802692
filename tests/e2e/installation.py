"""The chart in the cluster, with the registration server that it brings."""

from dataclasses import dataclass

from tests.chart.helm import CHART, RELEASE, Helm, Values
from tests.demo.narration import wait_until
from tests.e2e.volume import is_for_root_alone, make_writable_claim
from tests.processes.kubectl import JsonObject, Kubectl

NAMESPACE = "dcr-system"
SERVER = f"{RELEASE}-server"
TLS_SECRET = f"{SERVER}-tls"
INITIAL_ACCESS_TOKEN_SECRET = f"{SERVER}-initial-access-token"
GENERATED_SECRETS = (TLS_SECRET, INITIAL_ACCESS_TOKEN_SECRET, f"{SERVER}-encryption-key")
ISSUER = f"https://{SERVER}.{NAMESPACE}.svc"
PROVIDER_NAME = "main"

_MINUTES = 5
_PROVIDER_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Installation:
    kubectl: Kubectl
    tag: str

    def install(self, **server: str) -> None:
        """Install, or upgrade with changed annotations of the server's pod, and wait."""
        Helm(self.kubectl.kubeconfig).run(
            "upgrade", "--install", RELEASE, str(CHART), "--namespace", NAMESPACE,
            "--wait", f"--timeout={_MINUTES}m",
            values=self._values(server),
        )  # fmt: skip

    def uninstall(self) -> None:
        Helm(self.kubectl.kubeconfig).run("uninstall", RELEASE, "--namespace", NAMESPACE, "--wait")

    def introduce_provider(self, tenant: str) -> None:
        """Tell the operator about the server, as the chart's notes say, and wait until Ready."""
        self.kubectl.apply(cluster_oauth_provider(tenant))
        wait_until(
            f"ClusterOAuthProvider {PROVIDER_NAME} Ready",
            lambda: (self.kubectl.get("clusteroauthprovider", PROVIDER_NAME) or {}).get("status"),
            lambda status: is_ready({"status": status or {}}),
            seconds=_PROVIDER_SECONDS,
        )

    def secrets(self) -> dict[str, JsonObject]:
        """Return the data of the Secrets that the chart generated, for comparison only."""
        found = {name: self.kubectl.get("secret", name, NAMESPACE) for name in GENERATED_SECRETS}
        return {name: secret["data"] for name, secret in found.items() if secret}

    def _values(self, annotations: dict[str, str]) -> Values:
        image: JsonObject = {"tag": self.tag, "pullPolicy": "IfNotPresent"}
        server: JsonObject = {"enabled": True, "image": image, "podAnnotations": {**annotations}}
        if is_for_root_alone(self.kubectl):
            claim = make_writable_claim(self.kubectl, NAMESPACE, f"dcr-server:{self.tag}")
            server["persistence"] = {"existingClaim": claim}
        return {"operator": {"image": image, "log": {"level": "debug"}}, "server": server}


def cluster_oauth_provider(tenant: str) -> JsonObject:
    return {
        "apiVersion": "dcr-operator.dev/v1alpha1",
        "kind": "ClusterOAuthProvider",
        "metadata": {"name": PROVIDER_NAME},
        "spec": {
            "issuer": ISSUER,
            "tls": {"caRef": {"namespace": NAMESPACE, "name": TLS_SECRET, "key": "ca.crt"}},
            "initialAccessToken": {
                "secretRef": {
                    "namespace": NAMESPACE,
                    "name": INITIAL_ACCESS_TOKEN_SECRET,
                    "key": "token",
                }
            },
            "allowedNamespaces": {"names": [tenant]},
        },
    }


def is_ready(seen: JsonObject, *, generation: int = 0) -> bool:
    return any(
        one["type"] == "Ready"
        and one["status"] == "True"
        and one.get("observedGeneration", 0) >= generation
        for one in seen.get("status", {}).get("conditions", ())
    )
