"""Who holds a provider: told by the watch index at once when the first comes and the last goes."""

import pytest

from dcr_operator.kube import JsonObject, Key, member
from dcr_operator.provider_users import holders_among
from dcr_operator.watch_index import ADDED, DELETED, LISTED, WatchIndex
from dcr_operator.work_queue import Priority
from tests.fakes.first_look import new_first_look

MAIN = Key("ClusterOAuthProvider", "", "main")
OWN = Key("OAuthProvider", "team", "main")
OURS = ("dcr-operator.dev/registration",)


def client(
    name: str = "app",
    *,
    policy: str = "Delete",
    finalizers: tuple[str, ...] = OURS,
    wanted: Key | None = MAIN,
    at: Key | None = None,
) -> JsonObject:
    refs = {key: {"kind": key.kind, "name": key.name} for key in (wanted, at) if key is not None}
    metadata: JsonObject = {"namespace": "team", "name": name, "finalizers": list(finalizers)}
    spec: JsonObject = {"deletionPolicy": policy}
    status: JsonObject = {}
    if wanted is not None:
        spec["providerRef"] = dict(refs[wanted])
    if at is not None:
        status = {"clientId": name, "providerRef": dict(refs[at])}
    return {"metadata": metadata, "spec": spec, "status": status}


def key(name: str = "app") -> Key:
    return Key("OAuthClient", "team", name)


@pytest.mark.parametrize(
    ("made", "held"),
    [
        (client(), [MAIN]),
        (client(finalizers=()), []),
        (client(finalizers=("another",)), []),
        (client(policy="Retain"), []),
        (client(wanted=None), []),
        (client(wanted=None, at=MAIN), [MAIN]),
        (client(wanted=OWN), [OWN]),
        (client(wanted=OWN, at=MAIN), [MAIN, OWN]),
    ],
    ids=[
        "one with our finalizer",
        "one that was never let in",
        "one with the finalizer of others",
        "one that is kept",
        "one without a provider",
        "one of the default",
        "one of a provider of the namespace",
        "one that moves needs both",
    ],
)
def test_a_provider_is_held_by_the_clients_that_need_it(made: JsonObject, held: list[Key]) -> None:
    index = WatchIndex(new_first_look())
    index.on_client(LISTED, made)
    for provider in (MAIN, OWN):
        expected = [key()] if provider in held else []
        assert list(index.holders_of(provider) or ()) == expected
        assert list(holders_among([made], provider)) == expected


def test_holders_are_named_in_order() -> None:
    clients = [client("b"), client("a"), client("c", policy="Retain")]
    assert holders_among(clients, MAIN) == (key("a"), key("b"))


def test_before_the_first_listing_is_complete_nobody_knows_who_holds_it() -> None:
    assert WatchIndex(new_first_look(), listed=lambda: False).holders_of(MAIN) is None


def test_the_provider_is_looked_at_at_once_when_its_first_holder_comes_or_its_last_goes() -> None:
    index = WatchIndex(new_first_look())

    def at_once(event: str, made: JsonObject) -> bool:
        found = [each for each in index.on_client(event, made) if each.key == MAIN]
        assert all(each.priority is Priority.ROUTINE for each in found)
        return any(each.after == 0.0 for each in found)

    assert not at_once(ADDED, client("a", finalizers=()))
    assert at_once("MODIFIED", client("a"))
    assert not at_once(ADDED, client("b"))
    assert not at_once(DELETED, client("b"))
    assert not index.was_left(MAIN)
    assert at_once("MODIFIED", client("a", policy="Retain"))
    assert index.was_left(MAIN)


def test_a_provider_that_nobody_was_seen_to_hold_was_not_left() -> None:
    index = WatchIndex(new_first_look())
    assert not index.was_left(MAIN)
    index.on_client(LISTED, client(finalizers=()))
    index.on_client(DELETED, client(finalizers=()))
    assert not index.was_left(MAIN)


def test_a_provider_made_anew_was_not_left() -> None:
    index = WatchIndex(new_first_look())
    index.on_client(LISTED, client())
    index.on_client(DELETED, client())
    index.on_provider(MAIN.kind, DELETED, {"metadata": {"name": "main"}})
    assert not index.was_left(MAIN)


def test_a_status_without_a_provider_counts_for_the_one_that_is_named() -> None:
    older = client(at=MAIN)
    del member(older, "status")["providerRef"]
    index = WatchIndex(new_first_look())
    index.on_client(LISTED, older)
    assert index.clients_of(MAIN) == 1
