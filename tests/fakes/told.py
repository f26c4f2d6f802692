"""What an operator in memory has told: Events and metrics."""

from collections import Counter
from dataclasses import dataclass, field

from dcr_operator.ports import EventType, Regarding


@dataclass(slots=True)
class Events:
    seen: list[tuple[EventType, str, str]] = field(default_factory=list)

    def record(
        self, regarding: Regarding, event_type: EventType, reason: str, message: str
    ) -> None:
        assert regarding.uid
        self.seen.append((event_type, reason, message))

    @property
    def reasons(self) -> list[str]:
        return [reason for _, reason, _ in self.seen]


@dataclass(slots=True)
class Metrics:
    orphans: Counter[str] = field(default_factory=Counter)
    rotations: Counter[str] = field(default_factory=Counter)
    intents: set[str] = field(default_factory=set)
    ready: dict[str, bool] = field(default_factory=dict)
    by_record: Counter[str] = field(default_factory=Counter)
    in_doubt: int = 0

    def possible_orphan(self, provider: str) -> None:
        self.orphans[provider] += 1

    def rotation_ended(self, result: str) -> None:
        self.rotations[result] += 1

    def intent_opened(self, client: str) -> None:
        self.intents.add(client)

    def intent_closed(self, client: str) -> None:
        self.intents.discard(client)

    def client_seen(
        self, client: str, provider: str, *, ready: bool, secret_expires_at: int | None
    ) -> None:
        assert provider or not ready
        assert secret_expires_at is None or secret_expires_at >= 0
        self.ready[client] = ready

    def client_gone(self, client: str) -> None:
        self.ready.pop(client, None)
        self.intents.discard(client)

    def unregistered_by_record(self, provider: str) -> None:
        self.by_record[provider] += 1

    def records_in_doubt(self, count: int) -> None:
        self.in_doubt = count
