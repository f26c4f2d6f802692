"""What the demo prints: numbered steps, what each shows, and how a failed one explains itself."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from tests.processes.child_process import ChildProcess

_POLL_SECONDS = 0.1

Seen = TypeVar("Seen")


class CheckFailedError(Exception):
    """Raised when a step does not show what it must; says what was expected and what was seen."""

    def __init__(self, expected: str, seen: object) -> None:
        super().__init__(f"expected: {expected}\nseen:     {seen}")


@dataclass(slots=True)
class Narration:
    """Prints the story as it happens, and knows what runs by then, to show its log."""

    processes: list[ChildProcess] = field(default_factory=list)
    number: int = 0

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        self.number += 1
        print(f"\n{self.number}. {title}", flush=True)
        began = time.monotonic()
        yield
        self.show(f"ok ({time.monotonic() - began:.1f} s)")

    def show(self, text: str) -> None:
        for line in text.rstrip("\n").splitlines():
            print(f"   {line}", flush=True)

    def explain(self, error: Exception) -> None:
        """Print why the demo failed, on standard error, with the logs of what was running."""
        lines = [
            f"step {self.number} failed",
            str(error),
            *(one.last_log_lines() for one in self.processes),
        ]
        print("\n" + "\n".join(lines), file=sys.stderr, flush=True)


def check(expected: str, seen: object, *, holds: bool) -> None:
    if not holds:
        raise CheckFailedError(expected, seen)


def wait_until(
    expected: str, look: Callable[[], Seen], holds: Callable[[Seen], bool], *, seconds: float
) -> Seen:
    """Look until it ``holds`` and return what was seen; raise with the last sight at the end."""
    deadline = time.monotonic() + seconds
    while not holds(seen := look()):
        if time.monotonic() > deadline:
            raise CheckFailedError(f"{expected}, within {seconds:.0f} s", seen)
        time.sleep(_POLL_SECONDS)
    return seen
