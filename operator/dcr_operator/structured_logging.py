"""Logs: one structured line for each thing that happened, ours and the libraries' alike.

Secrets are SecretStr wherever they are held, so no renderer can print them; a
processor masks the members of requests and records by name all the same.
"""

import logging
import logging.config
import sys
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from dcr_operator.settings import LogFormat, LogLevel

_MASK = "**********"
_SECRET_PARTS = ("secret", "token", "password", "authorization", "private_key", "assertion")
_NAMES_ONLY = ("_name", "_endpoint", "_method", "_ref", "_uri")
# They tell of every object and request at info; we tell of every pass ourselves.
_CHATTY = ("kopf", "httpx", "httpcore", "aiohttp", "kubernetes", "asyncio")


def configure_logging(form: LogFormat, level: LogLevel, *, stream: TextIO | None = None) -> None:
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        mask_secrets,
    ]
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(form),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(number)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,  # tests configure more than once
    )


def mask_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Mask what is called a secret; a name, an endpoint or a method is none."""
    for name in event:
        if any(part in name for part in _SECRET_PARTS) and not name.endswith(_NAMES_ONLY):
            event[name] = _MASK
    return event


def _renderers(form: LogFormat) -> list[Processor]:
    if form is LogFormat.JSON:
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    console = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=_plain_traceback)
    return [keep_to_one_line, console]


def keep_to_one_line(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Escape what would end the line or speak to a terminal: JSON does that by itself."""
    for name, value in event.items():
        if name not in ("exc_info", "exception"):
            event[name] = _printable(value if isinstance(value, str) else str(value))
    return event


def _printable(value: str) -> str:
    if value.isprintable():
        return value
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in value
    )


def _plain_traceback(stream: TextIO, exc_info: structlog.typing.ExcInfo) -> None:
    """Print without the values of local variables: they hold secrets."""
    structlog.dev.plain_traceback(stream, exc_info)
