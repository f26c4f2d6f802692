from collections.abc import Callable

import pytest

from dcr_operator.kube import JsonObject, Key, member
from dcr_operator.watch_index import (
    ADDED,
    DEBOUNCE,
    DELETED,
    LISTED,
    WHILE_LISTED,
    Enqueue,
    WatchIndex,
)
from dcr_operator.work_queue import Priority
from tests.fakes.first_look import SETTLED, new_first_look

CLIENT = Key("OAuthClient", "team", "app")
MAIN = Key("ClusterOAuthProvider", "", "main")
OTHER = Key("OAuthProvider", "team", "other")
MODIFIED = "MODIFIED"
FINALIZER = "dcr-operator.dev/registration"


def client(  # what may differ
    *,
    name: str = "app",
    generation: int = 1,
    provider: Key = MAIN,
    deleting: bool = False,
    finalizers: tuple[str, ...] = (),
    annotations: dict[str, str] | None = None,
    ready: bool = False,
    uid: str = "u1",
) -> JsonObject:
    metadata: JsonObject = {
        "namespace": "team",
        "name": name,
        "uid": uid,
        "generation": generation,
        "finalizers": list(finalizers),
        "annotations": dict(annotations or {}),
    }
    if deleting:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return {
        "metadata": metadata,
        "spec": {"providerRef": {"kind": provider.kind, "name": provider.name}},
        "status": status(ready=ready),
    }


def registered(*, name: str = "app", wanted: Key = MAIN, at: Key = MAIN) -> JsonObject:
    found = client(name=name, provider=wanted)
    ref: JsonObject = {"kind": at.kind, "name": at.name}
    found["status"] = {"clientId": name, "providerRef": ref}
    return found


def status(*, ready: bool) -> JsonObject:
    return {"conditions": [{"type": "Ready", "status": "True" if ready else "False"}]}


def provider(*, generation: int = 1, ready: bool = False) -> JsonObject:
    metadata: JsonObject = {"name": "main", "uid": "p1", "generation": generation}
    return {"metadata": metadata, "status": status(ready=ready)}


def secret(*, data: str = "a", version: str = "1", owner: str = "app") -> JsonObject:
    labels: JsonObject = {"dcr-operator.dev/oauthclient": owner}
    metadata: JsonObject = {
        "namespace": "team",
        "name": "app-oauth",
        "resourceVersion": version,
        "labels": labels,
    }
    return {"metadata": metadata, "data": {"client_secret": data}}


def new_index(listed: Callable[[], bool] = lambda: True) -> WatchIndex:
    return WatchIndex(new_first_look(), listed)


def knowing(obj: JsonObject | None = None) -> WatchIndex:
    index = new_index()
    index.on_client(LISTED, obj or client())
    return index


def keys(found: list[Enqueue]) -> list[Key]:
    return [each.key for each in found]


def test_a_new_client_is_queued_before_routine() -> None:
    (queued,) = new_index().on_client(ADDED, client())
    assert queued == Enqueue(CLIENT, Priority.CHANGED, reset_backoff=True)


def test_clients_found_at_the_start_are_routine() -> None:
    assert new_index().on_client(LISTED, client())[-1].priority is Priority.ROUTINE


@pytest.mark.parametrize(
    "after",
    [
        client(generation=2),
        client(deleting=True),
        client(uid="u2"),
        client(annotations={"dcr-operator.dev/reconcile-requested-at": "now"}),
        client(annotations={"dcr-operator.dev/rotate-requested-at": "now"}),
    ],
    ids=["spec", "deletion", "recreated", "request", "rotation"],
)
def test_what_people_change_is_queued_and_ends_the_back_off(after: JsonObject) -> None:
    assert knowing().on_client(MODIFIED, after) == [Enqueue(CLIENT, reset_backoff=True)]


@pytest.mark.parametrize(
    "after",
    [
        client(),
        client(ready=True),
        client(finalizers=(FINALIZER,)),
        client(annotations={"other": "x"}),
    ],
    ids=["nothing", "our status", "our finalizer", "another annotation"],
)
def test_our_own_writes_are_not_queued(after: JsonObject) -> None:
    assert CLIENT not in keys(knowing().on_client(MODIFIED, after))


def test_a_finalizer_that_somebody_took_away_is_queued() -> None:
    index = knowing(client(finalizers=(FINALIZER,)))
    assert CLIENT in keys(index.on_client(MODIFIED, client()))


def test_a_list_after_a_lost_watch_queues_only_what_changed() -> None:
    index = knowing()
    assert index.on_client(LISTED, client()) == []
    assert keys(index.on_client(LISTED, client(generation=2))) == [CLIENT]


