"""A volume that the server can write to, where those of the cluster are for root alone.

Kubernetes gives a volume to the pod's fsGroup; hostPath volumes, and so those of the provisioner
`kubernetes.io/host-path` that a kind cluster may have, are the exception.
"""

from tests.demo.narration import wait_until
from tests.processes.kubectl import JsonObject, Kubectl

CLAIM = "dcr-server"
_ROOT_ONLY = "kubernetes.io/host-path"
_DEFAULT = "storageclass.kubernetes.io/is-default-class"
_PRIVILEGED = "kube-system"  # where pods may run as root
_SECONDS = 60.0


def is_for_root_alone(kubectl: Kubectl) -> bool:
    classes = kubectl.list("storageclasses")
    return any(
        one["provisioner"] == _ROOT_ONLY
        for one in classes
        if one["metadata"].get("annotations", {}).get(_DEFAULT) == "true"
    )


def make_writable_claim(kubectl: Kubectl, namespace: str, image: str) -> str:
    """Return the name of a claim whose volume anybody may write to; made by a pod as root."""
    kubectl.apply(_claim(namespace))
    volume = wait_until(
        f"PersistentVolumeClaim {CLAIM} bound",
        lambda: (kubectl.get("pvc", CLAIM, namespace) or {}).get("spec", {}).get("volumeName"),
        bool,
        seconds=_SECONDS,
    )
    path = (kubectl.get("persistentvolume", str(volume)) or {})["spec"]["hostPath"]["path"]
    kubectl.apply(_opener(path, image))
    wait_until(
        f"PersistentVolume {volume} opened",
        lambda: (kubectl.get("pod", CLAIM, _PRIVILEGED) or {}).get("status", {}).get("phase"),
        lambda phase: phase == "Succeeded",
        seconds=_SECONDS,
    )
    kubectl.run("-n", _PRIVILEGED, "delete", "pod", CLAIM)
    return CLAIM


def _claim(namespace: str) -> JsonObject:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": CLAIM, "namespace": namespace},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }


def _opener(path: str, image: str) -> JsonObject:
    """Return a pod that makes the directory on the node before the server's pod does."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": CLAIM, "namespace": _PRIVILEGED},
        "spec": {
            "restartPolicy": "Never",
            "containers": [
                {
                    "name": "open",
                    "image": image,
                    "imagePullPolicy": "IfNotPresent",
                    "command": ["chmod", "0777", "/volume"],
                    "securityContext": {"runAsUser": 0},
                    "volumeMounts": [{"name": "volume", "mountPath": "/volume"}],
                }
            ],
            "volumes": [
                {"name": "volume", "hostPath": {"path": path, "type": "DirectoryOrCreate"}}
            ],
        },
    }
