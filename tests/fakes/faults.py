"""Faults on the way to the outside: crash, lost answer, no connection, a gateway between."""

from collections.abc import Callable
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


@dataclass(slots=True)
class Wire:
    """Every call to the outside passes here, in order."""

    fault_at: FaultAt | None = None
    calls: list[str] = field(default_factory=list)
    reached: bool = False
    observer: Callable[[str], None] = lambda _name: None  # looks at the world after each call

    def call(
        self, name: str, do: Callable[[], Answer], failed: Callable[[Fault], Answer]
    ) -> Answer:
        """Run `do`, or what the fault makes of it."""
        try:
            return self._call(name, do, failed)
        finally:
            self.observer(name)

    def _call(
        self, name: str, do: Callable[[], Answer], failed: Callable[[Fault], Answer]
    ) -> Answer:
        self.calls.append(name)
        here = self.fault_at is not None and self.fault_at.call in (len(self.calls), name)
        fault = self.fault_at.fault if here and self.fault_at else None
        if fault is None:
            return do()
        self.reached = True
        if fault is Fault.CRASH_BEFORE:
            raise Crash
        if fault in (Fault.NOT_SENT, Fault.GATEWAY_404):
            return failed(fault)
        do()
        if fault is Fault.CRASH_AFTER:
            raise Crash
        return failed(fault)

    @property
    def writes(self) -> list[str]:
        """The calls that change something in the cluster."""
        verbs = ("create", "replace", "json_patch", "patch_status", "apply", "delete")
        return [name for name in self.calls if name.partition(" ")[0] in verbs]

    @property
    def requests(self) -> list[str]:
        return [name for name in self.calls if name.startswith("provider ")]
