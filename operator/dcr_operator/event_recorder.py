"""Kubernetes Events about our objects: aggregated, limited, written in the background.

The same message about the same object becomes a series with a count. An Event that
cannot be written is dropped: it must never block or fail a pass.
"""

import asyncio
import contextlib
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from dcr_operator.kube import EVENTS, ApiError, JsonObject, KubernetesApi
from dcr_operator.ports import EventType, Regarding
from dcr_operator.provider_limits import TokenBucket

CONTROLLER = "dcr-operator.dev/dcr-operator"
_MAX_NOTE = 1000
_WAITING = 1_000  # Events in memory before the newest are dropped
_REMEMBERED = 4_096
_RATE, _BURST = 10.0, 50.0  # Events in a second
_SERIES_PAUSE = 30.0  # seconds between two updates of one count
_NO_NAMESPACE = "default"  # where Events about cluster-scoped objects belong


@dataclass(slots=True)
class _Series:
    """One message about one object, and how often it was said."""

    name: str
    regarding: Regarding
    event_type: EventType
    reason: str
    message: str
    first: datetime
    count: int = 1
    waiting: bool = True
    written_at: float = 0.0


@dataclass(slots=True)
class KubernetesEventRecorder:
    """Implements `ports.EventRecorder`; run() writes what record() was given."""

    api: KubernetesApi
    instance: str
    now: Callable[[], datetime]
    clock: Callable[[], float]
    log: Callable[[str, str], None] = lambda _event, _detail: None
    _waiting: asyncio.Queue[_Series] = field(default_factory=lambda: asyncio.Queue(_WAITING))
    _last: asyncio.Event = field(default_factory=asyncio.Event)
    _known: OrderedDict[str, _Series] = field(default_factory=OrderedDict)

    def record(
        self, regarding: Regarding, event_type: EventType, reason: str, message: str
    ) -> None:
        name = self._name(regarding, event_type, reason, message)
        series = self._known.get(name)
        if series is None:
            note = message[:_MAX_NOTE]
            series = _Series(name, regarding, event_type, reason, note, self.now())
            self._remember(series)
        else:
            series.count += 1
            if series.waiting or self.clock() - series.written_at < _SERIES_PAUSE:
                return  # counted; told with the next one that is written
            series.waiting = True
        try:
            self._waiting.put_nowait(series)
        except asyncio.QueueFull:
            series.waiting = False
            self.log("Event dropped", reason)

    async def run(self) -> None:
        bucket = TokenBucket(_RATE, _BURST, self.clock)
        while True:
            series = await self._waiting.get()
            try:
                pause = bucket.reserve(patience=60.0)
                if pause:
                    await self._pause(pause)
                await self._write(series)
            finally:
                self._waiting.task_done()

    async def flush(self) -> None:
        """Write everything recorded without another pause: there is no later."""
        self._last.set()
        await self._waiting.join()

    @property
    def untold(self) -> int:
        return self._waiting.qsize()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._last.wait(), seconds)

    def _remember(self, series: _Series) -> None:
        self._known[series.name] = series
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def _name(self, regarding: Regarding, event_type: EventType, reason: str, message: str) -> str:
        """The same for the same message in the life of this process."""
        parts = (self.instance, regarding.uid, event_type, reason, message)
        digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
        return f"{regarding.key.name[:200]}.{digest}"

    async def _write(self, series: _Series) -> None:
        series.waiting = False
        series.written_at = self.clock()
        namespace = series.regarding.key.namespace or _NO_NAMESPACE
        try:
            await self.api.apply(EVENTS, namespace, self._body(series, namespace))
        except ApiError as error:
            self.log("Event not written", str(error))

    def _body(self, series: _Series, namespace: str) -> JsonObject:
        key = series.regarding.key
        regarding: JsonObject = {
            "apiVersion": key.resource.api_version,
            "kind": key.kind,
            "name": key.name,
            "uid": series.regarding.uid,
        }
        if key.namespace:
            regarding["namespace"] = key.namespace
        if series.regarding.resource_version:
            regarding["resourceVersion"] = series.regarding.resource_version
        body: JsonObject = {
            "apiVersion": EVENTS.api_version,
            "kind": EVENTS.kind,
            "metadata": {"name": series.name, "namespace": namespace},
            "eventTime": _micro_time(series.first),
            "reportingController": CONTROLLER,
            "reportingInstance": self.instance[:128],
            "action": "Reconcile",
            "type": series.event_type.value,
            "reason": series.reason,
            "note": series.message,
            "regarding": regarding,
        }
        if series.count > 1:
            latest = _micro_time(self.now())
            body["series"] = {"count": series.count, "lastObservedTime": latest}
        return body


def _micro_time(moment: datetime) -> str:
    """metav1.MicroTime: exactly six digits."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
