"""The certificates in a text, and nothing else of it. Pure.

What trusts a provider is shown to tenants as `ca.crt`; a file that holds a private key beside its
certificates is usual, and must not get there.
"""

import re
from typing import Final

# RFC 7468 §5.1
_CERTIFICATE: Final = re.compile(
    r"-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----", re.ASCII
)


def certificates_in(text: str) -> str:
    """Return the PEM certificates; a text without any is returned as it is, to be refused."""
    found = _CERTIFICATE.findall(text)
    return "\n".join([*found, ""]) if found else text
