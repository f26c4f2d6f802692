"""Which version of the tables a database has, against those that this program knows."""

from dcr_server.storage.protocol import UnusableStorage


def refuse_newer(database: object, version: int, known: int) -> None:
    """Raises UnusableStorage."""
    if version > known:
        raise UnusableStorage(
            f"{database} has schema version {version}, this dcr-server knows versions up to "
            f"{known}: start the version that wrote it, or a newer one"
        )


def refuse_another(database: object, version: int, known: int) -> None:
    """For who only wants to read, and leaves it to others when a database is migrated.

    Raises UnusableStorage.
    """
    refuse_newer(database, version, known)
    if version < known:
        raise UnusableStorage(
            f"{database} has schema version {version}, this dcr-server needs {known}: back it up, "
            "then run dcr-server migrate, or restart the server with this version"
        )
