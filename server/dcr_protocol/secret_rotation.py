"""The extension by which a client secret is rotated: where the request goes and what it says.

A server announces it as `registration_client_secret_rotation_supported`. The answer is a client
information response (RFC 7592 §3) with another secret and another registration access token.
"""

from __future__ import annotations

import json
from typing import Final
from urllib.parse import urlsplit

SEGMENT: Final = "secret"
LONGEST_OVERLAP: Final = 90 * 24 * 60 * 60
"""Seconds for which the secret before may stay valid."""


def secret_rotation_url(registration_client_uri: str) -> str:
    """Return where the rotation of a client's secret is asked for, below its configuration."""
    parts = urlsplit(registration_client_uri)
    return parts._replace(path=f"{parts.path.rstrip('/')}/{SEGMENT}").geturl()


def secret_rotation_request(overlap: int) -> bytes:
    """Return the body: for how many seconds more the secret before is to be valid."""
    return json.dumps({"overlap": overlap}, separators=(",", ":")).encode()
