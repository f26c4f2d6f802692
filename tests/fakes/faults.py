"""What may happen on the way to the outside: a crash, a lost answer, an edit by others."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

Answer = TypeVar("Answer")


class Crash(BaseException):
    """The process is gone: nothing may catch this."""


class Fault(StrEnum):
    CRASH_BEFORE = "crash before"
    CRASH_AFTER = "crash after"
    ANSWER_LOST = "answer lost after"
    NOT_SENT = "no connection at"
    GATEWAY_503 = "a gateway answers 503 after"
    GATEWAY_404 = "a gateway answers 404 in place of"


@dataclass(frozen=True, slots=True)
class FaultAt:
    fault: Fault
    call: int | str  # counted from 1, or by name


@dataclass(frozen=True, slots=True)
class EditAt:
    """What somebody else does just before a call."""

    edit: Callable[[], object]
    call: int | str


Happening = FaultAt | EditAt


@dataclass(slots=True)
class Schedule:
    """What happens, one after the other; each counts from the call of the one before it.

    It goes on over restarts: a crash ends the wire of a process, not the schedule.
    """

    ahead: list[Happening] = field(default_factory=list)
    struck: list[str] = field(default_factory=list)  # the calls at which something happened
    edits: int = 0
    passed: int = 0

    def strike(self, name: str) -> Fault | None:
        """Let the edits of this call happen; return the fault of this call, if it has one."""
        self.passed += 1
        while self.ahead and self.ahead[0].call in (self.passed, name):
            happening = self.ahead.pop(0)
            self.struck.append(name)
            if isinstance(happening, FaultAt):
                self.passed = 0
                return happening.fault
            self.passed = 1
            self.edits += 1
            happening.edit()
        return None


async def _at_once() -> None:
    """Wait for nobody."""


def _unseen(_name: str) -> None:
    """Look at nothing."""


@dataclass(slots=True)
class Wire:
    """Every call of one process to the outside passes here, in order."""

    schedule: Schedule = field(default_factory=Schedule)
    calls: list[str] = field(default_factory=list)
    turn: Callable[[], Awaitable[None]] = _at_once  # until this process may go on
    before: Callable[[str], None] = _unseen  # looks at the world, call by call
    after: Callable[[str], None] = _unseen
    observer: Callable[[str], None] = _unseen  # looks at the world after each call, too

    async def call(
        self, name: str, do: Callable[[], Answer], failed: Callable[[Fault], Answer]
    ) -> Answer:
        """Run `do`, or what a fault makes of it."""
        await self.turn()
        self.calls.append(name)
        fault = self.schedule.strike(name)
        self.before(name)
        if fault is Fault.CRASH_BEFORE:
            raise Crash
        if fault in (Fault.NOT_SENT, Fault.GATEWAY_404):
            return failed(fault)
        answer = do()
        self.after(name)
        self.observer(name)
        if fault is Fault.CRASH_AFTER:
            raise Crash
        return answer if fault is None else failed(fault)

    @property
    def reached(self) -> bool:
        """Whether all that was to happen has happened."""
        return not self.schedule.ahead

    @property
    def writes(self) -> list[str]:
        """The calls that change something in the cluster."""
        verbs = ("create", "replace", "json_patch", "patch_status", "apply", "delete")
        return [name for name in self.calls if name.partition(" ")[0] in verbs]

    @property
    def requests(self) -> list[str]:
        return [name for name in self.calls if name.startswith("provider ")]
