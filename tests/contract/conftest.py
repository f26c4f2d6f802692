from collections.abc import AsyncIterator

import pytest_asyncio

from dcr_server.storage.opening import open_database
from dcr_server.storage.protocol import Storage
from tests.contract.storage_examples import ORIGIN, TOKEN


@pytest_asyncio.fixture
async def storage(database_url: str) -> AsyncIterator[Storage]:
    storage = await open_database(database_url)
    await storage.initial_access_tokens.add(TOKEN, ORIGIN)
    yield storage
    await storage.close()
