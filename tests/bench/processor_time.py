"""CPU time that processes have used, children of a supervisor by their names included."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


def processor_seconds(processes: Mapping[str, int]) -> dict[str, float]:
    """Return user and system time of each process, in seconds."""
    return {name: _ticks(pid) / _TICKS for name, pid in processes.items()}


def children(pid: int) -> Iterator[tuple[str, int]]:
    """Yield name and process id of the programs that a process has started."""
    for task in (_PROC / str(pid) / "task").iterdir():
        for child in (task / "children").read_text(encoding="ascii").split():
            yield (_PROC / child / "comm").read_text(encoding="utf-8").strip(), int(child)


def _ticks(pid: int) -> int:
    # proc(5): the name, in brackets, may hold spaces; utime and stime are fields 14 and 15.
    fields = (_PROC / str(pid) / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