def test_clients_are_counted_by_provider() -> None:
    index = knowing(registered())
    index.on_client(ADDED, client(name="b"))
    assert index.clients_of(MAIN) == 1
    index.on_client(MODIFIED, registered(name="b"))
    assert index.clients_of(MAIN) == 2
    # It is where it was until it is registered elsewhere.
    index.on_client(MODIFIED, registered(name="b", wanted=OTHER))
    assert (index.clients_of(MAIN), index.clients_of(OTHER)) == (2, 0)
    index.on_client(MODIFIED, registered(name="b", wanted=OTHER, at=OTHER))
    assert (index.clients_of(MAIN), index.clients_of(OTHER)) == (1, 1)
    index.on_client(DELETED, registered())
    assert index.clients_of(MAIN) == 0


def test_a_provider_whose_clients_are_others_is_looked_at_soon_and_not_each_time() -> None:
    index = knowing()
    soon = Enqueue(MAIN, Priority.ROUTINE, after=DEBOUNCE)
    assert index.on_client(MODIFIED, registered()) == [soon]
    assert index.on_client(MODIFIED, registered()) == []
    moved = index.on_client(MODIFIED, registered(wanted=OTHER, at=OTHER))
    assert [each.key for each in moved if each.after == DEBOUNCE] == [MAIN, OTHER]


def test_before_the_first_listing_is_complete_nothing_is_counted() -> None:
    assert new_index(listed=lambda: False).clients_of(MAIN) is None


def test_a_clients_lane_is_its_provider() -> None:
    index = knowing()
    assert index.provider_of(CLIENT) == MAIN
    assert index.provider_of(MAIN) == MAIN
    assert index.provider_of(Key("OAuthClient", "team", "unknown")) is None


def test_a_new_or_changed_provider_queues_its_clients() -> None:
    index = knowing()
    kind = MAIN.kind
    assert keys(index.on_provider(kind, ADDED, provider())) == [MAIN, CLIENT]
    assert keys(index.on_provider(kind, MODIFIED, provider(generation=2))) == [MAIN, CLIENT]
    assert keys(index.on_provider(kind, DELETED, provider(generation=2))) == [MAIN, CLIENT]


def test_a_provider_found_at_the_start_does_not_queue_its_clients_twice() -> None:
    assert keys(knowing().on_provider(MAIN.kind, LISTED, provider())) == [MAIN]


def test_a_provider_that_gets_ready_queues_the_clients_that_wait() -> None:
    index = knowing()
    index.on_client(ADDED, client(name="served", ready=True))
    index.on_provider(MAIN.kind, LISTED, provider())
    assert keys(index.on_provider(MAIN.kind, MODIFIED, provider(ready=True))) == [CLIENT]
    assert index.on_provider(MAIN.kind, MODIFIED, provider(ready=False)) == []


def test_what_discovery_says_anew_queues_the_clients_of_the_provider() -> None:
    index = knowing(client(ready=True))
    found: list[Enqueue] = []
    index.enqueue = found.append
    for shown, before in (("a", None), ("a", "a"), ("b", "a")):
        index.discovered(MAIN, shown, before)
    assert keys(found) == [CLIENT]


def test_a_tenant_secret_that_loses_its_label_still_concerns_its_client() -> None:
    index = knowing()
    index.on_secret(ADDED, secret())
    assert keys(index.on_secret(MODIFIED, secret(owner="stranger"))) == [CLIENT]
    assert keys(index.on_secret(DELETED, secret(owner="stranger"))) == [CLIENT]


def test_a_tenant_secret_with_the_label_of_another_client_concerns_both() -> None:
    index = knowing()
    index.on_client(ADDED, client(name="b"))
    index.on_secret(ADDED, secret())
    both = [CLIENT, Key("OAuthClient", "team", "b")]
    assert keys(index.on_secret(MODIFIED, secret(owner="b"))) == both


def test_a_tenant_secret_that_is_changed_or_gone_queues_its_client() -> None:
    index = knowing()
    assert index.on_secret(ADDED, secret()) == []
    assert index.on_secret(MODIFIED, secret(version="2")) == []
    assert keys(index.on_secret(MODIFIED, secret(data="b"))) == [CLIENT]
    assert keys(index.on_secret(DELETED, secret(data="b"))) == [CLIENT]


def test_the_secret_of_a_client_that_goes_is_let_go() -> None:
    index = knowing(client(deleting=True))
    assert index.on_secret(DELETED, secret()) == []


def test_secret_values_are_not_kept() -> None:
    index = knowing()
    index.on_secret(ADDED, secret(data="c2VjcmV0"))
    assert "c2VjcmV0" not in repr(index)


