"""The kinds of providers that operations are simulated with."""

from collections.abc import Callable
from functools import partial

from tests.fakes.provider import FakeProvider

_rotating = partial(FakeProvider, rotates=True)

KINDS: dict[str, Callable[[], FakeProvider]] = {
    "idempotent": partial(_rotating, idempotent=True),
    "idempotent, steady token": partial(_rotating, idempotent=True, token_changes_on_update=False),
    "not idempotent": _rotating,
    "not idempotent, steady token": partial(_rotating, token_changes_on_update=False),
    "not idempotent, token changes when read": partial(_rotating, token_changes_on_read=True),
}
# Enough for every run of the tests: the others differ in nothing that these do not have.
ORDINARY = ("idempotent", "not idempotent, token changes when read")
