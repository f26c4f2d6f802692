"""SECURITY.md lists the attacks that are tried, all of them and no other."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def listed(pattern: str) -> list[str]:
    return re.findall(rf"\({pattern}\)", (ROOT / "SECURITY.md").read_text())


@pytest.mark.parametrize(
    ("pattern", "folder", "files"),
    [
        (r"tests/attacks/(test_\w+\.py)", "tests/attacks", "test_*.py"),
        (r"tests/attacks/operator/(test_\w+\.py)", "tests/attacks/operator", "test_*.py"),
        (r"tests/integration/(test_\w+\.py)", "tests/integration", "test_*attacks.py"),
    ],
)
def test_every_attack_has_its_row_and_every_row_its_attack(
    pattern: str, folder: str, files: str
) -> None:
    rows = listed(pattern)
    attacks = {path.name for path in (ROOT / folder).glob(files)}
    assert attacks
    assert set(rows) == attacks, "add a row to SECURITY.md: what is tried, what comes of it"
    assert len(rows) == len(attacks)
