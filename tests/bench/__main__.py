"""``make bench``: all benchmarks, or the one named; tables on standard output."""

import sys
from collections.abc import Callable, Mapping

from tests.bench import apply, memory, registration
from tests.bench.load import MissingLoadGeneratorError

BENCHMARKS: Mapping[str, Callable[[], str]] = {
    "registration": registration.run,
    "apply": apply.run,
    "memory": memory.run,
}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    for name in names or BENCHMARKS:
        print(f"{name}: running", file=sys.stderr, flush=True)
        try:
            print(f"\n{BENCHMARKS[name]()}\n", flush=True)
        except MissingLoadGeneratorError as error:
            print(error, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
