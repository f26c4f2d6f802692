"""Cross-field rules of client metadata: RFC 7591 §2.1 and §5, OIDCR §2, RFC 8705 §2.1.2.

`check_client_metadata` is what the server does with a parsed request before it stores it, and
what the operator may do before it sends one. What a policy allows is not decided here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from dcr_protocol.client_metadata import ClientMetadata


@dataclass(frozen=True, slots=True)
class MetadataRules:
    """The switches that the standards leave to a server."""

    # S-044: http redirect URIs of web clients with the code flow, beyond loopback.
    allow_http_redirect_uris: bool = False
    # S-046: private-use schemes without a dot, such as cursor://.
    allow_schemes_without_dot: bool = False
    # S-071: a server that does not process software statements drops them.
    keep_software_statement: bool = False


DEFAULT_RULES: Final = MetadataRules()


def check_client_metadata(
    metadata: ClientMetadata, rules: MetadataRules = DEFAULT_RULES
) -> ClientMetadata:
    """Provision defaults (S-022) and apply every rule that needs no policy and no fetching.

    Idempotent: what it returns passes again, unchanged.

    Raises InvalidRedirectUri or InvalidClientMetadata for the first rule that is broken.
    """
    raise NotImplementedError
