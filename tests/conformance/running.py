"""Run the tests that carry a rule's number, and tell for each rule what came out."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import pytest

from tests.conformance.catalogue import Item
from tests.conformance.named_tests import NamedTest

PASSED: Final = "passed"
FAILED: Final = "failed"
SKIPPED: Final = "skipped"
NO_TEST: Final = "no test"
# What counts when the cases of one test, or the tests of one rule, differ.
_WORST_FIRST: Final = (FAILED, PASSED, SKIPPED)


@dataclass(slots=True)
class Outcomes:
    """A pytest plugin: what each test came to, its cases taken together."""

    of_tests: dict[str, str] = field(default_factory=dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # A test that cannot be set up, or not be cleaned up after, has failed.
        if report.when == "call" or report.outcome != PASSED:
            node_id = report.nodeid.partition("[")[0].partition("@")[0]
            self.of_tests[node_id] = worst({report.outcome, self.of_tests.get(node_id, SKIPPED)})


def worst(outcomes: Collection[str]) -> str:
    return next((outcome for outcome in _WORST_FIRST if outcome in outcomes), NO_TEST)


def run(tests: Sequence[NamedTest], arguments: Sequence[str]) -> Outcomes:
    outcomes = Outcomes()
    chosen = [test.node_id for test in tests]
    pytest.main(["--quiet", "--no-header", "-r", "fE", *arguments, *chosen], plugins=[outcomes])
    return outcomes


@dataclass(frozen=True, slots=True)
class Verdict:
    item: Item
    tests: tuple[NamedTest, ...]
    outcome: str


def verdicts(
    items: Collection[Item], tests: Collection[NamedTest], of_tests: Mapping[str, str]
) -> Iterator[Verdict]:
    for item in items:
        own = tuple(test for test in tests if item.number in test.items)
        yield Verdict(item, own, worst({of_tests.get(test.node_id, SKIPPED) for test in own}))


def table(found: Collection[Verdict], of_tests: Mapping[str, str]) -> Iterator[str]:
    """Write each rule with its result, its tests, and the reason where it is not simply kept."""
    for verdict in found:
        item = verdict.item
        yield f"{item.number}  {verdict.outcome:8} {item.title} ({item.source})"
        if item.status != "kept":
            yield f"                {item.status}"
        for test in verdict.tests:
            yield f"                {of_tests.get(test.node_id, SKIPPED):8} {test.node_id}"


def summary(found: Collection[Verdict]) -> str:
    counts = dict.fromkeys((PASSED, FAILED, SKIPPED, NO_TEST), 0)
    for verdict in found:
        counts[verdict.outcome] += 1
    deviations = sum(verdict.item.deviation is not None for verdict in found)
    not_offered = sum(verdict.item.not_offered is not None for verdict in found)
    told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
    return (
        f"conformance: {len(found)} items: {told}; "
        f"{deviations} deviate with a reason, {not_offered} not offered"
    )
