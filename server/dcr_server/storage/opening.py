"""Which storage is behind a database's URL."""

from typing import Final

from dcr_server.database_urls import is_postgresql, sqlite_path
from dcr_server.storage.database import DatabaseStorage
from dcr_server.storage.protocol import UnusableStorage
from dcr_server.storage.sqlite import open_sqlite_storage

PATIENCE: Final = 5.0
"""Seconds to wait for a database that others lock, or that does not answer."""


async def open_database(
    url: str, *, patience: float = PATIENCE, migrate: bool = True
) -> DatabaseStorage:
    """Open it, made and migrated as needed; for who only reads it must be so already.

    Raises UnusableStorage or StorageUnavailable with a text for the person who configured it.
    """
    path = sqlite_path(url)
    if path is not None:
        return await open_sqlite_storage(path, busy_timeout=patience, migrate=migrate)
    if not is_postgresql(url):
        raise UnusableStorage("this is not a database's URL")
    try:
        # Installed by an extra, and not loaded where it is not used.
        from dcr_server.storage.postgres import open_postgres_storage  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise UnusableStorage(
            f"PostgreSQL needs the package {error.name}: pip install 'dcr-operator[postgres]'"
        ) from None
    return await open_postgres_storage(url, patience=patience, migrate=migrate)
