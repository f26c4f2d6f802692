import pytest

from tests.bench.report import Figure, goals


@pytest.mark.parametrize(
    ("figure", "met"),
    [
        (Figure("more than wanted", 1.6, 1.5), True),
        (Figure("just as much", 1.5, 1.5), True),
        (Figure("less than wanted", 1.49, 1.5), False),
        (Figure("less than allowed", 79, 80, at_least=False), True),
        (Figure("more than allowed", 81, 80, at_least=False), False),
    ],
    ids=lambda value: value.what if isinstance(value, Figure) else "",
)
def test_a_goal_is_met_on_its_own_side(figure: Figure, *, met: bool) -> None:
    assert figure.met is met


def test_the_table_of_goals_says_what_was_wanted_and_whether_it_came_true() -> None:
    table = goals(
        [
            Figure("reads", 1.234, 1.5, ceiling=1.6),
            Figure("updates", 1, 2.5, ceiling=1.5),
            Figure("memory", 70, 80, at_least=False, unit="MiB"),
        ]
    )
    assert table.splitlines()[2:] == [
        "| reads | 1.23 times | ≥ 1.5 times | **no** | 1.60 times: yes |",
        "| updates | 1.00 times | ≥ 2.5 times | **no** | 1.50 times: **no** |",
        "| memory | 70.00 MiB | ≤ 80 MiB | yes |  |",
    ]
