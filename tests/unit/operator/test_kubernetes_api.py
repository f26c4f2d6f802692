from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from dcr_operator.kube import (
    CLUSTER_OAUTH_PROVIDERS,
    NAMESPACES,
    OAUTH_CLIENTS,
    SECRETS,
    ApiAlreadyExists,
    ApiConflict,
    ApiError,
    ApiForbidden,
    ApiInvalid,
    ApiNotFound,
    ApiUnavailable,
    JsonObject,
)
from dcr_operator.kubernetes_api import HttpKubernetesApi
from tests.fakes.api_server import Answer, FakeApiServer, Sent, running_api_server, status


@dataclass
class Bench:
    api: HttpKubernetesApi
    server: FakeApiServer
    counted: list[tuple[str, str]] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)


@asynccontextmanager
async def bench(answer: Callable[[Sent], Answer] | Answer) -> AsyncIterator[Bench]:
    fixed = answer
    respond = (lambda _: fixed) if isinstance(fixed, Answer) else fixed
    async with running_api_server(respond) as server:
        counted: list[tuple[str, str]] = []
        slept: list[float] = []

        async def sleep(seconds: float) -> None:
            slept.append(seconds)

        api = HttpKubernetesApi(
            server, count=lambda method, code: counted.append((method, code)), sleep=sleep
        )
        try:
            yield Bench(api, server, counted, slept)
        finally:
            await api.close()


NAMED: JsonObject = {"metadata": {"name": "x", "resourceVersion": "7"}}
Call = Callable[[HttpKubernetesApi], Awaitable[object]]

REQUESTS: list[tuple[str, Call, Sent]] = [
    (
        "get",
        lambda api: api.get(SECRETS, "ns", "x"),
        Sent("GET", "/api/v1/namespaces/ns/secrets/x", {}, "application/json", "", None),
    ),
    (
        "get, cluster-scoped",
        lambda api: api.get(CLUSTER_OAUTH_PROVIDERS, None, "x"),
        Sent(
            "GET",
            "/apis/dcr-operator.dev/v1alpha1/clusteroauthproviders/x",
            {},
            "application/json",
            "",
            None,
        ),
    ),
    (
        "create",
        lambda api: api.create(SECRETS, "ns", NAMED),
        Sent(
            "POST",
            "/api/v1/namespaces/ns/secrets",
            {"fieldManager": "dcr-operator"},
            "application/json",
            "",
            NAMED,
        ),
    ),
    (
        "replace",
        lambda api: api.replace(SECRETS, "ns", NAMED),
        Sent(
            "PUT",
            "/api/v1/namespaces/ns/secrets/x",
            {"fieldManager": "dcr-operator"},
            "application/json",
            "",
            NAMED,
        ),
    ),
    (
        "JSON patch",
        lambda api: api.json_patch(OAUTH_CLIENTS, "ns", "x", [{"op": "test"}]),
        Sent(
            "PATCH",
            "/apis/dcr-operator.dev/v1alpha1/namespaces/ns/oauthclients/x",
            {"fieldManager": "dcr-operator"},
            "application/json-patch+json",
            "",
            [{"op": "test"}],
        ),
    ),
    (
        "merge patch of the status",
        lambda api: api.patch_status(OAUTH_CLIENTS, "ns", "x", {"status": {}}),
        Sent(
            "PATCH",
            "/apis/dcr-operator.dev/v1alpha1/namespaces/ns/oauthclients/x/status",
            {"fieldManager": "dcr-operator"},
            "application/merge-patch+json",
            "",
            {"status": {}},
        ),
    ),
    (
        "server-side apply",
        lambda api: api.apply(SECRETS, "ns", NAMED),
        Sent(
            "PATCH",
            "/api/v1/namespaces/ns/secrets/x",
            {"fieldManager": "dcr-operator", "force": "true"},
            "application/apply-patch+yaml",
            "",
            NAMED,
        ),
    ),
    (
        "delete with preconditions",
        lambda api: api.delete(SECRETS, "ns", "x", uid="u", resource_version="7"),
        Sent(
            "DELETE",
            "/api/v1/namespaces/ns/secrets/x",
            {},
            "application/json",
            "",
            {
                "apiVersion": "v1",
                "kind": "DeleteOptions",
                "preconditions": {"uid": "u", "resourceVersion": "7"},
            },
        ),
    ),
]


@pytest.mark.parametrize(
    ("call", "sent"), [row[1:] for row in REQUESTS], ids=[row[0] for row in REQUESTS]
)
async def test_what_is_sent(call: Call, sent: Sent) -> None:
    async with bench(Answer(document={"items": []})) as b:
        await call(b.api)
        (seen,) = b.server.sent
    assert (seen.method, seen.path, seen.query) == (sent.method, sent.path, sent.query)
    assert (seen.content_type, seen.body) == (sent.content_type, sent.body)


async def test_the_token_of_the_moment_is_sent() -> None:
    async with bench(Answer()) as b:
        await b.api.get(SECRETS, "ns", "x")
        b.server.token = "token-2"
        await b.api.get(SECRETS, "ns", "x")
        sent = [each.authorization for each in b.server.sent]
    assert sent == ["Bearer token-1", "Bearer token-2"]


async def test_names_cannot_leave_their_place_in_the_path() -> None:
    async with bench(Answer()) as b:
        await b.api.get(NAMESPACES, None, "a/../b?c")
        assert b.server.sent[0].path == "/api/v1/namespaces/a/../b?c"
        assert b.server.sent[0].query == {}


