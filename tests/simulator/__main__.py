"""
`make crash-points`: let everything happen at every outbound call of every operation.

DEPTH=     all (default): every fault and edit at every point, and two in a row;
           single: one at a time; ordinary: what the tests do. Each with two operators, too.
OPERATION= the name of one operation
PROVIDER=  one kind of provider

Exit status: 0 all ended as they must, 1 something did not, 2 there is no such operation.
"""

import asyncio
import os
import sys
import time

from tests.simulator.exploration import HEADER, Depth, Explored, explore
from tests.simulator.provider_kinds import KINDS, ORDINARY
from tests.simulator.scenarios import SCENARIOS
from tests.simulator.simulation import Simulator
from tests.simulator.two_operators import explore_two

_DEPTHS = {
    "all": (Depth(distinct=False, pairs=True), tuple(KINDS)),
    "single": (Depth(distinct=False), tuple(KINDS)),
    "ordinary": (Depth(), ORDINARY),
}


def main() -> int:
    chosen, depth, kind = (
        os.environ.get(name) or "" for name in ("OPERATION", "DEPTH", "PROVIDER")
    )
    scenarios = [each for each in SCENARIOS if chosen in ("", each.name)]
    if not scenarios or (depth or "all") not in _DEPTHS or kind not in ("", *KINDS):
        names = ", ".join(each.name for each in SCENARIOS)
        print(f"make: OPERATION is one of: {names}", file=sys.stderr)
        print(f"make: DEPTH is one of: {', '.join(_DEPTHS)}", file=sys.stderr)
        print(f"make: PROVIDER is one of: {'; '.join(KINDS)}", file=sys.stderr)
        return 2
    how, kinds = _DEPTHS[depth or "all"]
    started, simulator = time.monotonic(), Simulator()
    print(HEADER, flush=True)
    done: list[Explored] = []
    for scenario in scenarios:
        for each in (kind,) if kind else kinds:
            done.append(asyncio.run(explore(simulator, scenario, each, how)))
            print(done[-1].line(), flush=True)
            done.append(asyncio.run(explore_two(simulator, scenario, each)))
            print(done[-1].line(), flush=True)
    failures = [failure for each in done for failure in each.failures]
    for failure in failures:
        print(failure)
    points, runs = sum(each.points for each in done), sum(each.runs for each in done)
    seconds = time.monotonic() - started
    print(f"{points} points, {runs} runs, {len(failures)} failures, {seconds:.0f} s")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
