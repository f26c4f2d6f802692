from pathlib import Path

import pytest

from tests.cluster.binaries import existing_binary, find_binaries
from tests.cluster.building import cached_path
from tests.cluster.failures import MissingPrerequisiteError
from tests.cluster.programs import ETCD, KUBE_APISERVER


def place(path: Path, mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("in_assets", "in_cache", "winner"),
    [
        (0o755, True, "assets"),
        (0o755, False, "assets"),
        (0o644, True, "cache"),
        (None, True, "cache"),
        (None, False, None),
    ],
    ids=[
        "assets win over the cache",
        "assets alone",
        "what cannot be executed is no program",
        "the cache where the assets lack one",
        "nowhere",
    ],
)
def test_the_first_place_that_has_it_wins(
    tmp_path: Path, in_assets: int | None, in_cache: bool, winner: str | None
) -> None:
    assets, cache = tmp_path / "assets", tmp_path / "cache"
    places = {"assets": assets / ETCD.name, "cache": cached_path(cache, ETCD), None: None}
    if in_assets is not None:
        place(assets / ETCD.name, in_assets)
    if in_cache:
        place(cached_path(cache, ETCD))
    found = existing_binary(ETCD, cache, {"KUBEBUILDER_ASSETS": str(assets)})
    assert found == places[winner]


def test_each_program_is_looked_for_by_itself(tmp_path: Path) -> None:
    assets, cache = tmp_path / "assets", tmp_path / "cache"
    given = place(assets / ETCD.name)
    built = place(cached_path(cache, KUBE_APISERVER))
    environment = {"KUBEBUILDER_ASSETS": str(assets)}
    found = find_binaries([ETCD, KUBE_APISERVER], cache=cache, environment=environment)
    assert found == {ETCD: given, KUBE_APISERVER: built}


def test_no_go_is_looked_for_when_all_programs_are_there(tmp_path: Path) -> None:
    built = place(cached_path(tmp_path, ETCD))
    assert find_binaries([ETCD], cache=tmp_path, environment={"PATH": ""}) == {ETCD: built}


def test_a_program_that_cannot_be_built_is_a_missing_prerequisite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(MissingPrerequisiteError, match="install Go"):
        find_binaries([ETCD], cache=tmp_path, environment={"PATH": ""}, say=lambda _: None)
