import pytest

from tests.bench.load import Round
from tests.bench.rounds import Pace, Turns, pace


def round_of(per_second: float, *, p99_ms: float = 1.0) -> Round:
    return Round(per_second=per_second, p50_ms=1.0, p99_ms=p99_ms, failed=0)


def test_a_ratio_is_taken_within_each_turn() -> None:
    # The machine was slow in the second turn: the medians of each alone would say 2.0.
    turns = Turns(
        {
            "ours": [round_of(300), round_of(30), round_of(200)],
            "theirs": [round_of(100), round_of(10), round_of(100)],
        }
    )
    assert turns.ratio("ours", "theirs") == 3.0
    assert turns.median("ours") == 200


def test_a_ratio_of_waiting_times_is_taken_likewise() -> None:
    turns = Turns({"ours": [round_of(1, p99_ms=30)], "theirs": [round_of(1, p99_ms=20)]})
    assert turns.p99_ratio("ours", "theirs") == 1.5


def test_turns_that_are_not_pairs_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="shorter"):
        Turns({"ours": [round_of(1)], "theirs": []}).ratio("ours", "theirs")


def test_the_pace_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pace() == Pace()
    monkeypatch.setenv("BENCH_TURNS", "9")
    monkeypatch.setenv("BENCH_SECONDS", "2")
    assert pace() == Pace(turns=9, seconds=2)
