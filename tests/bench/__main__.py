"""``make bench``: all benchmarks, or the one named; tables on standard output, the goals last."""

import sys
from collections.abc import Callable, Mapping

from tests.bench import apply, management, memory, registration, scale, tokens, workers
from tests.bench.load import MissingLoadGeneratorError
from tests.bench.report import Figure, Report, goals

BENCHMARKS: Mapping[str, Callable[[], Report]] = {
    "registration": registration.run,
    "management": management.run,
    "tokens": tokens.run,
    "workers": workers.run,
    "scale": scale.run,
    "apply": apply.run,
    "memory": memory.run,
}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    figures: list[Figure] = []
    for name in names or BENCHMARKS:
        print(f"{name}: running", file=sys.stderr, flush=True)
        try:
            report = BENCHMARKS[name]()
        except MissingLoadGeneratorError as error:
            print(error, file=sys.stderr)
            return 2
        print(f"\n{report.table}\n", flush=True)
        figures += report.figures
    if figures:
        print(f"{goals(figures)}\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
