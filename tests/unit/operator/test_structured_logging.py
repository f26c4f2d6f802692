import io
import json
import logging

import pytest
import structlog
from pydantic import SecretStr

from dcr_operator.settings import LogFormat, LogLevel
from dcr_operator.structured_logging import configure_logging


@pytest.fixture(autouse=True)
def _restore() -> object:
    root = logging.getLogger()
    before = (root.handlers, root.level)
    yield
    root.handlers, root.level = before[0], before[1]
    structlog.reset_defaults()


def logged(form: LogFormat = LogFormat.JSON, level: LogLevel = LogLevel.INFO) -> io.StringIO:
    stream = io.StringIO()
    configure_logging(form, level, stream=stream)
    return stream


def test_a_line_is_one_json_object() -> None:
    stream = logged()
    structlog.get_logger("dcr_operator").info("listening", url="http://x")
    line = json.loads(stream.getvalue())
    assert (line["event"], line["level"], line["url"]) == ("listening", "info", "http://x")


def test_libraries_log_the_same_way() -> None:
    stream = logged()
    logging.getLogger("kopf.reactor").warning("watch %s", "lost")
    line = json.loads(stream.getvalue())
    assert (line["event"], line["logger"]) == ("watch lost", "kopf.reactor")


def test_what_libraries_say_of_every_object_is_left_out() -> None:
    stream = logged()
    logging.getLogger("kopf.objects").info("handler called")
    logging.getLogger("httpx").info("HTTP Request")
    assert stream.getvalue() == ""


@pytest.mark.parametrize("form", list(LogFormat))
def test_secrets_are_masked(form: LogFormat) -> None:
    stream = logged(form)
    structlog.get_logger("dcr_operator").info(
        "event",
        client_secret="s3cret",
        registration_access_token="rat-value",
        authorization="Bearer x-value",
        held=SecretStr("y-value"),
        secret_name="shown",
    )
    text = stream.getvalue()
    for secret in ("s3cret", "rat-value", "x-value", "y-value"):
        assert secret not in text
    assert "shown" in text


def fail(local: str) -> None:
    raise ValueError(len(local))


@pytest.mark.parametrize("form", list(LogFormat))
def test_tracebacks_show_no_local_variables(form: LogFormat) -> None:
    stream = logged(form)
    try:
        fail("s3cret-" + "local")
    except ValueError:
        structlog.get_logger("dcr_operator").exception("pass failed")
    assert "ValueError: 12" in stream.getvalue()
    assert "s3cret-local" not in stream.getvalue()


def test_the_level_is_that_of_the_settings() -> None:
    stream = logged(level=LogLevel.WARNING)
    structlog.get_logger("dcr_operator").info("quiet")
    assert stream.getvalue() == ""
