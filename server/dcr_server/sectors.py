"""Sector identifiers: OIDCR §5, OpenID Connect Core §8.1 (S-150 to S-154)."""

from dcr_protocol.client_metadata import ClientMetadata
from dcr_protocol.errors import InvalidClientMetadata
from dcr_server.fetch_targets import FetchError
from dcr_server.fetching import FetchJson


async def check_sector(metadata: ClientMetadata, fetch: FetchJson) -> None:
    """Fetch `sector_identifier_uri`, whose document must list each redirection URI.

    It is not looked at again before the next update (S-151).

    Raises InvalidClientMetadata.
    """
    if metadata.sector_identifier_uri is None:
        return
    try:
        listed = await fetch(metadata.sector_identifier_uri)
    except FetchError as error:
        raise InvalidClientMetadata(f"sector_identifier_uri: {error}") from None
    if not isinstance(listed, list) or not all(isinstance(uri, str) for uri in listed):
        raise InvalidClientMetadata("sector_identifier_uri: the answer is no array of strings")
    for position, uri in enumerate(metadata.redirect_uris or ()):
        # Character by character, as everything about redirection URIs (S-048).
        if uri not in listed:
            raise InvalidClientMetadata(
                f"sector_identifier_uri: the document does not list redirect_uris[{position}]"
            )
