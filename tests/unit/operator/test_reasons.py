from collections import Counter

import pytest

from dcr_operator.reason_rows import ROW_OF, ROWS, render_table
from dcr_operator.reasons import Reason, Retry, Row


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_one_row_and_stands_in_the_documentation(reason: Reason) -> None:
    assert Counter(row.reason for row in ROWS)[reason] == 1
    assert f"| `{reason}` | `{ROW_OF[reason].condition}` |" in render_table()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.reason)
def test_every_reason_that_is_a_trouble_has_a_remedy(row: Row) -> None:
    trouble = row.retry is not Retry.NOTHING_TO_DO
    assert bool(row.remedy) == trouble


def test_the_table_has_as_many_cells_in_each_row() -> None:
    rows = [line for line in render_table().splitlines() if line.startswith("|")]
    assert {row.count("|") for row in rows} == {6}


def test_reasons_are_spelled_as_conditions_want_them() -> None:
    assert all(str(reason).isalpha() and str(reason)[0].isupper() for reason in Reason)
