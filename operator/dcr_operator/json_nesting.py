"""JSON of the API server that a tenant has nested without end. Pure.

Where a resource takes any JSON, the API server takes ten thousand levels of it; Python's parser
gives up at a thousand. One such object must not keep the others of its list or its watch from
being read. What is nested deeper than anything that we accept is read as null, and the object is
refused.
"""

import json
import re
from typing import Final

DEEPEST: Final = 100  # of a whole object; resources.client_metadata accepts far less
# Fewer brackets than Python's parser takes levels cannot be too deep.
_HARMLESS: Final = 700
_TOKEN: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]]', re.DOTALL)


def loads(text: str | bytes | bytearray) -> object:
    """Return what the JSON says, null in place of what is too deep; raises ValueError."""
    try:
        parsed: object = json.loads(text)
    except RecursionError:
        content = text.encode() if isinstance(text, str) else bytes(text)
        parsed = json.loads(pruned(content))
    return parsed


def shallow(line: bytes) -> bytes:
    """Return the line as any parser can read it."""
    harmless = line.count(b"{") + line.count(b"[") <= _HARMLESS
    return line if harmless else pruned(line)


def pruned(text: bytes) -> bytes:
    parts: list[bytes] = []
    depth = kept = 0
    for token in _TOKEN.finditer(text):
        bracket = token[0]
        if bracket in (b"{", b"["):
            depth += 1
            if depth == DEEPEST + 1:
                parts.append(text[kept : token.start()])
        elif bracket in (b"}", b"]"):
            if depth == DEEPEST + 1:
                parts.append(b"null")
                kept = token.end()
            depth -= 1
    return b"".join([*parts, text[kept:]])
