"""From what a client asks for to what is registered; the same for POST and PUT (S-129).

protocol rules     members, defaults, what contradicts each other
this server        what gets a token here
policy             what the bearer may register
sector             the one thing that is fetched, so it comes last
"""

from collections.abc import Mapping

from dcr_protocol.client_metadata import ClientMetadata, parse_client_metadata
from dcr_protocol.errors import InvalidClientMetadata
from dcr_protocol.json_document import JsonValue
from dcr_protocol.rules import check_client_metadata
from dcr_protocol.vocabulary import BOUND_TOKENS_MEMBERS
from dcr_server.policies import Policy
from dcr_server.sectors import check_sector
from dcr_server.server import Server
from dcr_server.token_endpoint import AUTH_METHODS, GRANT_TYPES


async def admitted_metadata(
    document: Mapping[str, JsonValue], policy: Policy, server: Server
) -> ClientMetadata:
    """Parse, complete and check what a client asks for, fetching what must be fetched.

    Raises InvalidRedirectUri or InvalidClientMetadata.
    """
    metadata = checked_metadata(document, policy)
    await check_sector(metadata, server.fetcher.fetch_json)
    return metadata


def checked_metadata(document: Mapping[str, JsonValue], policy: Policy) -> ClientMetadata:
    """Apply everything that needs no fetching.

    Raises InvalidRedirectUri or InvalidClientMetadata.
    """
    wanted = policy.provision(parse_client_metadata(document))
    metadata = check_client_metadata(wanted, policy.rules)
    _refuse_what_gets_no_token(metadata)
    return policy.admit(metadata)


def _refuse_what_gets_no_token(metadata: ClientMetadata) -> None:
    served = ", ".join(set(GRANT_TYPES).intersection(metadata.grant_types or ()))
    if not served:
        return
    if metadata.token_endpoint_auth_method not in AUTH_METHODS:
        raise InvalidClientMetadata(
            f"token_endpoint_auth_method: with {served} this server supports "
            f"{', '.join(AUTH_METHODS)}"
        )
    # RFC 9449 §5.2, RFC 8705 §3.4: such a client must not be given a bearer token.
    for member in BOUND_TOKENS_MEMBERS:
        if getattr(metadata, member):
            raise InvalidClientMetadata(
                f"{member}: with {served} this server issues bearer tokens only"
            )
