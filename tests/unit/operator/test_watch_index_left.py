"""Which clients went, as the watch shows it, and who is told of them."""

from collections.abc import Callable

import pytest

from dcr_operator.kube import JsonObject, member
from dcr_operator.record import RECORDS, record_key
from dcr_operator.watch_index import ADDED, DELETED, LISTED, Enqueue, WatchIndex
from dcr_operator.work_queue import Priority
from tests.fakes.first_look import new_first_look
from tests.fakes.operator_world import CLIENT, NAME, NAMESPACE


def client(uid: str = "u1", policy: str = "Delete") -> JsonObject:
    metadata: JsonObject = {"namespace": NAMESPACE, "name": NAME, "uid": uid}
    return {"metadata": metadata, "spec": {"deletionPolicy": policy}}


def knowing(*clients: JsonObject) -> WatchIndex:
    index = WatchIndex(new_first_look())
    for each in clients:
        index.on_client(LISTED, each)
    return index


def nothing(_index: WatchIndex) -> object:
    return None


def went(each: JsonObject) -> Callable[[WatchIndex], object]:
    return lambda index: index.on_client(DELETED, each)


def came(each: JsonObject) -> Callable[[WatchIndex], object]:
    return lambda index: index.on_client(ADDED, each)


RETAINED = client(policy="Retain")
CASES = [
    ("one that is there", knowing(client()), nothing, "u1", set()),
    ("one that went", knowing(client()), went(client()), None, {"u1"}),
    ("one that nobody had seen", knowing(), went(client()), None, {"u1"}),
    ("one that is retained", knowing(RETAINED), went(RETAINED), None, set()),
    ("one that was edited at last to be retained", knowing(client()), went(RETAINED), None, set()),
    ("one that was made anew", knowing(client()), came(client("u2")), "u2", {"u1"}),
    ("a retained one that was made anew", knowing(RETAINED), came(client("u2")), "u2", set()),
    ("one whose event was missed", knowing(client()), nothing, None, {"u1"}),
    ("a retained one whose event was missed", knowing(RETAINED), nothing, None, set()),
]


@pytest.mark.parametrize(
    ("_name", "index", "event", "live", "left"), CASES, ids=[row[0] for row in CASES]
)
def test_a_pass_over_the_name_takes_over_what_is_left(
    _name: str,
    index: WatchIndex,
    event: Callable[[WatchIndex], object],
    live: str | None,
    left: set[str],
) -> None:
    event(index)
    assert set(index.left_by(CLIENT, live)) == left
    assert not index.left_by(CLIENT, "another")


def test_what_a_start_finds_waits_for_the_pass_over_its_name() -> None:
    index, queued = knowing(), list[Enqueue]()
    index.enqueue = queued.append
    index.leave(CLIENT, "u1")
    assert queued == [Enqueue(CLIENT, Priority.ROUTINE)]
    assert index.left_by(CLIENT, None) == {"u1"}


def test_a_client_that_went_is_among_the_live_no_more() -> None:
    index = knowing(client())
    assert index.uids() == {"u1"}
    index.on_client(DELETED, client())
    assert index.uids() == set()


def test_records_share_one_lane() -> None:
    assert knowing().provider_of(record_key("u1")) == RECORDS


def test_only_members_that_are_there_are_read() -> None:
    bare: JsonObject = {"metadata": member(client(), "metadata")}
    index = knowing(bare)
    index.on_client(DELETED, bare)
    assert index.left_by(CLIENT, None) == {"u1"}


def namespace(*, deleting: bool = False) -> JsonObject:
    metadata: JsonObject = {"name": NAMESPACE, "labels": {}}
    if deleting:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return {"metadata": metadata}


def test_a_namespace_leaves_when_its_deletion_begins() -> None:
    index = knowing()
    assert index.has_left(NAMESPACE), "nobody has shown it"
    index.on_namespace(LISTED, namespace())
    assert not index.has_left(NAMESPACE)
    index.on_namespace("MODIFIED", namespace(deleting=True))
    assert index.has_left(NAMESPACE)
    index.on_namespace(DELETED, namespace(deleting=True))
    assert index.has_left(NAMESPACE)
    index.on_namespace(ADDED, namespace())
    assert not index.has_left(NAMESPACE)
