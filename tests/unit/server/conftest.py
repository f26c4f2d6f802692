from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.unit.server.administrator import Administrator, administrator_at
from tests.unit.server.registrant import Registrant, registrant_at


@pytest_asyncio.fixture
async def administrator(tmp_path: Path) -> AsyncIterator[Administrator]:
    async with administrator_at(tmp_path) as administrator:
        yield administrator


@pytest_asyncio.fixture
async def registrant(tmp_path: Path) -> AsyncIterator[Registrant]:
    async with registrant_at(tmp_path) as registrant:
        yield registrant
