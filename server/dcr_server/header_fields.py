"""The header fields of a request, by name: looked up many times, so gone through once."""

from collections.abc import Sequence


class HeaderFields:
    """Names are in lower case, as ASGI has them; a field may come more than once."""

    __slots__ = ("_by_name", "_fields", "_repeats")

    def __init__(self, fields: Sequence[tuple[bytes, bytes]]) -> None:
        self._fields = fields
        self._by_name = dict(fields)
        self._repeats = len(self._by_name) != len(fields)

    def __contains__(self, name: bytes) -> bool:
        return name in self._by_name

    def values(self, name: bytes) -> list[bytes]:
        """Return every value that came with that name, in their order."""
        if name not in self._by_name:
            return []
        if self._repeats:
            return [value for given, value in self._fields if given == name]
        return [self._by_name[name]]
