"""What a worker is told when it starts, as one line of JSON on its standard input.

A pipe, since arguments and environment can be read by others, and a restarted worker must have the
settings that its siblings have.
"""

from dataclasses import dataclass
from typing import Self

from pydantic import SecretStr
from pydantic_core import from_json, to_json

from dcr_server.settings import Settings

# The supervisor's business.
_NOT_FOR_WORKERS = {"admin_token", "admin_token_file"}


@dataclass(frozen=True, slots=True)
class WorkerBrief:
    settings: Settings
    number: int
    """From 0; a worker that is started again keeps the number, and so its counters."""
    listener: int
    """File descriptor of the socket that is listened on."""
    notice: float

    def to_line(self) -> bytes:
        document = {
            "settings": _revealed(self.settings),
            "number": self.number,
            "listener": self.listener,
            "notice": self.notice,
        }
        return to_json(document) + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Self:
        document = from_json(line)
        return cls(**{**document, "settings": Settings.model_validate(document["settings"])})


def _revealed(settings: Settings) -> dict[str, object]:
    return {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value
        for name, value in settings.model_dump().items()
        if name not in _NOT_FOR_WORKERS
    } | dict.fromkeys(_NOT_FOR_WORKERS)
