"""What the folders must not become."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("folder", ["operator", "server"])
def test_folders_of_packages_are_no_packages(folder: str) -> None:
    # operator/__init__.py would hide Python's own module of that name.
    assert not (ROOT / folder / "__init__.py").exists()
