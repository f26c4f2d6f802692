"""Every line is JSON, whatever is in it."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from pydantic import SecretStr

from dcr_server.structured_logging import configure_logging


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    configure_logging("json", "info", stream=stream)
    yield stream
    structlog.reset_defaults()


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("ü\n", "ü\n"),
        ("\x7f\x85\u2028\x9b2J\u202e", "\x7f\x85\u2028\x9b2J\u202e"),
        (3, 3),
        ({"a": [None]}, {"a": [None]}),
        ("half \udcff", "half \udcff"),
        (b"\xff", "b'\\xff'"),
        (SecretStr("secret"), "**********"),
        (object, "<class 'object'>"),
    ],
)
def test_a_line_holds_the_value(stream: io.StringIO, value: object, written: object) -> None:
    structlog.get_logger().info("happened", value=value)
    (line,) = stream.getvalue().splitlines()
    assert line.isprintable()
    entry = json.loads(line)
    assert (entry["event"], entry["level"], entry["value"]) == ("happened", "info", written)


def test_text_keeps_one_line_for_what_happened() -> None:
    stream = io.StringIO()
    configure_logging("text", "info", stream=stream)
    try:
        logging.getLogger("library").warning("odd: %s", "a\n2026 [info] forged\x1b[2J")
        structlog.get_logger().info("happened", path="/\n2026 [info] forged\x1b[2J")
        structlog.get_logger().info("happened", path="/\x1b[2J\x85\u2028\x9b", odd=["\x85"])
    finally:
        structlog.reset_defaults()
    assert len(stream.getvalue().splitlines()) == 3
    assert all(line.isprintable() for line in stream.getvalue().splitlines())
