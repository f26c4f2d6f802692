"""What is wrong with a configuration, each with its place, its value and what to do."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final, Self

_LONGEST_VALUE_SHOWN: Final = 80


@dataclass(frozen=True, slots=True)
class Problem:
    path: tuple[str, ...]
    """Keys and positions from the top of the file."""
    value: object
    """Shown where it is one word; whatever is secret is not checked by this means."""
    text: str
    is_error: bool = True
    """False: it works, but hardly as somebody meant it."""

    def within(self, *path: str) -> Self:
        return replace(self, path=(*path, *self.path))

    def __str__(self) -> str:
        place = ".".join(self.path)
        if isinstance(self.value, str | int):
            place += f"={self.value}"[:_LONGEST_VALUE_SHOWN]
        return f"{place}: {self.text}"


def warning(path: tuple[str, ...], value: object, text: str) -> Problem:
    return Problem(path, value, text, is_error=False)


def within(problems: Iterable[Problem], *path: str) -> Iterator[Problem]:
    return (problem.within(*path) for problem in problems)
