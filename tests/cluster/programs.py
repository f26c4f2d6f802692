"""The programs of the local cluster; their versions are those of the Go modules here."""

import re
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
HELM_MODULE = HERE / "helm"

_VERSION_PACKAGE = "k8s.io/component-base/version"


@dataclass(frozen=True, slots=True)
class Program:
    name: str
    version: str
    package: str
    module: Path
    """The folder of the go.mod that pins the package."""
    about: str
    """How long a cold build takes on two cores, for the one who waits."""
    linker_flags: str = ""


def required_version(go_mod: str, module: str) -> str:
    found = re.search(rf"^(?:require)?\s*{re.escape(module)} (v\S+)", go_mod, re.MULTILINE)
    if found is None:
        raise LookupError(f"go.mod does not require {module}")
    return found[1]


def _kubernetes_stamps(version: str) -> str:
    major, minor, *_ = version.removeprefix("v").split(".")
    stamps = {
        "gitVersion": version,
        "gitMajor": major,
        "gitMinor": minor,
        "gitTreeState": "clean",
    }
    return " ".join(f"-X {_VERSION_PACKAGE}.{name}={value}" for name, value in stamps.items())


def _kubernetes_program(name: str, about: str) -> Program:
    version = required_version((HERE / "go.mod").read_text(), "k8s.io/kubernetes")
    package = f"k8s.io/kubernetes/cmd/{name}"
    return Program(name, version, package, HERE, about, _kubernetes_stamps(version))


def _etcd() -> Program:
    package = "go.etcd.io/etcd/server/v3"
    version = required_version((HERE / "go.mod").read_text(), package)
    return Program("etcd", version, package, HERE, "1 minute")


def _helm() -> Program:
    version = required_version((HELM_MODULE / "go.mod").read_text(), "helm.sh/helm/v4")
    package = "helm.sh/helm/v4/cmd/helm"
    stamp = f"-X helm.sh/helm/v4/internal/version.version={version}"
    return Program("helm", version, package, HELM_MODULE, "3 minutes", stamp)


ETCD = _etcd()
KUBE_APISERVER = _kubernetes_program("kube-apiserver", "5 minutes")
KUBE_CONTROLLER_MANAGER = _kubernetes_program("kube-controller-manager", "2 minutes")
HELM = _helm()

CONTROL_PLANE = (ETCD, KUBE_APISERVER, KUBE_CONTROLLER_MANAGER)
