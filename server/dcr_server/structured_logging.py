"""Logs: one line per thing that happened, to standard error; uvicorn's lines look the same.

What may hold a secret is a SecretStr until it is sent, and no endpoint logs a body or a header.
"""

import functools
import json
import logging
import sys
import time
from collections.abc import Callable
from typing import Final, Literal, TextIO

import structlog
from pydantic_core import to_json
from structlog.typing import EventDict, Processor, WrappedLogger

from dcr_server.request_ids import CURRENT

LogFormat = Literal["json", "text"]

_LEVELS: Final = {"exception": "error", "warn": "warning"}
"""Where the level is called otherwise than the method that logs."""


def configure_logging(form: LogFormat, level: str, *, stream: TextIO | None = None) -> None:
    stream = stream or sys.stderr
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [_add_circumstances]
    renderers = _renderers(form)
    structlog.configure(
        processors=[*shared, *renderers],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    # Libraries tell of every start and stop at info; what we do is logged by ourselves.
    root.setLevel(max(number, logging.WARNING))


def _add_circumstances(_logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Say of which request, how bad and when."""
    request_id = CURRENT.get()
    if request_id:
        event["request_id"] = request_id
    event["level"] = _LEVELS.get(method, method)
    seconds = time.time()
    event["timestamp"] = f"{_whole_second(int(seconds))}.{int(seconds % 1 * 1_000_000):06}Z"
    return event


# A busy server writes thousands of lines within one.
@functools.lru_cache(maxsize=1)
def _whole_second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def _escape(_logger: WrappedLogger, _level: str, event: EventDict) -> EventDict:
    """Keep a line one line, and a terminal's commands out of it: texts may be anybody's."""
    return {
        name: _printable(value, ascii) if isinstance(value, str) else value
        for name, value in event.items()
    }


def _json_line(logger: WrappedLogger, method: str, event: EventDict) -> str:
    if "exc_info" in event:
        event = structlog.processors.format_exc_info(logger, method, event)
    try:
        line = to_json(event, fallback=repr).decode()
    except ValueError:
        # Half a surrogate pair, bytes that are no text: rare, and no reason to lose the line.
        line = json.dumps(event, default=repr)
    # JSON lets pass what viewers take for the end of a line, and terminals for a command.
    return _printable(line, json.dumps)


def _printable(text: str, quote: Callable[[str], str]) -> str:
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else quote(one)[1:-1] for one in text)


def _renderers(form: LogFormat) -> list[Processor]:
    if form == "json":
        return [_json_line]
    # A pretty traceback would print the values of local variables: secrets are among them.
    return [
        _escape,
        structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        ),
    ]
