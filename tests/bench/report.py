"""Results as JSON under .local/bench/ and as Markdown tables on standard output."""

import json
import os
import platform
import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(".local/bench")


@dataclass(frozen=True, slots=True)
class Figure:
    """One that has a goal; most are ratios to a peer of the same run."""

    what: str
    value: float
    goal: float
    at_least: bool = True
    unit: str = "times"
    ceiling: float | None = None
    """What the bare reference makes: the most that can be had on this machine."""

    @property
    def met(self) -> bool:
        return self._meets(self.value)

    def row(self) -> tuple[str, str, str, str, str]:
        sign = "≥" if self.at_least else "≤"
        goal = f"{sign} {self.goal:g} {self.unit}"
        ceiling = "" if self.ceiling is None else self._judged(self.ceiling)
        return self.what, f"{self.value:.2f} {self.unit}", goal, _yes(self.met), ceiling

    def _judged(self, value: float) -> str:
        return f"{value:.2f} {self.unit}: {_yes(self._meets(value))}"

    def _meets(self, value: float) -> bool:
        return value >= self.goal if self.at_least else value <= self.goal


@dataclass(frozen=True, slots=True)
class Report:
    table: str
    figures: tuple[Figure, ...] = ()


def goals(figures: Sequence[Figure]) -> str:
    """Say for each whether it is met, and whether what does the least would meet it."""
    header = ("goal", "figure", "wanted", "met", "the bare reference")
    return markdown(header, [figure.row() for figure in figures])


def _yes(met: bool) -> str:
    return "yes" if met else "**no**"


def begin_tables() -> None:
    """Make the file of this run, which says where and when."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    about = machine()
    (FOLDER / "tables.md").write_text(
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {about['cores']} cores, {about['processor']}, "
        f"Python {about['python']}\n",
        encoding="utf-8",
    )


def machine() -> Mapping[str, Any]:
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def _processor() -> str:
    named = re.search(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return named[1] if named else platform.machine()


def write_json(name: str, results: Mapping[str, Any]) -> Path:
    FOLDER.mkdir(parents=True, exist_ok=True)
    file = FOLDER / f"{name}.json"
    made = datetime.now(UTC).isoformat(timespec="seconds")
    document = {"benchmark": name, "made": made, "machine": machine(), **results}
    file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return file


def markdown(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the value that ``percent`` of all do not exceed (nearest rank)."""
    rank = max(1, -(-len(values) * percent // 100))
    return sorted(values)[rank - 1]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)
