import asyncio
from dataclasses import dataclass, field

import pytest

from dcr_operator.kube import CLUSTER_OAUTH_PROVIDERS, ApiUnavailable, JsonObject, Resource
from dcr_operator.recent_reads import MAX_AGE, RecentReads

PROVIDER = (CLUSTER_OAUTH_PROVIDERS, None, "main")
CHANGED = (CLUSTER_OAUTH_PROVIDERS, "", "main")


@dataclass
class Slow:
    """Counts its reads, and holds back an answer until it is let go."""

    asked: list[tuple[Resource, str | None, str]] = field(default_factory=list)
    version: int = 1
    fails: bool = False
    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def get(self, resource: Resource, namespace: str | None, name: str) -> JsonObject | None:
        self.asked.append((resource, namespace, name))
        if self.fails:
            raise ApiUnavailable(0, "NoAnswer", "gone")
        document: JsonObject = {"version": self.version}
        await self.go.wait()
        return document


class Reading:
    def __init__(self) -> None:
        self.api = Slow()
        self.api.go.set()
        self.now = 0.0
        self.reads = RecentReads(self.api, lambda: self.now)

    async def version(self) -> object:
        document = await self.reads.get(*PROVIDER)
        return document and document["version"]


@pytest.mark.parametrize(("age", "reads"), [(0.0, 1), (MAX_AGE - 0.01, 1), (MAX_AGE, 2)])
async def test_a_read_serves_all_until_it_is_too_old(age: float, reads: int) -> None:
    reading = Reading()
    await reading.version()
    reading.now = age
    reading.api.version = 2
    assert await reading.version() == reads
    assert len(reading.api.asked) == reads


async def test_an_event_makes_the_next_read_a_live_one() -> None:
    reading = Reading()
    await reading.version()
    reading.api.version = 2
    reading.reads.forget(*CHANGED)
    assert await reading.version() == 2


async def test_an_answer_that_an_event_has_overtaken_serves_nobody_else() -> None:
    reading = Reading()
    reading.api.go.clear()
    under_way = asyncio.create_task(reading.version())
    await asyncio.sleep(0)
    reading.api.version = 2
    reading.reads.forget(*CHANGED)
    reading.api.go.set()
    assert await under_way == 1
    assert await reading.version() == 2


async def test_a_failed_read_is_nobody_elses() -> None:
    reading = Reading()
    reading.api.fails = True
    with pytest.raises(ApiUnavailable):
        await reading.version()
    reading.api.fails = False
    assert await reading.version() == 1


async def test_what_nobody_reads_any_more_is_forgotten() -> None:
    reading = Reading()
    for number in range(1_000):
        await reading.reads.get(CLUSTER_OAUTH_PROVIDERS, None, f"provider-{number}")
    reading.now = MAX_AGE
    await reading.version()
    assert len(reading.reads._read) == 1
