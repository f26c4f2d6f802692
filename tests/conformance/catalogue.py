"""The rules of items.toml as frozen data."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_name("items.toml")
_TITLE: Final = "title"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One rule. `deviation` and `not_offered` hold the reason, where there is one."""

    number: str
    title: str
    source: str
    deviation: str | None = None
    not_offered: str | None = None

    @property
    def status(self) -> str:
        if self.deviation is not None:
            return f"deviates: {self.deviation}"
        if self.not_offered is not None:
            return f"not offered: {self.not_offered}"
        return "kept"


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    items: tuple[Item, ...]


def read_catalogue(file: Path = FILE) -> tuple[Section, ...]:
    """Raise TypeError for an entry with a member that means nothing, or without what it needs."""
    document = tomllib.loads(file.read_text(encoding="utf-8"))
    return tuple(
        Section(section[_TITLE], tuple(_items(section))) for section in document["section"]
    )


def all_items(catalogue: tuple[Section, ...]) -> dict[str, Item]:
    return {item.number: item for section in catalogue for item in section.items}


def _items(section: Mapping[str, Mapping[str, str]]) -> Iterator[Item]:
    for number, entry in section.items():
        if number != _TITLE:
            yield Item(number=number, **entry)
