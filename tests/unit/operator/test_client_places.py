"""The places of a namespace at a provider: never one too many in one process."""

import pytest

from dcr_operator.client_places import ClientPlaces
from dcr_operator.kube import Key
from dcr_operator.ports import Place
from dcr_operator.provider_users import ClientUse
from dcr_operator.watch_index import WatchIndex
from tests.fakes.first_look import new_first_look

MAIN = Key("ClusterOAuthProvider", "", "main")
OTHER = Key("ClusterOAuthProvider", "", "other")
NOTHING = ClientUse()
HELD = ClientUse(MAIN, held=True)
THERE = ClientUse(MAIN, MAIN, held=True)
FULL, TAKEN = Place.FULL, Place.TAKEN


def client(name: str, namespace: str = "team") -> Key:
    return Key("OAuthClient", namespace, name)


A, B, C = client("a"), client("b"), client("c")


def test_of_two_clients_for_the_last_place_one_gets_it() -> None:
    places = ClientPlaces()
    assert [places.take(MAIN, each, 1) for each in (A, B)] == [TAKEN, FULL]


def test_a_place_that_was_promised_is_kept_while_the_watch_lags() -> None:
    places = ClientPlaces()
    assert places.take(MAIN, A, 1) is TAKEN
    places.note(B, NOTHING, ClientUse(MAIN))
    assert places.take(MAIN, B, 1) is FULL
    places.note(A, NOTHING, HELD)
    assert places.take(MAIN, B, 1) is FULL


@pytest.mark.parametrize("use", [HELD, THERE, ClientUse(None, MAIN), ClientUse(MAIN, MAIN)])
def test_a_client_that_is_registered_or_about_to_be_takes_a_place(use: ClientUse) -> None:
    places = ClientPlaces()
    places.note(A, NOTHING, use)
    assert places.take(MAIN, B, 1) is FULL
    assert places.take(MAIN, A, 1) is TAKEN


def test_a_client_that_was_not_let_in_takes_none() -> None:
    places = ClientPlaces()
    places.note(A, NOTHING, ClientUse(MAIN))
    assert places.take(MAIN, B, 1) is TAKEN


def test_each_namespace_and_each_provider_has_places_of_its_own() -> None:
    places = ClientPlaces()
    assert places.take(MAIN, A, 1) is TAKEN
    assert places.take(OTHER, B, 1) is TAKEN
    assert places.take(MAIN, client("a", "another"), 1) is TAKEN
    assert places.take(MAIN, C, 1) is FULL


def test_a_client_that_moves_takes_a_place_where_it_goes_when_it_is_let_in() -> None:
    places = ClientPlaces()
    places.note(A, NOTHING, THERE)
    moving = ClientUse(OTHER, MAIN, held=True)
    places.note(A, THERE, moving)
    assert places.take(OTHER, B, 1) is TAKEN
    assert places.take(OTHER, A, 1) is FULL
    assert places.take(MAIN, C, 1) is FULL


@pytest.mark.parametrize("limit", [0, 1])
def test_a_lower_limit_lets_nobody_in_and_puts_nobody_out(limit: int) -> None:
    places = ClientPlaces()
    places.note(A, NOTHING, THERE)
    places.note(B, NOTHING, THERE)
    assert places.take(MAIN, C, limit) is FULL


def test_who_waits_is_told_when_a_place_is_free() -> None:
    places = ClientPlaces()
    places.note(A, NOTHING, THERE)
    assert places.take(MAIN, B, 1) is FULL
    assert places.note(A, THERE, NOTHING) == {B}
    assert places.take(MAIN, B, 1) is TAKEN


def test_a_promise_to_a_client_that_is_gone_is_free_again() -> None:
    places = ClientPlaces()
    places.take(MAIN, A, 1)
    assert places.take(MAIN, B, 1) is FULL
    assert places.take(MAIN, C, 1) is FULL
    assert places.gone(C) == frozenset()
    assert places.gone(A) == {B}
    assert places.take(MAIN, B, 1) is TAKEN


def test_before_the_first_listing_is_complete_nobody_is_let_in() -> None:
    assert (
        WatchIndex(new_first_look(), listed=lambda: False).take_place(MAIN, A, 9) is Place.UNKNOWN
    )
