import os
from pathlib import Path

import pytest

from dcr_server.file_stamps import stamp_of


def test_it_changes_with_the_content_and_not_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("a")
    before = stamp_of(path)
    assert stamp_of(path) == before
    path.write_text("ab")
    assert stamp_of(path) != before


def test_it_changes_when_another_file_of_the_same_age_and_size_takes_the_name(
    tmp_path: Path,
) -> None:
    path, others = tmp_path / "link", [tmp_path / "one", tmp_path / "other"]
    for other in others:
        other.write_text("a")
        os.utime(other, ns=(1, 1))
    path.symlink_to(others[0])
    before = stamp_of(path)
    path.unlink()
    path.symlink_to(others[1])
    assert stamp_of(path) != before


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        stamp_of(tmp_path / "absent")
