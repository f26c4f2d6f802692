"""Every field of the three kinds is proven by a test: tests/fields/fields.toml says by which."""

import re
from pathlib import Path

import pytest

from dcr_operator.crdgen import crd_documents
from tests.fields.catalogue import PROVIDERS, Proof, exists, proof_of, read_catalogue
from tests.integration.crd_rules import JsonObject, described_fields

CATALOGUE = read_catalogue()
_CRDS: list[JsonObject] = [dict(document) for document in crd_documents()]
CRDS = {crd["spec"]["names"]["kind"]: crd for crd in _CRDS}
EVERY_PROOF = [(kind, proof) for kind, proofs in CATALOGUE.items() for proof in proofs]


def paths(kind: str) -> list[str]:
    """Return the fields that hold something themselves, without the signs of lists and maps."""
    described = described_fields(CRDS[kind])
    every = [
        re.sub(r"\[\]|\{\}", "", path)
        for path, schema in described
        if not schema["description"].startswith("Not allowed here")
    ]
    return [path for path in every if not any(each.startswith(f"{path}.") for each in every)]


@pytest.mark.parametrize("kind", ["OAuthClient", *PROVIDERS])
def test_every_field_has_a_test_that_proves_it(kind: str) -> None:
    assert [path for path in paths(kind) if proof_of(path, CATALOGUE[kind]) is None] == []


@pytest.mark.parametrize(
    ("kind", "proof"), EVERY_PROOF, ids=[f"{kind} {proof.pattern}" for kind, proof in EVERY_PROOF]
)
def test_a_proof_is_about_a_field_and_its_tests_exist(kind: str, proof: Proof) -> None:
    known = any(proof.covers(path) for path in paths(kind))
    assert known or kind in PROVIDERS  # what only the other kind has is checked there
    assert proof.tests
    assert [test for test in proof.tests if not exists(test)] == []


@pytest.mark.parametrize(
    ("kind", "proof"), EVERY_PROOF, ids=[f"{kind} {proof.pattern}" for kind, proof in EVERY_PROOF]
)
def test_a_proof_is_on_the_real_api_server_or_says_why_not(kind: str, proof: Proof) -> None:
    assert proof.on_the_api_server is not bool(proof.unit_only), kind


def test_what_both_kinds_of_provider_share_is_a_field_of_one_at_least() -> None:
    every = [path for kind in PROVIDERS for path in paths(kind)]
    shared = {proof for kind in PROVIDERS for proof in CATALOGUE[kind]}
    assert [proof.pattern for proof in shared if not any(map(proof.covers, every))] == []


def test_a_field_without_an_entry_is_found(tmp_path: Path) -> None:
    file = tmp_path / "fields.toml"
    text = '[OAuthClient]\n"spec.secret.**" = ["x::test_y"]\n[Providers]\n[unit_only]\n'
    file.write_text(text, encoding="utf-8")
    proofs = read_catalogue(file)["OAuthClient"]
    assert proof_of("spec.secret.name", proofs) is not None
    assert proof_of("spec.secretive", proofs) is None
    assert proof_of("spec.suspend", proofs) is None


@pytest.mark.parametrize(
    ("test", "there"),
    [
        ("unit/operator/test_field_coverage::test_a_test_that_is_named_must_exist", True),
        ("unit/operator/test_field_coverage::test_that_was_renamed", False),
        ("unit/operator/test_field_coverage::paths", False),
        ("unit/operator/test_that_was_removed::test_anything", False),
    ],
)
def test_a_test_that_is_named_must_exist(test: str, there: bool) -> None:
    assert exists(test) is there