ERRORS: list[tuple[str, Answer, type[ApiError]]] = [
    ("another object of that name", status(409, "AlreadyExists"), ApiAlreadyExists),
    ("a namespace that is going", status(403, "Forbidden"), ApiForbidden),
    ("a stale resourceVersion", status(409, "Conflict"), ApiConflict),
    ("no such namespace", status(404, "NotFound"), ApiNotFound),
    ("a field that is not valid", status(422, "Invalid"), ApiInvalid),
    ("too many requests", status(429, "TooManyRequests"), ApiUnavailable),
    ("a fault of the server", status(500, "InternalError"), ApiUnavailable),
    ("a proxy's page", Answer(502, text="<html>"), ApiUnavailable),
    ("no JSON where an object should be", Answer(200, text="hello"), ApiUnavailable),
    ("a lost connection", Answer(hang_up=True), ApiUnavailable),
    ("credentials that do not count", status(401, "Unauthorized"), ApiError),
]


@pytest.mark.parametrize(
    ("answer", "error"), [row[1:] for row in ERRORS], ids=[row[0] for row in ERRORS]
)
async def test_what_goes_wrong_has_a_name(answer: Answer, error: type[ApiError]) -> None:
    async with bench(answer) as b:
        with pytest.raises(ApiError) as caught:
            await b.api.create(SECRETS, "ns", NAMED)
    assert type(caught.value) is error


async def test_a_json_patch_that_does_not_fit_is_a_conflict() -> None:
    """A test operation that fails: 422 Invalid with empty details, as Kubernetes 1.37 says it."""
    document = {"kind": "Status", "reason": "Invalid", "message": "rejected", "details": {}}
    async with bench(Answer(422, document)) as b:
        with pytest.raises(ApiConflict):
            await b.api.json_patch(SECRETS, "ns", "x", [{"op": "test"}])


async def test_applying_to_an_object_with_another_uid_is_a_conflict() -> None:
    message = 'Secret "x" is invalid: metadata.uid: Invalid value: field is immutable'
    async with bench(status(422, "Invalid", message)) as b:
        with pytest.raises(ApiConflict):
            await b.api.apply(SECRETS, "ns", NAMED)


async def test_credentials_do_not_follow_a_redirect() -> None:
    async with bench(Answer(307, {}, headers={"Location": "/elsewhere"})) as b:
        with pytest.raises(ApiError) as raised:
            await b.api.get(SECRETS, "ns", "x")
        assert raised.value.status == 307
        assert [sent.path for sent in b.server.sent] == ["/api/v1/namespaces/ns/secrets/x"]


async def test_nobody_listening_is_unavailable() -> None:
    async with bench(Answer()) as b:
        b.server.configuration.host = "http://127.0.0.1:1"
        with pytest.raises(ApiUnavailable):
            await b.api.create(SECRETS, "ns", NAMED)


async def test_retry_after_is_passed_on_and_waited_for_by_the_queue() -> None:
    async with bench(status(429, "TooManyRequests", Retry_After="3")) as b:
        with pytest.raises(ApiUnavailable) as caught:
            await b.api.get(SECRETS, "ns", "x")
        assert caught.value.retry_after == 3.0
        assert len(b.server.sent) == 1


async def test_an_absent_object_is_none() -> None:
    async with bench(status(404, "NotFound")) as b:
        assert await b.api.get(SECRETS, "ns", "x") is None


async def test_a_list_is_read_to_its_last_page() -> None:
    pages: dict[str, JsonObject] = {
        "": {"metadata": {"continue": "a/b="}, "items": [{"metadata": {"name": "a"}}]},
        "a/b=": {"metadata": {}, "items": [{"metadata": {"name": "b"}}]},
    }
    async with bench(lambda sent: Answer(200, pages[sent.query.get("continue", "")])) as made:
        found = await made.api.list(OAUTH_CLIENTS, "ns")
    assert found == [{"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}]
    assert [sent.query["limit"] for sent in made.server.sent] == ["500", "500"]


async def test_a_list_of_metadata_asks_for_no_more() -> None:
    async with bench(Answer(200, {"items": [{"metadata": {"name": "a"}}]})) as made:
        found = await made.api.list_metadata(SECRETS, "ns", label_selector="a=b")
    assert found == [{"metadata": {"name": "a"}}]
    (sent,) = made.server.sent
    assert sent.query == {"limit": "500", "labelSelector": "a=b"}
    assert sent.accept == "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


async def test_a_list_of_the_cluster_names_no_namespace() -> None:
    async with bench(Answer(200, {"items": []})) as made:
        assert await made.api.list(OAUTH_CLIENTS, None) == []
    assert made.server.sent[0].path == "/apis/dcr-operator.dev/v1alpha1/oauthclients"


async def test_deleting_what_is_gone_is_fine() -> None:
    async with bench(status(404, "NotFound")) as b:
        await b.api.delete(SECRETS, "ns", "x")


async def test_reads_are_repeated_briefly() -> None:
    fault = status(500, "InternalError")
    answers = [fault, fault, Answer(document=NAMED)]
    async with bench(lambda _: answers.pop(0)) as b:
        assert await b.api.get(SECRETS, "ns", "x") == NAMED
        assert len(b.slept) == 2


async def test_writes_are_not_repeated() -> None:
    async with bench(status(500, "InternalError")) as b:
        with pytest.raises(ApiUnavailable):
            await b.api.apply(SECRETS, "ns", NAMED)
        assert len(b.server.sent) == 1


async def test_requests_are_counted() -> None:
    async with bench(status(404, "NotFound")) as b:
        await b.api.get(SECRETS, "ns", "x")
        b.server.configuration.host = "http://127.0.0.1:1"
        with pytest.raises(ApiUnavailable):
            await b.api.create(SECRETS, "ns", NAMED)
        assert b.counted == [("GET", "404"), ("POST", "<error>")]
