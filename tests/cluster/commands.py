"""The command lines of the control plane, as functions of ports and paths."""

from dataclasses import dataclass
from pathlib import Path

# Nothing dials a Service's address here: there is no proxy that would route it. TEST-NET-1
# (RFC 5737) is assigned to nobody, so that a mistaken connection reaches nobody either.
SERVICE_RANGE = "192.0.2.0/24"


@dataclass(frozen=True, slots=True)
class Ports:
    etcd: int
    etcd_peer: int
    kube_apiserver: int


def server_url(ports: Ports) -> str:
    return f"https://127.0.0.1:{ports.kube_apiserver}"


def controllers_kubeconfig(directory: Path) -> Path:
    return directory / "kube-controller-manager.kubeconfig"


def etcd_command(binary: Path, directory: Path, ports: Ports) -> list[str]:
    client = f"http://127.0.0.1:{ports.etcd}"
    peer = f"http://127.0.0.1:{ports.etcd_peer}"
    return [
        str(binary),
        "--name=test",
        f"--data-dir={directory / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=test={peer}",
        "--unsafe-no-fsync",  # the data die with the cluster
        "--log-level=warn",
    ]


def kube_apiserver_command(binary: Path, directory: Path, ports: Ports) -> list[str]:
    return [
        str(binary),
        f"--etcd-servers=http://127.0.0.1:{ports.etcd}",
        "--bind-address=127.0.0.1",
        f"--secure-port={ports.kube_apiserver}",
        f"--cert-dir={directory / 'certificates'}",  # it signs its own
        "--endpoint-reconciler-type=none",  # the default refuses a loopback address
        "--authorization-mode=RBAC",
        f"--token-auth-file={directory / 'tokens.csv'}",
        # Its real address, so that discovery of the ServiceAccount issuer works from here.
        f"--service-account-issuer={server_url(ports)}",
        f"--service-account-signing-key-file={directory / 'service-account.key'}",
        f"--service-account-key-file={directory / 'service-account.key'}",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        f"--audit-policy-file={directory / 'audit-policy.yaml'}",
        f"--audit-log-path={directory / 'audit.log'}",
        "--audit-log-maxsize=1000",  # megabytes: rotation would lose counts
        "--profiling=false",
    ]


def kube_controller_manager_command(binary: Path, directory: Path) -> list[str]:
    controllers = (
        "garbage-collector-controller",
        "namespace-controller",
        "serviceaccount-controller",
        "serviceaccount-token-controller",
    )
    return [
        str(binary),
        f"--kubeconfig={controllers_kubeconfig(directory)}",
        f"--controllers={','.join(controllers)}",
        f"--service-account-private-key-file={directory / 'service-account.key'}",
        "--leader-elect=false",
        "--secure-port=0",
        "--kube-api-qps=500",  # namespaces come and go quickly in tests
        "--kube-api-burst=1000",
        "--concurrent-namespace-syncs=20",
    ]
