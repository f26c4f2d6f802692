"""What tells whether a database can be read and written."""

from dcr_server.storage.operations import Operation


def look() -> Operation[None]:
    yield "SELECT 1 FROM schema_version", ()


def write() -> Operation[None]:
    """Write a row as it was. Not by UPDATE: SQLite leaves out what would not change a page."""
    rows = yield "DELETE FROM schema_version RETURNING version", ()
    for (version,) in rows:
        yield "INSERT INTO schema_version (version) VALUES (?)", (version,)
