"""``make bench``: all benchmarks, or the one named; tables on standard output, the goals last."""

import sys
import traceback
from collections.abc import Callable, Mapping

from tests.bench import (
    apply,
    dead_provider,
    herd,
    management,
    memory,
    registration,
    scale,
    tokens,
    workers,
)
from tests.bench.load import MissingLoadGeneratorError
from tests.bench.report import FOLDER, Figure, Report, begin_tables, goals

BENCHMARKS: Mapping[str, Callable[[], Report]] = {
    "registration": registration.run,
    "management": management.run,
    "tokens": tokens.run,
    "workers": workers.run,
    "scale": scale.run,
    "apply": apply.run,
    "memory": memory.run,
    "herd": herd.run,
    "dead-provider": dead_provider.run,
}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    figures: list[Figure] = []
    failed = False
    begin_tables()
    for name in names or BENCHMARKS:
        print(f"{name}: running", file=sys.stderr, flush=True)
        try:
            report = BENCHMARKS[name]()
        except MissingLoadGeneratorError as error:
            print(error, file=sys.stderr)
            return 2
        except Exception:  # noqa: BLE001 - what the others measure is not lost with it
            traceback.print_exc()
            failed = True
            continue
        _show(report.table)
        figures += report.figures
    if figures:
        _show(goals(figures))
    return 1 if failed else 0


def _show(table: str) -> None:
    print(f"\n{table}\n", flush=True)
    with (FOLDER / "tables.md").open("a", encoding="utf-8") as file:
        file.write(f"\n{table}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
