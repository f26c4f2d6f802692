"""fields.toml: which tests prove which field of the CRDs."""

import ast
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

FILE: Final = Path(__file__).with_name("fields.toml")
TESTS: Final = Path("tests")
PROVIDERS: Final = ("OAuthProvider", "ClusterOAuthProvider")
_BELOW: Final = ".**"


@dataclass(frozen=True, slots=True)
class Proof:
    """The tests for one field, or for all below it."""

    pattern: str
    tests: tuple[str, ...]
    unit_only: str = ""

    def covers(self, path: str) -> bool:
        top = self.pattern.removesuffix(_BELOW)
        return path == top or (top != self.pattern and path.startswith(f"{top}."))

    @property
    def on_the_api_server(self) -> bool:
        return any(test.startswith("integration/") for test in self.tests)


def read_catalogue(file: Path = FILE) -> dict[str, tuple[Proof, ...]]:
    """Return the proofs of each kind; what both kinds of provider have is in both."""
    document = tomllib.loads(file.read_text(encoding="utf-8"))
    reasons, shared = document.pop("unit_only"), document.pop("Providers")
    kinds: dict[str, dict[str, list[str]]] = {kind: dict(shared) for kind in PROVIDERS}
    for kind, entries in document.items():
        kinds[kind] = {**kinds.get(kind, {}), **entries}
    return {kind: tuple(_proofs(entries, reasons)) for kind, entries in kinds.items()}


def _proofs(entries: Mapping[str, list[str]], reasons: Mapping[str, str]) -> Iterator[Proof]:
    for pattern, tests in entries.items():
        yield Proof(pattern, tuple(tests), reasons.get(pattern, ""))


def proof_of(path: str, proofs: tuple[Proof, ...]) -> Proof | None:
    """Return the entry that says most about a field: the longest pattern that covers it."""
    found = [proof for proof in proofs if proof.covers(path)]
    return max(found, key=lambda proof: len(proof.pattern), default=None)


@cache
def tests_of(module: str) -> frozenset[str]:
    """Return the names of the tests of a module, such as integration/test_crds."""
    file = TESTS / f"{module}.py"
    if not file.is_file():
        return frozenset()
    body: list[Any] = ast.parse(file.read_text(encoding="utf-8")).body
    return frozenset(
        node.name for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def exists(test: str) -> bool:
    module, _, name = test.partition("::")
    return name.startswith("test_") and name in tests_of(module)
