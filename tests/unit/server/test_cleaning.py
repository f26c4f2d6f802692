"""What has expired goes, all of it, in small batches; an outage is waited out."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from dcr_server import cleaning
from dcr_server.cleaning import BATCH, clean_once, clean_regularly
from dcr_server.policies import Policy
from dcr_server.storage.requests import AuditFilter, ClientFilter
from tests.unit.server.registrant import EVERYTHING, Registrant, registrant_at

SHORT_LIVED = EVERYTHING.model_copy(update={"client_lifetime": 60})
POLICIES: Mapping[str, Policy] = {"default": SHORT_LIVED}


class ManualSleep:
    """Returns at once, so many times; then the one who sleeps is told to stop."""

    def __init__(self, times: int) -> None:
        self.slept: list[float] = []
        self._times = times

    async def __call__(self, seconds: float) -> None:
        if len(self.slept) == self._times:
            raise asyncio.CancelledError
        self.slept.append(seconds)


async def register(registrant: Registrant, count: int) -> None:
    answers = await asyncio.gather(*(registrant.post() for _ in range(count)))
    assert {answer.status_code for answer in answers} == {201}


async def clients(registrant: Registrant) -> int:
    return len(await registrant.server.storage.clients.page(ClientFilter(), after="", limit=1000))


async def test_what_has_expired_goes_however_much_it_is(tmp_path: Path) -> None:
    removed: Counter[str] = Counter()
    sleep = ManualSleep(100)
    async with registrant_at(tmp_path, policies=POLICIES) as registrant:
        await register(registrant, 2 * BATCH + 1)
        registrant.clock.seconds += 60
        await register(registrant, 3)
        total = await clean_once(
            registrant.server, lambda kind, count: removed.update({kind: count}), sleep
        )
        assert await clients(registrant) == 3
        entries = await registrant.server.storage.audit.page(AuditFilter(), after=0, limit=1000)
    assert total == removed == {"clients": 2 * BATCH + 1}
    assert len(sleep.slept) == 2
    expired = [entry for entry in entries if entry.action == "client_expired"]
    assert len(expired) == 2 * BATCH + 1
    assert {entry.origin.actor for entry in expired} == {"clean-up"}


async def test_nothing_to_do_is_done_once(registrant: Registrant) -> None:
    sleep = ManualSleep(0)
    total = await clean_once(registrant.server, lambda _kind, _count: None, sleep)
    assert total == {}


async def test_it_comes_back_about_every_minute_and_after_an_outage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One that was used before keeps the configuration of that time.
    monkeypatch.setattr(cleaning, "log", structlog.get_logger())
    sleep = ManualSleep(3)
    async with registrant_at(tmp_path) as registrant:
        await registrant.server.storage.close()
        with capture_logs() as entries, pytest.raises(asyncio.CancelledError):
            await clean_regularly(registrant.server, lambda _kind, _count: None, sleep)
    assert [entry["event"] for entry in entries] == ["clean_up_failed"] * 3
    assert all(45 <= seconds <= 75 for seconds in sleep.slept)
    assert len(set(sleep.slept)) > 1


async def test_a_bug_is_told_and_does_not_end_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleaning, "log", structlog.get_logger())

    def fail(_kind: str, _count: int) -> None:
        raise KeyError("a bug")

    async with registrant_at(tmp_path, policies=POLICIES) as registrant:
        await register(registrant, BATCH + 1)
        registrant.clock.seconds += 60
        with capture_logs() as entries, pytest.raises(asyncio.CancelledError):
            await clean_regularly(registrant.server, fail, ManualSleep(3))
    # Each time it went on with what the last time had left.
    assert [(entry["event"], entry["log_level"]) for entry in entries] == [
        ("clean_up_failed", "error")
    ] * 2
    assert all(entry["exc_info"] for entry in entries)


async def test_the_audit_trail_is_shortened_by_the_retention_only(tmp_path: Path) -> None:
    removed: Counter[str] = Counter()
    async with registrant_at(tmp_path) as registrant:
        await register(registrant, 2 * BATCH)
        registrant.clock.seconds += 100
        await register(registrant, 3)
        totals = [
            await clean_once(
                replace(registrant.server, audit_retention=retention),
                lambda kind, count: removed.update({kind: count}),
                ManualSleep(9),
            )
            for retention in (None, 101, 99, 99)
        ]
        left = await registrant.server.storage.audit.page(AuditFilter(), after=0, limit=1000)
    assert [total["audit"] for total in totals[:2] + totals[3:]] == [0, 0, 0]
    assert totals[2]["audit"] == removed["audit"] >= 2 * BATCH
    assert [entry.action for entry in left] == ["client_registered"] * 3
