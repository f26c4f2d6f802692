"""Rounds of load in turns: what is compared is measured within seconds of each other.

A machine that others use is now fast, now slow. So a comparison is made within each turn, and the
median of the turns is the figure.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tests.bench.load import CONNECTIONS, Load, Round, run_round
from tests.bench.report import markdown, median

WARM_UP_SECONDS = 3


@dataclass(frozen=True, slots=True)
class Pace:
    """How often and how long: more turns where the machine is noisy."""

    turns: int = 5
    seconds: int = 6


def pace() -> Pace:
    """Read BENCH_TURNS and BENCH_SECONDS."""
    default = Pace()
    return Pace(
        turns=int(os.environ.get("BENCH_TURNS", default.turns)),
        seconds=int(os.environ.get("BENCH_SECONDS", default.seconds)),
    )


@dataclass(frozen=True, slots=True)
class Turns:
    """The rounds of each that was compared, in the order of the turns."""

    seen: Mapping[str, list[Round]]

    def median(self, title: str) -> float:
        """Requests per second."""
        return median([one.per_second for one in self.seen[title]])

    def ratio(self, title: str, other: str) -> float:
        """Say how many times as many requests per second as the other, in the median."""
        return self._median_ratio(title, other, lambda one: one.per_second)

    def p99_ratio(self, title: str, other: str) -> float:
        return self._median_ratio(title, other, lambda one: one.p99_ms)

    def table(self, what: str) -> str:
        rows = [
            (
                title,
                f"{median([one.per_second for one in seen]):,.0f}",
                f"{median([one.p50_ms for one in seen]):.1f}",
                f"{median([one.p99_ms for one in seen]):.1f}",
                sum(one.failed for one in seen),
            )
            for title, seen in self.seen.items()
        ]
        what = f"{what}, {CONNECTIONS} connections"
        return markdown((what, "per second", "p50 ms", "p99 ms", "failed"), rows)

    def document(self) -> dict[str, Any]:
        return {title: [asdict(one) for one in seen] for title, seen in self.seen.items()}

    def _median_ratio(self, title: str, other: str, figure: Callable[[Round], float]) -> float:
        pairs = zip(self.seen[title], self.seen[other], strict=True)
        return median([figure(ours) / figure(theirs) for ours, theirs in pairs])


def in_turns(loads: Mapping[str, Load]) -> Turns:
    """Warm each up, then give each its round per turn, every other turn in reverse."""
    wanted = pace()
    for load in loads.values():
        run_round(load, seconds=WARM_UP_SECONDS)
    seen: dict[str, list[Round]] = {title: [] for title in loads}
    for turn in range(wanted.turns):
        order = [*loads] if turn % 2 == 0 else [*loads][::-1]
        for title in order:
            seen[title].append(run_round(loads[title], seconds=wanted.seconds))
    return Turns(seen)
