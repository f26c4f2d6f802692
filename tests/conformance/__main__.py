"""`make conformance`; with --write or --check, docs/conformance.md instead.

Everything else that is given goes to pytest. Exit status 1: a rule has no test or one that did
not pass, a test names an unknown rule, or the page is not what it should be.
"""

import sys
from collections.abc import Sequence

from tests.conformance.catalogue import all_items, read_catalogue
from tests.conformance.named_tests import find_named_tests, flaws
from tests.conformance.page import PAGE, render_page
from tests.conformance.running import PASSED, run, summary, table, verdicts


def main(arguments: Sequence[str]) -> int:
    if arguments == ["--write"]:
        PAGE.write_text(_page(), encoding="utf-8")
        return 0
    if arguments == ["--check"]:
        if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == _page():
            return 0
        sys.stderr.write(f"{PAGE} is not what catalogue and tests say; run: make docs\n")
        return 1
    return _run(arguments)


def _page() -> str:
    return render_page(read_catalogue(), find_named_tests())


def _run(arguments: Sequence[str]) -> int:
    items, tests = all_items(read_catalogue()), find_named_tests()
    wrong = flaws(items, tests)
    outcomes = run(tests, arguments).of_tests
    found = tuple(verdicts(items.values(), tests, outcomes))
    print("", *table(found, outcomes), "", *wrong, summary(found), sep="\n")
    return 1 if wrong or any(verdict.outcome != PASSED for verdict in found) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
