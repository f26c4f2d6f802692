"""Values as text of a file format, quoted so that nothing in them is taken for syntax. Pure."""

import json
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote

# Inside double quotes a POSIX shell and systemd give these four a meaning.
_SPECIAL: Final = '\\"$`'
_SINGLE_QUOTED: Final = "'\\"


def as_json(value: str) -> str:
    return json.dumps(value)


def as_shell(value: str) -> str:
    """Quote for a shell, systemd's EnvironmentFile and dotenv libraries.

    In single quotes all of them take everything as it stands, but for a quote and, in some
    dotenv libraries, a backslash.
    """
    if not any(character in value for character in _SINGLE_QUOTED):
        return f"'{value}'"
    escaped = "".join(f"\\{each}" if each in _SPECIAL else each for each in value)
    return f'"{escaped}"'


def as_url(value: str) -> str:
    # RFC 3986 §2.3: all but unreserved characters.
    return quote(value, safe="")


QUOTINGS: Final[Mapping[str, Callable[[str], str]]] = {
    "json": as_json,
    "shell": as_shell,
    "url": as_url,
}


def variable(name: str) -> str:
    """Return the environment variable for a value."""
    return f"OAUTH_{name.upper()}"


def env_file(values: Mapping[str, str]) -> str:
    return "".join(f"{variable(name)}={as_shell(value)}\n" for name, value in values.items())


def json_file(values: Mapping[str, str]) -> str:
    document = {
        name: int(value) if name.endswith("_expires_at") else value
        for name, value in values.items()
    }
    return json.dumps(document, indent=2) + "\n"
