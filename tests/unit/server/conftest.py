from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.unit.server.registrant import Registrant, registrant_at


@pytest_asyncio.fixture
async def registrant(tmp_path: Path) -> AsyncIterator[Registrant]:
    async with registrant_at(tmp_path) as registrant:
        yield registrant
