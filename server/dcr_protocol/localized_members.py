"""Members in several languages: `client_name#de` (RFC 7591 §2.2)."""

import re
from collections.abc import Mapping
from typing import Final

from dcr_protocol.errors import InvalidClientMetadata
from dcr_protocol.json_document import JsonValue
from dcr_protocol.member_types import LONGEST_NAME
from dcr_protocol.vocabulary import LOCALIZABLE_MEMBERS

_LANGUAGE_TAG: Final = re.compile(r"[A-Za-z0-9]{1,8}(?:-[A-Za-z0-9]{1,8})*", re.ASCII)


def localized_members(members: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Pick `name#tag` members whose name and tag we understand (S-160, S-162)."""
    localized: dict[str, JsonValue] = {}
    seen = set()
    for name, value in members.items():
        base, _, tag = name.partition("#")
        if base not in LOCALIZABLE_MEMBERS or not _LANGUAGE_TAG.fullmatch(tag):
            continue
        # RFC 5646 §2.1.1: tags are not case sensitive.
        if (base, tag.lower()) in seen:
            raise InvalidClientMetadata(f"{base} has two values for the language {tag}")
        seen.add((base, tag.lower()))
        if base == "client_name" and isinstance(value, str) and len(value) > LONGEST_NAME:
            raise InvalidClientMetadata(f"{name}: longer than {LONGEST_NAME} characters")
        localized[name] = value
    return localized
