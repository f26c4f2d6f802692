"""Frozen dataclasses that cost no more to make than others.

    from dcr_protocol.frozen import dataclass

The standard library's `frozen=True` has each field set by a call of `object.__setattr__`, which
makes an object of eight fields take seven times as long; a request makes a dozen of them. Here it
is mypy that refuses to change one, and the interpreter no longer checks.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import dataclass
else:

    def dataclass(*, frozen: bool, slots: bool) -> Callable[[type], type]:
        """Compare and hash by value, as frozen ones do."""
        return dataclasses.dataclass(slots=slots, unsafe_hash=frozen)


__all__ = ["dataclass"]