def test_labels_of_a_namespace_that_change_queue_its_clients() -> None:
    index = knowing()
    team: JsonObject = {"metadata": {"name": "team", "labels": {"a": "1"}}}
    changed: JsonObject = {"metadata": {"name": "team", "labels": {"a": "2"}}}
    other: JsonObject = {"metadata": {"name": "other", "labels": {"a": "2"}}}
    assert index.on_namespace(LISTED, team) == []
    assert index.on_namespace(MODIFIED, team) == []
    assert keys(index.on_namespace(MODIFIED, changed)) == [CLIENT]
    assert index.on_namespace(ADDED, other) == []


def without_reference(
    *, name: str = "app", resolved: bool = False, ready: bool = False
) -> JsonObject:
    found = client(name=name, ready=ready)
    found["spec"] = {}
    if resolved:
        ref: JsonObject = {"kind": MAIN.kind, "name": MAIN.name}
        found["status"] = {**status(ready=ready), "providerRef": ref}
    return found


def default(name: str = "main", *, is_default: bool = True) -> JsonObject:
    annotations: JsonObject = {"dcr-operator.dev/is-default-provider": "true"} if is_default else {}
    return {"metadata": {"name": name, "uid": name, "generation": 1, "annotations": annotations}}


def test_a_client_that_names_no_provider_belongs_to_the_one_in_its_status() -> None:
    index = knowing(without_reference())
    assert (index.provider_of(CLIENT), index.clients_of(MAIN)) == (None, 0)
    index.on_client(MODIFIED, without_reference(resolved=True))
    assert index.provider_of(CLIENT) == MAIN


def test_a_default_that_comes_or_goes_queues_the_clients_that_wait_for_one() -> None:
    index = knowing(without_reference())
    index.on_client(LISTED, without_reference(name="settled", resolved=True, ready=True))
    index.on_provider(MAIN.kind, LISTED, default(is_default=False))
    assert keys(index.on_provider(MAIN.kind, MODIFIED, default())) == [CLIENT]
    assert index.on_provider(MAIN.kind, MODIFIED, default()) == []
    assert keys(index.on_provider(MAIN.kind, MODIFIED, default(is_default=False))) == [CLIENT]
    index.on_provider(MAIN.kind, MODIFIED, default())
    assert CLIENT in keys(index.on_provider(MAIN.kind, DELETED, default()))


def test_a_client_that_waits_at_a_default_is_queued_when_that_is_none_any_more() -> None:
    index = knowing(without_reference(resolved=True))
    index.on_provider(MAIN.kind, LISTED, default())
    assert keys(index.on_provider(MAIN.kind, MODIFIED, default(is_default=False))) == [CLIENT]


def test_a_settled_client_of_the_first_listing_waits_for_its_resync() -> None:
    (_, found) = new_index().on_client(LISTED, SETTLED)
    assert 0 < found.after < 3600
    (_, created) = new_index().on_client(ADDED, SETTLED)
    assert created.after == 0


def test_settled_clients_of_a_provider_that_changed_meanwhile_are_queued() -> None:
    index = new_index()
    index.on_client(LISTED, SETTLED)
    found = index.on_provider(MAIN.kind, LISTED, provider(generation=2))
    assert found == [Enqueue(MAIN, reset_backoff=True), Enqueue(CLIENT, Priority.ROUTINE)]


def test_clients_that_are_listed_after_a_changed_discovery_are_queued() -> None:
    index = new_index()
    index.discovered(MAIN, "b", "a")
    assert index.on_client(LISTED, SETTLED)[-1].after == 0


def test_a_secret_that_went_while_nobody_looked_queues_its_client() -> None:
    index = new_index()
    index.on_client(LISTED, SETTLED)
    index.on_client(LISTED, client(name="b"))
    assert keys(index.unpublished()) == [CLIENT]


def test_a_secret_that_is_there_does_not() -> None:
    index = new_index()
    index.on_client(LISTED, SETTLED)
    index.on_secret(LISTED, secret())
    assert index.unpublished() == []


def test_a_secret_that_others_edited_while_nobody_looked_queues_its_client() -> None:
    fields: JsonObject = {"f:data": {"f:client_secret": {}}}
    entry: JsonObject = {"manager": "kubectl-edit", "fieldsV1": fields}
    edited = secret()
    edited["metadata"] = {**member(edited, "metadata"), "managedFields": [entry]}
    assert keys(new_index().on_secret(LISTED, edited)) == [CLIENT]


def test_a_count_that_a_start_finds_is_written_sooner() -> None:
    index = new_index()
    index.on_client(LISTED, registered())
    (count, *_) = index.on_client(LISTED, registered(name="b"))
    assert count == Enqueue(MAIN, Priority.ROUTINE, after=WHILE_LISTED)
