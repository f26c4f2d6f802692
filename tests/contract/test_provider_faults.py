"""What becomes of a client when its provider fails, on real HTTP: one table, fault by operation.

Each ends in the state and the reason that docs/crash-safety.md names, in a bounded number of
requests and writes. Then there is silence, until the fault goes and everything heals by itself.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from dcr_operator.registration_client import HttpRegistrationClient
from tests.fakes import http_provider as http
from tests.fakes.http_provider import Fault, Loopback, Trouble, listening_provider
from tests.fakes.operator_world import METADATA, RESYNC, World
from tests.fakes.provider import FakeProvider

PASSES = 8
QUIET = 3  # passes without a write
PATIENCE = 1200.0  # seconds that the provider asks for
DATE, LATER = "Thu, 01 Jan 2026 00:00:00 GMT", "Thu, 01 Jan 2026 00:20:00 GMT"
HUGE = b'{"client_name": "' + b"x" * 300_000 + b'"}'
# An edit at a provider that answers nothing about its clients as it should.
MANAGED = "update and read"
STRUCK = {MANAGED: ("update", "read")}
EDITED = {**METADATA, "clientName": "Edited"}


@dataclass(frozen=True)
class Kind:
    """A fault; `after` it struck the answer, not the request."""

    name: str
    fault: Fault | None  # None: nobody listens
    after: bool = False
    patient: bool = False  # the provider says when to come again
    hangs: bool = False


REFUSED = Kind("a refused connection", None)
SILENT = [
    Kind("a connection that breaks before the effect", http.hang_up),
    Kind("a connection that breaks after the effect", http.hang_up, after=True),
    Kind("a time-out after the effect", http.never, after=True, hangs=True),
    Kind("a body that never ends", http.trickle, after=True, hangs=True),
]
FAILING = [
    Kind("500", http.status(500)),
    Kind("502 after the effect", http.status(502), after=True),
    Kind("503 with Retry-After", http.status(503, Retry_After="1200"), patient=True),
]
LIMITED = [
    Kind("429", http.status(429)),
    Kind("429 with seconds", http.status(429, Retry_After="1200"), patient=True),
    Kind("429 with a date", http.status(429, Retry_After=LATER, Date=DATE), patient=True),
]
UNREADABLE = [
    Kind("malformed JSON", http.body(b'{"client_id": '), after=True),
    Kind("JSON that is no object", http.body(b"[]"), after=True),
    Kind("an oversized answer", http.body(HUGE), after=True),
    Kind("a page of HTML", http.body(b"<html></html>", "text/html"), after=True),
]
ODD = [Kind("JSON that is called text", http.as_media_type("text/plain"), after=True)]
REDIRECTS = [
    Kind("a redirect to another path", http.status(307, Location="/stray")),
    Kind("a redirect to another host", http.status(302, Location="http://127.0.0.2:1/stray")),
]

READY, GONE = ("True", "Ready"), ("gone", "")
UNAVAILABLE = ("False", "ProviderUnavailable")
BLOCKED = ("False", "DeletionBlocked")
LOST = ("False", "RegistrationAccessTokenRejected")
LIMIT = ("False", "RateLimited")
UNKNOWN = ("False", "CreationOutcomeUnknown")


@dataclass(frozen=True)
class Row:
    kind: Kind
    operation: str
    end: tuple[str, str]
    idempotent: bool = True
    writes: int = 0  # at most, before the silence
    each_try: int = 0  # writes: the intent is opened, and closed since nothing was done
    provider_ready: str = ""  # status of ProviderReady, where Ready does not tell

    def __str__(self) -> str:
        honours = "honours keys" if self.idempotent else "does not honour keys"
        return f"{self.kind.name} at {self.operation}, provider {honours}"


def rows() -> list[Row]:
    table: list[Row] = []
    for kind in [REFUSED, *SILENT, *FAILING]:
        table += [
            Row(kind, "discover", UNAVAILABLE, writes=1),
            Row(kind, "read", READY, writes=1, provider_ready="False"),
            Row(kind, "update", UNAVAILABLE, writes=4),
        ]
    table += [Row(kind, "register", UNAVAILABLE, writes=3) for kind in [*SILENT, *FAILING]]
    table += [Row(kind, "delete", BLOCKED, writes=4) for kind in [REFUSED, *SILENT[:3], *FAILING]]
    for kind in LIMITED:
        table += [
            Row(kind, "discover", UNAVAILABLE, writes=1),
            Row(kind, "register", LIMIT, writes=4, each_try=2),
            Row(kind, "read", READY, writes=1, provider_ready="False"),
            Row(kind, "update", LIMIT, writes=3, each_try=2),
            Row(kind, MANAGED, LIMIT, writes=4),
            Row(kind, "delete", BLOCKED, writes=3, each_try=2),
        ]
    return [*table, *unreadable_rows(), *odd_rows()]


def unreadable_rows() -> list[Row]:
    table: list[Row] = []
    for kind in UNREADABLE:
        table += [
            Row(kind, "discover", ("False", "DiscoveryFailed"), writes=1),
            Row(kind, "register", UNAVAILABLE, writes=4),
            # It has a client that nobody knows: no second one is made.
            Row(kind, "register", UNKNOWN, idempotent=False, writes=5),
            Row(kind, "read", READY, writes=1, provider_ready="False"),
            Row(kind, "update", UNAVAILABLE, writes=2),
        ]
    # The answer held the next registration access token, and the old one is refused.
    table.append(Row(UNREADABLE[0], "update", LOST, idempotent=False, writes=3))
    # The status alone says that it is gone (RFC 7592 §2.3).
    return [*table, *(Row(kind, "delete", GONE, writes=4) for kind in UNREADABLE)]


def odd_rows() -> list[Row]:
    table: list[Row] = []
    for kind in REDIRECTS:
        table += [
            Row(kind, "discover", ("False", "DiscoveryFailed"), writes=1),
            Row(kind, "register", UNAVAILABLE, writes=4, each_try=2),
            Row(kind, "read", READY, writes=1, provider_ready="False"),
            Row(kind, "update", UNAVAILABLE, writes=3, each_try=2),
            Row(kind, "delete", BLOCKED, writes=3, each_try=2),
        ]
    for kind in ODD:
        table += [
            Row(kind, "discover", READY, writes=5),
            Row(kind, "register", READY, writes=5),
            Row(kind, "read", READY),
            Row(kind, "update", READY, writes=4),
            Row(kind, "delete", GONE, writes=4),
        ]
    return table


@dataclass
class Stage:
    world: World
    loopback: Loopback
    writes: list[int] = field(default_factory=list)  # of each pass under the fault
    waits: list[float | None] = field(default_factory=list)

    @property
    def provider(self) -> FakeProvider:
        return self.loopback.http.provider

    async def bring_to(self, operation: str) -> None:
        """Bring the client to where the operation is next."""
        self.world.add_client()
        if operation in ("discover", "register"):
            return
        await self.world.settle()
        assert self.world.condition() == READY
        match operation:
            case "read":
                self.world.advance(RESYNC)
            case "update" | "update and read":
                self.world.set_client(clientMetadata=EDITED)
            case "delete":
                self.world.delete_client()

    async def strike(self, kind: Kind, operation: str) -> None:
        if kind.fault is None:
            await self.loopback.stop_listening()
        else:
            self.loopback.http.trouble = Trouble(
                STRUCK.get(operation, (operation,)), kind.fault, after=kind.after
            )

    async def heal(self) -> None:
        self.loopback.http.trouble = None
        if self.loopback.site is None:
            await self.loopback.listen()

    async def until_quiet(self) -> None:
        """Pass until there were no writes for some passes, each as late as the last one asked."""
        for _ in range(PASSES):
            result = await self.world.run_pass()
            self.writes.append(len(self.world.wire.writes))
            self.waits.append(result.requeue_after)
            self.world.advance(max(result.requeue_after or 0.0, 300.0))
            if not any(self.writes[-QUIET:]) and len(self.writes) >= QUIET:
                return

    @property
    def end(self) -> tuple[str, str]:
        return GONE if self.world.client is None else self.world.condition()


@asynccontextmanager
async def raised(provider: FakeProvider, **spec: object) -> AsyncIterator[Stage]:
    async with listening_provider(provider) as loopback:
        world = World(provider, allow_loopback=True)

        def seconds() -> float:
            return world.now.timestamp()

        client = HttpRegistrationClient(clock=seconds, jitter=lambda: 0.0)
        world.registrations = client
        world.add_provider(issuer=provider.issuer, **spec)
        try:
            yield Stage(world, loopback)
        finally:
            await client.close()


@pytest.mark.parametrize("row", rows(), ids=str)
async def test_a_fault_ends_in_its_reason_and_in_silence_and_heals(row: Row) -> None:
    limits = {"timeout": "1s"} if row.kind.hangs else {}
    async with raised(FakeProvider(idempotent=row.idempotent), limits=limits) as stage:
        await stage.bring_to(row.operation)
        await stage.strike(row.kind, row.operation)
        await stage.until_quiet()
        assert stage.end == row.end
        if row.provider_ready:
            assert stage.world.condition("ProviderReady")[0] == row.provider_ready
        if row.each_try:
            assert stage.writes[0] <= row.writes
            assert set(stage.writes[1:]) == {row.each_try}
        else:
            assert sum(stage.writes) <= row.writes
            assert stage.writes[-QUIET:] == [0] * QUIET
        if row.kind.patient:
            assert all(each is not None and each >= PATIENCE for each in stage.waits)
        assert stage.loopback.http.strays == []
        await stage.heal()
        await assert_healed(stage, row)


async def assert_healed(stage: Stage, row: Row) -> None:
    if row.end in (LOST, UNKNOWN):
        return  # a person has to look: what there is to do is in the message
    await stage.world.settle()
    if row.operation == "delete":
        assert (stage.world.client, stage.world.records()) == (None, [])
        assert stage.provider.clients == {}
        return
    assert stage.world.condition() == READY
    assert stage.world.condition("ProviderReady")[0] == "True"
    assert len(stage.provider.clients) == 1
    assert stage.world.record.orphans == ()
    assert stage.world.opens(stage.world.secret() or {})


@pytest.mark.parametrize("rotates_on", ["GET", "PUT", "GET and PUT"])
@pytest.mark.parametrize("idempotent", [True, False])
async def test_a_token_that_rotates_is_followed_for_a_whole_life(
    rotates_on: str, *, idempotent: bool
) -> None:
    provider = FakeProvider(
        idempotent=idempotent,
        token_changes_on_read="GET" in rotates_on,
        token_changes_on_update="PUT" in rotates_on,
    )
    async with raised(provider) as stage:
        await stage.bring_to("register")
        for number in range(3):
            stage.world.set_client(clientMetadata={**METADATA, "clientName": f"Edit {number}"})
            await stage.world.settle()
            stage.world.advance(RESYNC)
            await stage.world.run_pass()
            assert stage.world.wire.requests == ["provider read"]
            assert stage.world.condition() == READY
        assert len(provider.clients) == 1
        stage.world.delete_client()
        await stage.world.settle()
        assert (provider.clients, stage.world.records()) == ({}, [])


@dataclass(frozen=True)
class Loss:
    """What the provider has lost, and what its owner wants done about it."""

    what: str
    spec: dict[str, str]
    end: tuple[str, str]
    announced: str
    clients: int  # at the provider, in the end
    orphans: int = 0


STOP, AGAIN = "Stop", "Reregister"
LOSSES = [
    Loss("client", {"onVanishedClient": AGAIN}, READY, "ClientVanished", 1),
    Loss("client", {"onVanishedClient": STOP}, ("False", "ClientVanished"), "ClientVanished", 0),
    Loss("token", {"onLostRegistrationAccessToken": STOP}, LOST, LOST[1], 1),
    Loss("token", {"onLostRegistrationAccessToken": AGAIN}, READY, LOST[1], 2, orphans=1),
]


@pytest.mark.parametrize("operation", ["read", "update"])
@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: f"{loss.what} {loss.spec}")
async def test_what_was_lost_at_the_provider_is_told_and_settled(
    loss: Loss, operation: str
) -> None:
    async with raised(FakeProvider(), **loss.spec) as stage:
        await stage.bring_to(operation)
        (client_id,) = stage.provider.clients
        if loss.what == "client":
            stage.provider.forget(client_id)
        else:
            stage.provider.clients[client_id].tokens = ["reset"]
        await stage.until_quiet()
        assert stage.end == loss.end
        assert loss.announced in stage.world.events.reasons
        assert stage.writes[-QUIET:] == [0] * QUIET
        assert len(stage.provider.clients) == loss.clients
        assert len(stage.world.record.orphans) == loss.orphans


@pytest.mark.parametrize(
    ("what", "end"), [("client", GONE), ("token", BLOCKED)], ids=["client", "token"]
)
async def test_a_deletion_tells_a_client_that_is_gone_from_a_token_that_is_lost(
    what: str, end: tuple[str, str]
) -> None:
    async with raised(FakeProvider()) as stage:
        await stage.bring_to("delete")
        (client_id,) = stage.provider.clients
        if what == "client":
            stage.provider.forget(client_id)
        else:
            stage.provider.clients[client_id].tokens = ["reset"]
        await stage.until_quiet()
        assert stage.end == end
        assert stage.writes[-QUIET:] == [0] * QUIET
