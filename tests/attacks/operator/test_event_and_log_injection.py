"""Names, values and answers that tenants choose, in Events and in the log: one line each."""

import asyncio
import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO

import pytest
import structlog

from dcr_operator.event_recorder import KubernetesEventRecorder
from dcr_operator.kube import EVENTS, text
from dcr_operator.outcomes import Refused
from dcr_operator.ports import EventType, Regarding
from dcr_operator.settings import LogFormat, LogLevel
from dcr_operator.structured_logging import configure_logging
from tests.fakes.kubernetes_api import FakeKubernetesApi
from tests.fakes.operator_world import CLIENT, METADATA, World, new_world
from tests.fakes.virtual_time import VirtualTime

FORGED = '{"event": "pass", "level": "info", "key": "OAuthClient kube-system/forged"}'
EVIL = {
    "a line": f"x\n{FORGED}\n",
    "a line of Windows": f"x\r\n{FORGED}\r\n",
    "the end of a string": 'x", "forged": true, "y": "',
    "NUL": f"x\0{FORGED}",
    "terminal": "\x1b[2J\x1b[1;1H\x1b]0;owned\x07",
    "C1": "\x9b2J\x85",
    "separators": f"x\u2028{FORGED}\u2029",
    "right to left": "\u202egnol\u202c",
    "format": "%s%s%n {0.__class__} ${jndi:ldap://127.0.0.1/x}",
    "endless": "y" * 50_000,
}
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]")


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    root = logging.getLogger()
    before = (root.handlers, root.level)
    yield
    root.handlers, root.level = before[0], before[1]
    structlog.reset_defaults()


def logged(form: LogFormat) -> StringIO:
    stream = StringIO()
    configure_logging(form, LogLevel.DEBUG, stream=stream)
    return stream


@pytest.mark.parametrize("form", list(LogFormat))
@pytest.mark.parametrize("kind", EVIL)
def test_a_value_does_not_end_its_line(kind: str, form: LogFormat) -> None:
    stream = logged(form)
    log = structlog.get_logger("dcr_operator")
    log.info("pass failed", detail=EVIL[kind], members=[EVIL[kind]], key=EVIL[kind])
    logging.getLogger("kopf.reactor").warning("watch of %s ended", EVIL[kind])
    lines = stream.getvalue().removesuffix("\n").split("\n")
    assert len(lines) == 2
    assert all(CONTROL.search(line) is None for line in lines)
    if form is LogFormat.JSON:
        assert next(json.loads(line)["event"] for line in lines) == "pass failed"
        assert not any("forged" in json.loads(line) for line in lines)


async def hostile_pass(kind: str) -> World:
    """A tenant's metadata, and a provider that repeats the same in everything it says."""
    world = new_world()
    world.set_client(clientMetadata={**METADATA, "extra": {"x": EVIL[kind]}})
    world.provider.refuses = Refused(400, EVIL[kind], EVIL[kind])
    await world.run_pass()
    world.set_client(clientMetadata={**METADATA, "extra": {"y": EVIL[kind]}})
    world.provider.refuses = None
    world.provider.down, world.provider.outage = True, EVIL[kind]
    await world.run_pass()
    return world


@pytest.mark.parametrize("kind", EVIL)
async def test_what_a_pass_logs_is_one_line_each(kind: str) -> None:
    stream = logged(LogFormat.JSON)
    await hostile_pass(kind)
    for line in stream.getvalue().splitlines():
        entry = json.loads(line)
        assert "kube-system/forged" not in str(entry.get("key"))


@pytest.mark.parametrize("kind", EVIL)
async def test_an_event_is_short_and_in_the_namespace_of_its_object(kind: str) -> None:
    world = await hostile_pass(kind)
    time = VirtualTime(1_000)
    recorder = KubernetesEventRecorder(
        FakeKubernetesApi(world.cluster),
        "pod-1",
        now=lambda: datetime.fromtimestamp(time.now, UTC),
        clock=time.time,
    )
    for _, reason, message in world.events.seen:
        recorder.record(Regarding(CLIENT, world.uid), EventType.WARNING, reason, message)
    recorder.record(Regarding(CLIENT, world.uid), EventType.WARNING, "Ready", EVIL[kind])
    running = asyncio.ensure_future(recorder.run())
    await recorder.flush()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    events = [body for place, body in world.cluster.objects.items() if place[0] == EVENTS.plural]
    assert events
    for event in events:
        assert len(text(event, "note")) <= 1024
        regarding = event["regarding"]
        assert isinstance(regarding, dict)
        assert (regarding["namespace"], regarding["name"]) == (CLIENT.namespace, CLIENT.name)


@pytest.mark.parametrize("kind", EVIL)
async def test_conditions_are_lines(kind: str) -> None:
    world = await hostile_pass(kind)
    conditions = world.status["conditions"]
    assert isinstance(conditions, list)
    for each in conditions:
        assert isinstance(each, dict)
        message = text(each, "message")
        assert CONTROL.search(message) is None
        assert "\n" not in message
        assert len(message) < 2048
