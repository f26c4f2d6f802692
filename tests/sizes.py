"""The size limits of CONTRIBUTING.md: one line for each violation, exit 1 if there is one."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

FILE_LINES = 350
CONFTEST_LINES = 150
FUNCTION_LINES = 40
_FOLDERS = ("operator", "server", "tests")


def violations(path: str, source: str) -> Iterator[str]:
    """Judge one file; decorators do not count, a long table of cases is no long function."""
    limit = CONFTEST_LINES if Path(path).name == "conftest.py" else FILE_LINES
    lines = len(source.splitlines())
    if lines > limit:
        yield f"{path}:1: {lines} lines, at most {limit}"
    for node in ast.walk(ast.parse(source, path)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        if length > FUNCTION_LINES:
            yield f"{path}:{node.lineno}: {node.name}: {length} lines, at most {FUNCTION_LINES}"


def python_files() -> list[str]:
    """List tracked files and new ones; what git ignores is not ours."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *_FOLDERS],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    return sorted({name for name in listed if name.endswith(".py") and Path(name).exists()})


def main() -> int:
    found = [
        violation
        for name in python_files()
        for violation in violations(name, Path(name).read_text(encoding="utf-8"))
    ]
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
