"""The tests that carry the number of a rule in their name: test_s005_..., ..._and_s065_..."""

import ast
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TESTS: Final = Path("tests")
_NUMBER: Final = re.compile(r"(?<=_)s(\d{3})(?=_|$)")


@dataclass(frozen=True, slots=True)
class NamedTest:
    path: str
    name: str
    items: tuple[str, ...]

    @property
    def node_id(self) -> str:
        return f"{self.path}::{self.name}"


def items_in_name(name: str) -> tuple[str, ...]:
    if not name.startswith("test_"):
        return ()
    return tuple(dict.fromkeys(f"S-{digits}" for digits in _NUMBER.findall(name)))


def named_tests_in(path: str, source: str) -> Iterator[NamedTest]:
    for node in ast.parse(source, path).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            items = items_in_name(node.name)
            if items:
                yield NamedTest(path, node.name, items)


def find_named_tests(folder: Path = TESTS) -> tuple[NamedTest, ...]:
    """Look through every test module, in the order of their paths, without importing one."""
    found: list[NamedTest] = []
    for file in sorted(folder.rglob("test_*.py")):
        source = file.read_text(encoding="utf-8")
        if "def test_" in source and _NUMBER.search(source):
            found += named_tests_in(file.as_posix(), source)
    return tuple(found)


def flaws(numbers: Collection[str], tests: Collection[NamedTest]) -> list[str]:
    """Return one line for each rule without a test and each test of a rule that there is not."""
    tested = {number for test in tests for number in test.items}
    return [f"{number} has no test" for number in numbers if number not in tested] + [
        f"{test.node_id} names {number}, which is no item"
        for test in tests
        for number in test.items
        if number not in numbers
    ]
