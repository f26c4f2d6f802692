import copy
from math import inf

import pytest

from dcr_operator.first_look import is_edited_by_others
from dcr_operator.kube import JsonObject, Key
from tests.fakes.first_look import SETTLED, new_first_look
from tests.fakes.told import Metrics

CLIENT = Key("OAuthClient", "team", "app")
MAIN = Key("ClusterOAuthProvider", "", "main")


def client(*, metadata: JsonObject | None = None, status: JsonObject | None = None) -> JsonObject:
    changed = copy.deepcopy(SETTLED)
    for section, members in (("metadata", metadata), ("status", status)):
        changed[section] |= members or {}  # type: ignore[operator]  # both are objects
    return changed


def provider(every: str | None = None, *, observed: int = 1) -> JsonObject:
    spec: JsonObject = {} if every is None else {"resyncEvery": every}
    return {
        "metadata": {"name": "main", "generation": 1},
        "spec": spec,
        "status": {"observedGeneration": observed},
    }


@pytest.mark.parametrize(
    "wanting",
    [
        client(metadata={"generation": 2}),
        client(metadata={"finalizers": []}),
        client(metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}),
        client(metadata={"annotations": {"dcr-operator.dev/reconcile-requested-at": "now"}}),
        client(metadata={"annotations": {"dcr-operator.dev/rotate-requested-at": "now"}}),
        client(status={"observedGeneration": -1}),
        client(status={"conditions": []}),
        client(status={"conditions": [{"type": "Ready", "status": "False"}]}),
        client(
            status={
                "conditions": [
                    {"type": "Ready", "status": "True"},
                    {"type": "ProviderReady", "status": "False"},
                ]
            }
        ),
        client(status={"nextRotationTime": "2025-12-31T23:59:59Z"}),
        client(status={"clientSecretExpiresAt": "2025-12-31T23:59:59Z"}),
    ],
    ids=[
        "edited",
        "unprotected",
        "deleted",
        "requested",
        "rotation requested",
        "never seen",
        "no conditions",
        "not ready",
        "provider not ready",
        "rotation due",
        "secret expired",
    ],
)
def test_what_is_not_as_it_should_be_is_due_at_once(wanting: JsonObject) -> None:
    assert new_first_look().client(CLIENT, MAIN, wanting) == 0


def test_a_settled_client_is_due_at_its_moment_of_the_interval() -> None:
    look = new_first_look(every=60)
    due = look.client(CLIENT, MAIN, SETTLED)
    assert 0 < due <= 60
    assert look.resync.seconds_until_due("u1", 60, look.now()) == due


def test_without_an_interval_it_is_never_due() -> None:
    assert new_first_look(every=0).client(CLIENT, MAIN, SETTLED) == inf


def test_what_status_announces_is_due_then() -> None:
    rotating = client(status={"nextRotationTime": "2026-01-01T00:00:10Z"})
    assert new_first_look(every=0).client(CLIENT, MAIN, rotating) == 10


def test_a_moment_that_cannot_be_read_is_none() -> None:
    odd = client(status={"nextRotationTime": "soon", "clientSecretExpiresAt": "2026-01-01"})
    assert new_first_look(every=0).client(CLIENT, MAIN, odd) == inf


@pytest.mark.parametrize("listed_first", ["client", "provider"])
def test_a_providers_own_interval_counts_in_whatever_order_they_are_listed(
    listed_first: str,
) -> None:
    look = new_first_look(every=0)
    if listed_first == "client":
        look.client(CLIENT, MAIN, SETTLED)
        due = look.provider(MAIN, provider("30s"), [CLIENT])[CLIENT]
    else:
        assert look.provider(MAIN, provider("30s"), []) == {}
        due = look.client(CLIENT, MAIN, SETTLED)
    assert 0 < due <= 30


def test_a_provider_that_was_edited_meanwhile_concerns_its_settled_clients() -> None:
    look = new_first_look()
    look.client(CLIENT, MAIN, SETTLED)
    stranger = Key("OAuthClient", "team", "waiting")
    assert look.provider(MAIN, provider(observed=0), [CLIENT, stranger]) == {CLIENT: 0}
    assert look.client(CLIENT, MAIN, SETTLED) == 0


def test_settled_clients_are_counted_without_a_pass() -> None:
    look = new_first_look()
    look.client(CLIENT, MAIN, SETTLED)
    look.client(Key("OAuthClient", "team", "b"), MAIN, client(metadata={"generation": 2}))
    assert isinstance(look.metrics, Metrics)
    assert look.metrics.ready == {str(CLIENT): True}


def test_clients_without_a_secret_are_named_once() -> None:
    look = new_first_look()
    look.client(CLIENT, MAIN, SETTLED)
    look.forget(Key("OAuthClient", "team", "gone"))
    assert look.without({Key("OAuthClient", "team", "b")}) == [CLIENT]
    assert look.without(()) == []


@pytest.mark.parametrize(
    ("entry", "edited"),
    [
        ({"manager": "dcr-operator", "fieldsV1": {"f:data": {}}}, False),
        ({"manager": "labeller", "fieldsV1": {"f:metadata": {}}}, False),
        ({"manager": "kubectl", "fieldsV1": {"f:data": {"f:client_id": {}}}}, True),
        ("odd", False),
    ],
)
def test_the_owner_of_data_tells_of_an_edit(entry: JsonObject, edited: bool) -> None:
    secret: JsonObject = {"metadata": {"managedFields": [entry]}}
    assert is_edited_by_others(secret) is edited
    assert not is_edited_by_others({"metadata": {}})
