from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from dcr_server import http_protocol
from tests.attacks.listening import Listening, listening_at
from tests.unit.server.registrant import Registrant, registrant_at


@pytest_asyncio.fixture
async def registrant(tmp_path: Path) -> AsyncIterator[Registrant]:
    """The real application on a real database, without sockets."""
    async with registrant_at(tmp_path) as registrant:
        yield registrant


@pytest_asyncio.fixture
async def listening(
    registrant: Registrant, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Listening]:
    """The same application behind a real socket and the HTTP that it is served with."""
    # Requests come in one piece here: what does not end at once would never end.
    monkeypatch.setattr(http_protocol, "SECONDS_FOR_A_REQUEST", 1.0)
    async with listening_at(registrant.server) as listening:
        yield listening


@pytest.fixture(autouse=True)
def _nothing_reaches_the_last_resort() -> Iterator[None]:
    with capture_logs() as entries:
        yield
    assert not [entry for entry in entries if entry["event"] == "internal_error"]
