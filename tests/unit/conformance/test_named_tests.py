import pytest

from tests.conformance.named_tests import NamedTest, flaws, items_in_name, named_tests_in


@pytest.mark.parametrize(
    ("name", "items"),
    [
        ("test_s005_a_token_is_read", ("S-005",)),
        ("test_s101_s105_a_wrong_token", ("S-101", "S-105")),
        ("test_s101_a_wrong_token_and_s105_its_challenge", ("S-101", "S-105")),
        ("test_a_wrong_token_s101", ("S-101",)),
        ("test_s101_again_s101", ("S-101",)),
        ("test_a_token_is_read", ()),
        ("test_es256_and_s1_and_s1234", ()),
        ("s005_is_no_test", ()),
    ],
)
def test_a_test_carries_the_numbers_in_its_name(name: str, items: tuple[str, ...]) -> None:
    assert items_in_name(name) == items


def test_tests_are_found_in_a_source_sync_or_not() -> None:
    source = "def test_s001_a(): ...\nasync def test_s002_b(): ...\ndef test_c(): ...\n"
    assert [test.node_id for test in named_tests_in("t.py", source)] == [
        "t.py::test_s001_a",
        "t.py::test_s002_b",
    ]


def test_a_rule_without_a_test_and_a_test_without_a_rule_are_told() -> None:
    tests = [NamedTest("t.py", "test_s001_s999_a", ("S-001", "S-999"))]
    assert flaws(["S-001", "S-002"], tests) == [
        "S-002 has no test",
        "t.py::test_s001_s999_a names S-999, which is no item",
    ]
