"""Frozen dataclasses: what they keep of those of the standard library."""

from dataclasses import replace

import pytest

from dcr_protocol.frozen import dataclass


@dataclass(frozen=True, slots=True)
class _Place:
    path: str
    depth: int = 0


def test_two_of_the_same_values_are_one_member_of_a_set() -> None:
    assert {_Place("/a", 1), _Place("/a", 1)} == {_Place("/a", 1)}


@pytest.mark.parametrize("other", [_Place("/b", 1), _Place("/a", 2), ("/a", 1)])
def test_what_differs_in_value_or_kind_is_not_equal(other: object) -> None:
    assert _Place("/a", 1) != other


def test_a_changed_copy_leaves_the_original() -> None:
    place = _Place("/a")
    assert (replace(place, depth=2), place) == (_Place("/a", 2), _Place("/a", 0))


def test_it_has_no_other_attributes_than_its_fields() -> None:
    assert not hasattr(_Place("/a"), "__dict__")
