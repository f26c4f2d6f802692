"""What is kept of a request: its id everywhere, one line, counts without end of labels."""

import io
import json
from collections.abc import Iterator

import pytest
import structlog

from dcr_server.storage.requests import AuditFilter
from dcr_server.structured_logging import configure_logging
from tests.unit.server.registrant import MACHINE, Registrant, bearer


# Asked for before the application is made, which looks at the level of the log once.
@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    stream = io.StringIO()
    for module in ("exchange", "error_responses", "registration"):
        # One that was used before keeps the configuration of that time.
        monkeypatch.setattr(f"dcr_server.{module}.log", structlog.get_logger())
    configure_logging("json", "debug", stream=stream)
    # A logger that keeps this configuration would hide its lines from later tests.
    structlog.configure(cache_logger_on_first_use=False)
    yield stream
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


async def test_the_id_is_in_the_answer_and_in_every_line(
    stream: io.StringIO, registrant: Registrant
) -> None:
    answer = await registrant.post(X_Request_Id="abc-1")
    refused = await registrant.post(token="dcr_iat_guessed", X_Request_Id="abc-2")
    assert answer.headers["x-request-id"] == "abc-1"
    assert refused.headers["x-request-id"] == "abc-2"
    seen = [(line["event"], line["request_id"]) for line in lines(stream)]
    assert seen == [
        ("client_registered", "abc-1"),
        ("request", "abc-1"),
        ("refused", "abc-2"),
        ("request", "abc-2"),
    ]


async def test_the_audit_trail_has_the_id(registrant: Registrant) -> None:
    await registrant.register(X_Request_Id="abc-1")
    entries = await registrant.server.storage.audit.page(AuditFilter(), after=0, limit=10)
    (registered,) = (entry for entry in entries if entry.action == "client_registered")
    assert registered.origin.request_id == "abc-1"


async def test_an_id_is_made_where_none_came(registrant: Registrant) -> None:
    answers = [await registrant.http.get("/nowhere") for _ in range(2)]
    first, second = (answer.headers["x-request-id"] for answer in answers)
    assert first != second


async def test_a_path_cannot_forge_a_line(stream: io.StringIO, registrant: Registrant) -> None:
    path = "/connect/register/%0a%7b%22event%22:%22client_deleted%22%7d%1b%5b2J"
    await registrant.http.get(path, headers=bearer("x" * 40))
    assert [line["event"] for line in lines(stream)] == ["refused", "request"]
    assert "\x1b" not in stream.getvalue()


async def test_a_token_that_was_put_into_the_path_is_in_no_line(
    stream: io.StringIO, registrant: Registrant
) -> None:
    client = await registrant.register()
    path = f"/connect/register/{client.token}"
    await registrant.http.get(path)
    await registrant.server.storage.close()
    assert (await registrant.read(path, client.token)).status_code == 503
    events = [line["event"] for line in lines(stream) if "/connect/register/" in str(line)]
    assert events == ["refused", "request", "storage_unavailable", "request"]
    assert client.token not in stream.getvalue()


async def test_the_line_of_a_request_says_what_became_of_it(
    stream: io.StringIO, registrant: Registrant
) -> None:
    await registrant.post({"grant_types": 3})
    (line,) = (line for line in lines(stream) if line["event"] == "request")
    assert (line["method"], line["path"]) == ("POST", "/connect/register")
    assert (line["status"], line["result"]) == (400, "invalid_client_metadata")
    assert isinstance(line["milliseconds"], float)


async def test_what_a_policy_governs_is_counted_under_it(registrant: Registrant) -> None:
    client = await registrant.register()
    await registrant.read(client.uri, client.token)
    await registrant.put(client, {**MACHINE, "grant_types": ["device"]})
    await registrant.get_token(client.basic)
    await registrant.delete(client.uri, client.token)
    await registrant.delete(client.uri, client.token)
    assert operations(registrant) == {
        ("register", "default", "ok"): 1,
        ("read", "default", "ok"): 1,
        ("update", "default", "invalid_client_metadata"): 1,
        ("token", "default", "ok"): 1,
        ("delete", "default", "ok"): 1,
        ("delete", "none", "invalid_token"): 1,
    }


def operations(registrant: Registrant) -> dict[tuple[str, str, str], float]:
    return {
        (
            sample.labels["operation"],
            sample.labels["policy"],
            sample.labels["result"],
        ): sample.value
        for family in registrant.server.metrics.registry.collect()
        for sample in family.samples
        if sample.name == "dcr_server_operations_total"
    }


async def test_labels_hold_nothing_that_a_requester_chose(registrant: Registrant) -> None:
    for number in range(20):
        await registrant.http.get(f"/nowhere/{number}")
        await registrant.http.get(f"/connect/register/client-{number}", headers=bearer("x" * 40))
        await registrant.http.request(f"METHOD{number}", "/token")
    counted = {
        tuple(sample.labels[name] for name in ("method", "route", "status")): sample.value
        for family in registrant.server.metrics.registry.collect()
        for sample in family.samples
        if sample.name == "dcr_server_request_duration_seconds_count"
    }
    assert counted == {
        ("GET", "unmatched", "404"): 20,
        ("GET", "/connect/register/{client_id}", "401"): 20,
        ("other", "/token", "405"): 20,
    }


async def test_nothing_is_in_flight_when_all_is_answered(registrant: Registrant) -> None:
    await registrant.post()
    assert registrant.server.metrics.registry.get_sample_value("dcr_server_requests_in_flight") == 0
