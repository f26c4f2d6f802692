from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from dcr_server.storage.protocol import Storage
from dcr_server.storage.sqlite import open_sqlite_storage
from tests.contract.storage_examples import ORIGIN, TOKEN


@pytest_asyncio.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    storage = await open_sqlite_storage(tmp_path / "test.db")
    await storage.initial_access_tokens.add(TOKEN, ORIGIN)
    yield storage
    await storage.close()
