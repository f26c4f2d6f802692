from pathlib import Path

import pytest

from tests.cluster.failures import StartError
from tests.cluster.locks import leased
from tests.cluster.processes import read_identity
from tests.cluster.programs import CONTROL_PLANE
from tests.cluster.running import shared_cluster
from tests.cluster.starting import free_ports, is_serving, start_control_plane
from tests.cluster.supervisor import ControlPlaneFiles


def place_programs(assets: Path, **scripts: str) -> None:
    assets.mkdir()
    for program in CONTROL_PLANE:
        script = scripts.get(program.name.replace("-", "_"), "exec sleep 1000")
        (assets / program.name).write_text(f"#!/bin/sh\n{script}\n")
        (assets / program.name).chmod(0o755)


@pytest.fixture
def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "assets"))
    return tmp_path / "assets"


def test_a_program_that_fails_is_named_with_the_end_of_its_log(
    tmp_path: Path, assets: Path
) -> None:
    place_programs(assets, kube_apiserver="echo unknown flag; exit 1")
    with (
        pytest.raises(StartError, match="kube-apiserver ended with exit status 1\nunknown flag"),
        shared_cluster(tmp_path / "plane"),
    ):
        pass


def test_nothing_of_a_failed_start_keeps_running(tmp_path: Path, assets: Path) -> None:
    place_programs(assets, etcd="exit 1")
    files = ControlPlaneFiles(tmp_path / "plane")
    with leased(files.lease), pytest.raises(StartError):
        start_control_plane(files)
    supervisor = read_identity(files.supervisor)
    assert supervisor is not None
    assert not supervisor.is_alive()
    assert not is_serving(files)


def test_a_port_that_was_taken_meanwhile_is_another_one_in_the_next_attempt(
    tmp_path: Path, assets: Path
) -> None:
    attempts = tmp_path / "attempts"
    place_programs(assets, etcd=f"echo $@ >> {attempts}; echo address already in use; exit 1")
    files = ControlPlaneFiles(tmp_path / "plane")
    with leased(files.lease), pytest.raises(StartError, match="address already in use"):
        start_control_plane(files)
    assert len(set(attempts.read_text().splitlines())) == 3


def test_what_may_not_be_read_by_others_is_not(tmp_path: Path, assets: Path) -> None:
    place_programs(assets, etcd="exit 1")
    files = ControlPlaneFiles(tmp_path / "plane")
    with leased(files.lease), pytest.raises(StartError):
        start_control_plane(files)
    modes = {path.name: path.stat().st_mode & 0o777 for path in files.directory.iterdir()}
    assert files.directory.stat().st_mode & 0o777 == 0o700
    assert modes["tokens.csv"] == modes["service-account.key"] == 0o600


def test_ports_differ() -> None:
    ports = free_ports()
    assert len({ports.etcd, ports.etcd_peer, ports.kube_apiserver}) == 3
