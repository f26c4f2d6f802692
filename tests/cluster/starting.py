"""Start a control plane in a directory, and know when it serves."""

import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.cluster.binaries import control_plane_binaries, say
from tests.cluster.client import KubernetesClient
from tests.cluster.commands import (
    Ports,
    controllers_kubeconfig,
    etcd_command,
    kube_apiserver_command,
    kube_controller_manager_command,
    server_url,
)
from tests.cluster.failures import StartError
from tests.cluster.kubeconfig import Access, read_kubeconfig, write_kubeconfig
from tests.cluster.processes import (
    ProcessIdentity,
    last_lines,
    read_identity,
    stop_by_identity,
    wait_for_end,
)
from tests.cluster.programs import ETCD, HERE, KUBE_APISERVER, KUBE_CONTROLLER_MANAGER, Program
from tests.cluster.supervisor import ControlPlaneFiles, Supervised, write_programs

READY_SECONDS = 120.0
STOP_SECONDS = 30.0
LOOK_SECONDS = 0.05
ATTEMPTS = 3
REPOSITORY = HERE.parent.parent


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running control plane and the way in as its administrator."""

    kubeconfig: Path
    audit_log: Path

    def admin(self) -> KubernetesClient:
        return KubernetesClient(read_kubeconfig(self.kubeconfig))


@dataclass(frozen=True, slots=True)
class _Tokens:
    admin: str = field(repr=False)
    controllers: str = field(repr=False)


def cluster_of(files: ControlPlaneFiles) -> Cluster:
    return Cluster(files.kubeconfig, files.audit_log)


def is_serving(files: ControlPlaneFiles) -> bool:
    """Say whether the cluster of this directory is supervised, ready and answers."""
    supervisor = read_identity(files.supervisor)
    if supervisor is None or not supervisor.is_alive() or not files.kubeconfig.exists():
        return False
    with cluster_of(files).admin() as admin:
        return _answers(admin)


def start_control_plane(files: ControlPlaneFiles) -> Cluster:
    """Start anew whatever was there; the caller holds the start lock and the lease."""
    binaries = control_plane_binaries()
    say("starting etcd, kube-apiserver and kube-controller-manager")
    started = time.monotonic()
    for attempt in range(1, ATTEMPTS + 1):
        stop_control_plane(files)
        ports = free_ports()
        tokens = _lay_out(files, binaries, ports)
        try:
            _start(files, server_url(ports), tokens)
        except StartError as failure:
            # Between choosing a port and using it another process may have taken it.
            if attempt == ATTEMPTS or "address already in use" not in str(failure):
                raise
        else:
            break
    say(f"the Kubernetes API serves after {time.monotonic() - started:.1f} s")
    return cluster_of(files)


def stop_control_plane(files: ControlPlaneFiles) -> None:
    """Stop the cluster of this directory and remove its data; one that is gone is fine."""
    supervisor = read_identity(files.supervisor)
    if supervisor is not None:
        stop_by_identity(supervisor, STOP_SECONDS)
    shutil.rmtree(files.directory, ignore_errors=True)


def free_ports() -> Ports:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(3)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return Ports(*(one.getsockname()[1] for one in sockets))


def _lay_out(files: ControlPlaneFiles, binaries: dict[Program, Path], ports: Ports) -> _Tokens:
    directory = files.directory
    directory.mkdir(parents=True, mode=0o700)
    tokens = _Tokens(admin=secrets.token_urlsafe(32), controllers=secrets.token_urlsafe(32))
    _write_private(
        directory / "tokens.csv",
        f'{tokens.admin},admin,admin,"system:masters"\n'
        f'{tokens.controllers},system:kube-controller-manager,controllers,"system:masters"\n',
    )
    _write_private(directory / "service-account.key", _private_key())
    shutil.copy(HERE / "audit-policy.yaml", directory)
    write_programs(
        files,
        [
            Supervised(ETCD.name, etcd_command(binaries[ETCD], directory, ports)),
            Supervised(
                KUBE_APISERVER.name,
                kube_apiserver_command(binaries[KUBE_APISERVER], directory, ports),
            ),
            # Too early it would give up, for want of an API server.
            Supervised(
                KUBE_CONTROLLER_MANAGER.name,
                kube_controller_manager_command(binaries[KUBE_CONTROLLER_MANAGER], directory),
                after=str(controllers_kubeconfig(directory)),
            ),
        ],
    )
    return tokens


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)


def _private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encoded = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return encoded.decode()


def _start(files: ControlPlaneFiles, server: str, tokens: _Tokens) -> None:
    command = [sys.executable, "-m", "tests.cluster.supervisor", str(files.directory)]
    with files.log("supervisor").open("wb") as log:
        subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=REPOSITORY,
            check=False,
        )
    supervisor = read_identity(files.supervisor)
    if supervisor is None:
        raise StartError(last_lines(files.log("supervisor")))
    try:
        _get_ready(files, server, tokens, supervisor)
    except BaseException:
        stop_by_identity(supervisor, STOP_SECONDS)
        raise


def _get_ready(
    files: ControlPlaneFiles, server: str, tokens: _Tokens, supervisor: ProcessIdentity
) -> None:
    wait = _Wait(files, supervisor, time.monotonic() + READY_SECONDS)
    certificate = files.directory / "certificates" / "apiserver.crt"
    wait.until(lambda: _holds_a_certificate(certificate), "kube-apiserver")
    authority = certificate.read_text()
    with KubernetesClient(Access(server, authority, tokens.admin)) as admin:
        wait.until(lambda: _answers(admin), "kube-apiserver")
        controllers = Access(server, authority, tokens.controllers)
        write_kubeconfig(controllers_kubeconfig(files.directory), controllers)
        wait.until(lambda: _makes_service_accounts(admin), "kube-controller-manager")
    write_kubeconfig(files.kubeconfig, Access(server, authority, tokens.admin))


@dataclass(frozen=True, slots=True)
class _Wait:
    files: ControlPlaneFiles
    supervisor: ProcessIdentity
    ends: float

    def until(self, condition: Callable[[], bool], program: str) -> None:
        while not condition():
            if wait_for_end(self.supervisor, LOOK_SECONDS):
                raise StartError(self._ended())
            if time.monotonic() > self.ends:
                raise StartError(self._late(program))

    def _ended(self) -> str:
        """Name the program that ended, with the end of its log."""
        report = last_lines(self.files.log("supervisor"))
        program = report.rpartition("\n")[2].partition(" ")[0]
        return f"{report}\n{last_lines(self.files.log(program))}"

    def _late(self, program: str) -> str:
        end_of_log = last_lines(self.files.log(program))
        return f"{program} was not ready after {READY_SECONDS:.0f} s\n{end_of_log}"


def _holds_a_certificate(path: Path) -> bool:
    return path.exists() and path.read_text().rstrip().endswith("-----END CERTIFICATE-----")


def _answers(admin: KubernetesClient) -> bool:
    try:
        return admin.is_ready()
    except httpx.HTTPError:
        return False


def _makes_service_accounts(admin: KubernetesClient) -> bool:
    return admin.get("v1/ServiceAccount", "default", "default") is not None
