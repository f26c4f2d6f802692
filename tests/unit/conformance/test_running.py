import pytest

from tests.conformance.catalogue import Item
from tests.conformance.named_tests import NamedTest
from tests.conformance.running import Outcomes, summary, table, verdicts, worst

KEPT = Item(number="S-001", title="a", source="RFC 7591 §3")
DEVIATES = Item(number="S-002", title="b", source="RFC 7591 §3", deviation="because")
ONE = NamedTest("t.py", "test_s001_s002_one", ("S-001", "S-002"))
OTHER = NamedTest("t.py", "test_s002_other", ("S-002",))


def report(node_id: str, outcome: str, when: str = "call") -> pytest.TestReport:
    return pytest.TestReport(
        nodeid=node_id,
        location=("t.py", 1, ""),
        keywords={},
        outcome=outcome,  # type: ignore[arg-type] # a row of a table is a str
        longrepr=None,
        when=when,  # type: ignore[arg-type] # as above
    )


@pytest.mark.parametrize(
    ("reports", "outcome"),
    [
        ([("[a]", "passed", "call"), ("[b]", "passed", "call")], "passed"),
        ([("[a]", "failed", "call"), ("[b]", "passed", "call")], "failed"),
        ([("[a]", "passed", "call"), ("[a]", "failed", "teardown")], "failed"),
        ([("", "passed", "setup"), ("", "passed", "call"), ("", "passed", "teardown")], "passed"),
        ([("", "failed", "setup")], "failed"),
        ([("", "skipped", "setup")], "skipped"),
        ([("[a]@dcr-server", "passed", "call")], "passed"),
    ],
)
def test_the_cases_of_a_test_count_together(
    reports: list[tuple[str, str, str]], outcome: str
) -> None:
    outcomes = Outcomes()
    for suffix, result, when in reports:
        outcomes.pytest_runtest_logreport(report(f"t.py::test_a{suffix}", result, when))
    assert outcomes.of_tests == {"t.py::test_a": outcome}


def test_a_test_that_was_only_set_up_says_nothing_yet() -> None:
    outcomes = Outcomes()
    outcomes.pytest_runtest_logreport(report("t.py::test_a", "passed", "setup"))
    assert outcomes.of_tests == {}


@pytest.mark.parametrize(
    ("of_tests", "expected"),
    [
        ({ONE.node_id: "passed", OTHER.node_id: "passed"}, ["passed", "passed"]),
        ({ONE.node_id: "passed", OTHER.node_id: "failed"}, ["passed", "failed"]),
        ({ONE.node_id: "skipped", OTHER.node_id: "passed"}, ["skipped", "passed"]),
        ({}, ["skipped", "skipped"]),
    ],
)
def test_a_rule_is_as_good_as_its_worst_test(of_tests: dict[str, str], expected: list[str]) -> None:
    found = verdicts([KEPT, DEVIATES], [ONE, OTHER], of_tests)
    assert [verdict.outcome for verdict in found] == expected


def test_a_rule_without_tests_says_so() -> None:
    [verdict] = verdicts([KEPT], [OTHER], {})
    assert verdict.outcome == worst(()) == "no test"


def test_the_table_has_rule_result_tests_and_the_reason_of_a_deviation() -> None:
    of_tests = {ONE.node_id: "passed", OTHER.node_id: "failed"}
    found = tuple(verdicts([KEPT, DEVIATES], [ONE, OTHER], of_tests))
    assert list(table(found, of_tests)) == [
        "S-001  passed   a (RFC 7591 §3)",
        "                passed   t.py::test_s001_s002_one",
        "S-002  failed   b (RFC 7591 §3)",
        "                deviates: because",
        "                passed   t.py::test_s001_s002_one",
        "                failed   t.py::test_s002_other",
    ]
    assert summary(found) == (
        "conformance: 2 items: 1 passed, 1 failed; 1 deviate with a reason, 0 not offered"
    )
