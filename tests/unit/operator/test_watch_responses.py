import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp
import pytest

from dcr_operator.watch_responses import telling
from tests.fakes.api_server import Answer, running_api_server

PATH = "/apis/group/v1/namespaces/team/things"
LEVELS = 5_000  # more than a parser of Python takes


def thing(name: str, version: str = "7") -> dict[str, object]:
    return {"metadata": {"name": name, "resourceVersion": version}}


def line(kind: str, obj: object) -> str:
    return json.dumps({"type": kind, "object": obj}) + "\n"


BOOKMARK = line("BOOKMARK", {"metadata": {"resourceVersion": "7"}})
DEEP = line("ADDED", thing("deep")).replace(
    '"deep"', '"deep", "deep": ' + '{"a":' * LEVELS + "1" + "}" * LEVELS
)


@dataclass
class Heard:
    """What was told, and what is left for kopf."""

    told: list[tuple[str, str | None, object]] = field(default_factory=list)
    passed_on: str = ""

    def tell(self, plural: str, event: str | None, obj: Mapping[str, object]) -> None:
        metadata = obj["metadata"]
        assert isinstance(metadata, dict)
        self.told.append((plural, event, metadata.get("name")))


async def watched(text: str) -> Heard:
    heard = Heard()
    async with (
        running_api_server(lambda _: Answer(text=text)) as server,
        aiohttp.ClientSession(response_class=telling(heard.tell)) as session,
        session.get(f"{server.configuration.host}{PATH}?watch=true") as response,
    ):
        async for chunk in response.content.iter_chunked(1024):
            heard.passed_on += chunk.decode()
    return heard


@dataclass(frozen=True)
class Said:
    what: str
    text: str
    told: tuple[tuple[str, str], ...]
    passed_on: str


SAID = [
    Said("an object is added", line("ADDED", thing("a")), (("ADDED", "a"),), BOOKMARK),
    Said("an object is deleted", line("DELETED", thing("a")), (("DELETED", "a"),), BOOKMARK),
    Said(
        "events come at once",
        line("ADDED", thing("a", "6")) + line("MODIFIED", thing("a")),
        (("ADDED", "a"), ("MODIFIED", "a")),
        BOOKMARK.replace("7", "6") + BOOKMARK,
    ),
    Said("an object is deeper than a parser goes", DEEP, (("ADDED", "deep"),), BOOKMARK),
    Said("a bookmark", BOOKMARK, (), BOOKMARK),
    Said("an error", line("ERROR", {"code": 410}), (), line("ERROR", {"code": 410})),
    Said("a line that was broken off", '{"type": "ADD', (), '{"type": "ADD'),
]


@pytest.mark.parametrize("said", SAID, ids=lambda said: said.what)
async def test_events_are_told_and_pass_on_as_bookmarks(said: Said) -> None:
    heard = await watched(said.text)
    assert heard.told == [("things", *each) for each in said.told]
    assert heard.passed_on == said.passed_on


async def test_a_line_longer_than_what_comes_at_once_is_told_when_it_is_complete() -> None:
    long = {**thing("long"), "data": "x" * 300_000}
    heard = await watched(line("ADDED", long))
    assert heard.told == [("things", "ADDED", "long")]


async def test_what_is_listed_is_told_and_the_list_passes_on_empty() -> None:
    heard = Heard()
    page = {"metadata": {"resourceVersion": "5", "continue": "more"}}
    answer = Answer(document={**page, "items": [thing("a"), thing("b")]})
    async with (
        running_api_server(lambda _: answer) as server,
        aiohttp.ClientSession(response_class=telling(heard.tell)) as session,
        session.get(f"{server.configuration.host}{PATH}?limit=2") as response,
    ):
        assert await response.json() == {**page, "items": []}
    assert heard.told == [("things", None, "a"), ("things", None, "b")]
