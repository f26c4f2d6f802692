"""Reads the members of a client information response from servers that do as they like.

What is unusable is left out and noted as a deviation: the rest of a response that is given
once must not be lost for it. No deviation quotes a value.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pydantic import SecretStr

from dcr_protocol.vocabulary import READ_ONLY_MEMBERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcr_protocol.json_document import JsonValue

# C-013: 10^11 seconds are in the year 5138, 10^11 milliseconds were in 1973.
_LAST_PLAUSIBLE_SECOND: Final = 10**11
# RFC 6749 App. A.12, without the space that would end it in a header.
_TOKEN: Final = re.compile(r"[\x21-\x7e]+")
_URL: Final = re.compile(r"https?://[^/?#@\s]+(?:[/?#][\x21-\x7e]*)?", re.IGNORECASE | re.ASCII)
_DIGITS: Final = re.compile(r"-?[0-9]{1,18}", re.ASCII)


class MemberReader:
    """One response while it is read. `null` and `""` are the same as absent (C-011)."""

    def __init__(self, document: Mapping[str, JsonValue]) -> None:
        self._members = {
            name: value for name, value in document.items() if value is not None and value != ""
        }
        self.deviations: list[str] = []

    def identifier(self, member: str) -> str | None:
        value = self._members.get(member)
        if isinstance(value, str) and value.isprintable():
            return value
        return None

    def secret(self, member: str) -> SecretStr | None:
        value = self._members.get(member)
        if value is None:
            return None
        if not isinstance(value, str):
            self._note_unusable(member, "is not a string")
            return None
        return SecretStr(value)

    def access_token(self, member: str) -> SecretStr | None:
        token = self.secret(member)
        if token is not None and not _TOKEN.fullmatch(token.get_secret_value()):
            self._note_unusable(member, "cannot be sent in a header")
            return None
        return token

    def url(self, member: str) -> str | None:
        """RFC 7592 §2: used as given, so it must be usable as given (C-014)."""
        value = self._members.get(member)
        if value is None:
            return None
        if not isinstance(value, str) or not _URL.fullmatch(value):
            self._note_unusable(member, "is not an absolute URL")
            return None
        return value

    def time(self, member: str) -> int | None:
        """Seconds since 1970, also from servers that count milliseconds or write strings."""
        value = self._members.get(member)
        if value is None:
            return None
        seconds = self._number(member, value)
        if seconds is None or seconds < 0:
            self._note_unusable(member, "is not a time in seconds")
            return None
        if seconds > _LAST_PLAUSIBLE_SECOND:
            self.deviations.append(f"{member} was read as milliseconds")
            return seconds // 1000
        return seconds

    def rest(self) -> dict[str, JsonValue]:
        """Everything that is not a member of its own here."""
        return {
            name: value for name, value in self._members.items() if name not in READ_ONLY_MEMBERS
        }

    def _number(self, member: str, value: JsonValue) -> int | None:
        if isinstance(value, bool):
            return None
        if isinstance(value, int):
            return value
        if isinstance(value, float) or (isinstance(value, str) and _DIGITS.fullmatch(value)):
            self.deviations.append(f"{member} is not a whole number")
            return int(value)
        return None

    def _note_unusable(self, member: str, why: str) -> None:
        self.deviations.append(f"{member} {why} and was left out")
