"""SECURITY.md lists the attacks that are tried, all of them and no other."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_every_attack_has_its_row_and_every_row_its_attack() -> None:
    text = (ROOT / "SECURITY.md").read_text()
    listed = re.findall(r"\(tests/attacks/(test_\w+\.py)\)", text)
    attacks = {path.name for path in (ROOT / "tests" / "attacks").glob("test_*.py")}
    assert set(listed) == attacks, "add a row to SECURITY.md: what is tried, what comes of it"
    assert len(listed) == len(attacks)
