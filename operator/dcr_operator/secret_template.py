"""spec.secret.template: texts with placeholders for the values of this client alone. Pure."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

from dcr_operator.secret_files import QUOTINGS

# A Secret holds 1 MiB at most; no text of ours is built that is larger by far.
LONGEST_TEXT: Final = 1024 * 1024
_PART: Final = re.compile(
    # Bounded, so that a text of nothing but beginnings is read in one go.
    r"(?P<plain>\$\$\{)|\$\{(?P<name>[^}|]{0,64})(\|(?P<quoting>[^}]{0,64}))?\}|\$\{"
)


class TemplateInvalidError(Exception):
    """Raised for a template that a person has to correct; its text is for them."""


def check(template: Mapping[str, str], known: Mapping[str, object]) -> str | None:
    """Return what is wrong with a template whatever the values are."""
    for key, text in template.items():
        for match in _PART.finditer(text):
            problem = None if match["plain"] else _problem(match, known)
            if problem is not None:
                return f"spec.secret.template {key}: {problem}"
    return None


def _problem(match: re.Match[str], known: Mapping[str, object]) -> str | None:
    name, quoting = match["name"], match["quoting"]
    if name is None:
        return "a placeholder is not closed: write ${client_id}, or $${ for a plain ${"
    if name not in known:
        return f"{json.dumps('${' + name + '}')} is no placeholder; these are: {', '.join(known)}"
    if quoting is not None and quoting not in QUOTINGS:
        return f"{json.dumps('|' + quoting)} is no way to quote; these are: {', '.join(QUOTINGS)}"
    return None


def render(key: str, text: str, values: Mapping[str, str]) -> str:
    """Return the text of a checked template with its values.

    Raises TemplateInvalidError for a value that this client does not have, and for a text that
    gets too long.
    """
    parts: list[str] = []
    length = 0
    for part in _parts(key, text, values):
        length += len(part)
        if length > LONGEST_TEXT:
            raise TemplateInvalidError(f"spec.secret.template {key}: its text gets too long")
        parts.append(part)
    return "".join(parts)


def _parts(key: str, text: str, values: Mapping[str, str]) -> Iterator[str]:
    end = 0
    for match in _PART.finditer(text):
        yield text[end : match.start()]
        yield "${" if match["plain"] else _value(key, match, values)
        end = match.end()
    yield text[end:]


def _value(key: str, match: re.Match[str], values: Mapping[str, str]) -> str:
    name, quoting = match["name"], match["quoting"]
    value = values.get(name)
    if value is None:
        raise TemplateInvalidError(
            f"spec.secret.template {key}: this client has no {name}; leave the placeholder out"
        )
    return QUOTINGS[quoting](value) if quoting else value
