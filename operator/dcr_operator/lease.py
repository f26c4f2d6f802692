"""Leadership by a Lease, so that one process works and the others stand by.

Two leaders may overlap for seconds when clocks or networks misbehave: safety comes from
preconditions on every write, the Lease only saves work. Other processes' clocks are
not trusted: what counts is when *we* saw the Lease change.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from dcr_operator.kube import (
    LEASES,
    ApiAlreadyExists,
    ApiConflict,
    ApiError,
    JsonObject,
    KubernetesApi,
    member,
    text,
)

LEASE_NAME = "dcr-operator"
DURATION = 15.0  # a candidate takes over when the Lease did not change for so long
DEADLINE = 10.0  # a leader that could not renew for so long stops working
PERIOD = 2.0
_LEAST = 0.1  # seconds for a renewal that comes late


class LeadershipLostError(Exception):
    """Raised by hold(): another process leads, or may soon."""


@dataclass(frozen=True, slots=True)
class LeaseTime:
    """Clocks and sleep, as parameters."""

    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]


@dataclass(slots=True)
class Lease:
    api: KubernetesApi
    namespace: str
    identity: str
    time: LeaseTime
    log: Callable[[str, str], None] = lambda _event, _detail: None
    _seen: JsonObject = field(default_factory=dict)
    _seen_at: float = float("-inf")
    _held: JsonObject | None = None

    async def acquire(self) -> None:
        """Stand by until this process leads."""
        told = ""
        while not await self._try_to_acquire():
            holder = text(member(self._seen, "spec"), "holderIdentity")
            if holder != told:
                self.log("standing by", holder)
                told = holder
            await self.time.sleep(PERIOD)

    async def hold(self) -> None:
        """Renew until that fails; raises LeadershipLostError."""
        renewed = self.time.monotonic()
        while True:
            await self.time.sleep(PERIOD)
            # A request may take longer than the Lease lasts.
            left = max(_LEAST, renewed + DEADLINE - self.time.monotonic())
            try:
                await asyncio.wait_for(self._renew(), left)
                renewed = self.time.monotonic()
            except (ApiError, TimeoutError) as error:
                self.log("Lease not renewed", str(error) or "no answer")
                if self.time.monotonic() - renewed >= DEADLINE:
                    detail = f"the Lease could not be renewed for {DEADLINE:.0f} s"
                    raise LeadershipLostError(detail) from None

    async def _renew(self) -> None:
        try:
            await self._write(self._held or {})
        except ApiConflict:
            # Ours all the same when only the answer to an earlier renewal was lost.
            found = await self.api.get(LEASES, self.namespace, LEASE_NAME)
            if text(member(found or {}, "spec"), "holderIdentity") != self.identity:
                raise LeadershipLostError("another process has taken the Lease") from None
            await self._write(found or {})

    async def release(self) -> None:
        """Let the next one lead at once; a failure only costs it some seconds."""
        if self._held is None:
            return
        held, self._held = self._held, None
        spec: JsonObject = {**member(held, "spec"), "holderIdentity": "", "leaseDurationSeconds": 1}
        with contextlib.suppress(ApiError):
            await self.api.replace(LEASES, self.namespace, {**held, "spec": spec})

    async def _try_to_acquire(self) -> bool:
        try:
            found = await self.api.get(LEASES, self.namespace, LEASE_NAME)
            if found is None:
                await self._create()
                return True
            if not self._is_free(found):
                return False
            await self._write(found)
        except (ApiConflict, ApiAlreadyExists):
            return False
        except ApiError as error:
            self.log("Lease not readable", str(error))
            return False
        return True

    def _is_free(self, found: JsonObject) -> bool:
        spec = member(found, "spec")
        if spec != member(self._seen, "spec"):
            self._seen, self._seen_at = found, self.time.monotonic()
        holder = text(spec, "holderIdentity")
        if holder in ("", self.identity):
            return True
        return self.time.monotonic() - self._seen_at > DURATION

    async def _create(self) -> None:
        body: JsonObject = {
            "apiVersion": LEASES.api_version,
            "kind": LEASES.kind,
            "metadata": {"name": LEASE_NAME, "namespace": self.namespace},
            "spec": self._spec(transitions=0, acquired=self._moment()),
        }
        self._held = await self.api.create(LEASES, self.namespace, body)

    async def _write(self, current: JsonObject) -> None:
        before = member(current, "spec")
        count = before.get("leaseTransitions")
        transitions = count if isinstance(count, int) else 0
        acquired = text(before, "acquireTime")
        if text(before, "holderIdentity") != self.identity:
            transitions, acquired = transitions + 1, self._moment()
        spec = self._spec(transitions=transitions, acquired=acquired)
        self._held = await self.api.replace(LEASES, self.namespace, {**current, "spec": spec})

    def _spec(self, *, transitions: int, acquired: str) -> JsonObject:
        return {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": int(DURATION),
            "acquireTime": acquired or self._moment(),
            "renewTime": self._moment(),
            "leaseTransitions": transitions,
        }

    def _moment(self) -> str:
        """metav1.MicroTime: exactly six digits."""
        return self.time.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
