"""Where the database is: sqlite:///path/file.db, or postgresql://user:password@host/name."""

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

SQLITE: Final = "sqlite:///"
POSTGRESQL: Final = "postgresql://"

_SCHEMES: Final = (POSTGRESQL, "postgres://")


def is_postgresql(url: str) -> bool:
    return url.startswith(_SCHEMES)


def sqlite_path(url: str) -> Path | None:
    """Return the file of an SQLite database; None where there is none."""
    return Path(url.removeprefix(SQLITE)) if url.startswith(SQLITE) else None


def checked_database_url(url: str) -> str:
    """Raises ValueError with a text that shows nothing of the URL: it may hold a password."""
    if is_postgresql(url):
        return _checked_postgresql(url)
    if not url.startswith(SQLITE) or not url.removeprefix(SQLITE):
        raise ValueError(
            "give sqlite:///path/file.db, with an absolute path it has 4 slashes, "
            "or postgresql://user:password@host/name"
        )
    return url


def _checked_postgresql(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    # A password with / or # in it ends the host's part early: the rest would be shown as a name.
    if "@" in f"{parts.path}{parts.query}{parts.fragment}":
        raise ValueError("percent-encode @ / ? # [ ] in the user and the password of the URL")
    if not parts.path.strip("/"):
        raise ValueError("give the name of the database too: postgresql://user:password@host/name")
    return url
