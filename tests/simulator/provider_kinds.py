"""The kinds of providers that operations are simulated with."""

from collections.abc import Callable
from functools import partial

from tests.fakes.provider import FakeProvider

KINDS: dict[str, Callable[[], FakeProvider]] = {
    "idempotent": partial(FakeProvider, idempotent=True),
    "idempotent, steady token": partial(
        FakeProvider, idempotent=True, token_changes_on_update=False
    ),
    "not idempotent": FakeProvider,
    "not idempotent, steady token": partial(FakeProvider, token_changes_on_update=False),
    "not idempotent, token changes when read": partial(FakeProvider, token_changes_on_read=True),
}
# Enough for every run of the tests: the others differ in nothing that these do not have.
ORDINARY = ("idempotent", "not idempotent", "not idempotent, token changes when read")
