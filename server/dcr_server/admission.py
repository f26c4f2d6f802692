"""From what a client asks for to what is registered; the same for POST and PUT (S-129).

software statement what its issuer vouches for, in place of the client's own word
protocol rules     members, defaults, what contradicts each other
this server        what gets a token here
policy             what the bearer may register
sector             the one thing that is fetched, so it comes last
"""

from collections.abc import Mapping
from typing import Final

from dcr_protocol.client_metadata import ClientMetadata, parse_client_metadata
from dcr_protocol.errors import (
    InvalidClientMetadata,
    InvalidSoftwareStatement,
    UnapprovedSoftwareStatement,
)
from dcr_protocol.frozen import dataclass
from dcr_protocol.json_document import JsonValue
from dcr_protocol.rules import check_client_metadata
from dcr_protocol.vocabulary import BOUND_TOKENS_MEMBERS, PRIVATE_KEY_JWT
from dcr_server.client_assertions import SIGNING_ALGORITHMS
from dcr_server.client_authentication import AUTH_METHODS
from dcr_server.policies import Policy
from dcr_server.records import Client, SingleUse
from dcr_server.sectors import check_sector
from dcr_server.server import Server
from dcr_server.software_statements import SOFTWARE_STATEMENT, SoftwareStatement
from dcr_server.token_endpoint import GRANT_TYPES

_SERVED: Final = frozenset(GRANT_TYPES)


@dataclass(frozen=True, slots=True)
class Admitted:
    """What may be registered."""

    metadata: ClientMetadata
    single_use: SingleUse | None = None
    """Of the statement that vouches for it; the registration's own transaction uses it up."""


async def admit(
    document: Mapping[str, JsonValue],
    policy: Policy,
    server: Server,
    *,
    registered: Client | None = None,
    verified: SoftwareStatement | None = None,
) -> Admitted:
    """Parse, complete and check what a client asks for, fetching what must be fetched.

    `registered` is the client that an update is about, `verified` the statement that admits alone.

    Raises InvalidRedirectUri, InvalidClientMetadata, InvalidSoftwareStatement,
    UnapprovedSoftwareStatement; 503 when the keys of a statement's issuer cannot be had.
    """
    statement = None
    # RFC 7591 §2.3: a server that does not process statements ignores them (S-071).
    if policy.software_statement != "ignored":
        statement = await _statement(document, policy, server, verified)
    if statement is not None:
        document = statement.vouch_for(document)
    metadata = checked_metadata(document, policy)
    if metadata.sector_identifier_uri is not None:
        await check_sector(metadata, server.fetcher.fetch_json)
    if statement is not None and registered is not None:
        _check_software_stays(statement, registered)
    return Admitted(metadata, None if statement is None else statement.single_use)


def checked_metadata(document: Mapping[str, JsonValue], policy: Policy) -> ClientMetadata:
    """Apply everything that needs no fetching.

    Raises InvalidRedirectUri or InvalidClientMetadata.
    """
    wanted = policy.provision(parse_client_metadata(document))
    metadata = check_client_metadata(wanted, policy.rules)
    _refuse_what_gets_no_token(metadata)
    return policy.admit(metadata)


async def _statement(
    document: Mapping[str, JsonValue],
    policy: Policy,
    server: Server,
    verified: SoftwareStatement | None,
) -> SoftwareStatement | None:
    given = document.get(SOFTWARE_STATEMENT)
    if given is None or given == "":
        if policy.software_statement == "required":
            raise InvalidSoftwareStatement("the policy requires a software statement")
        return None
    statement = verified or await server.statements.verified(given, now=server.now())
    if statement.issuer not in policy.statement_issuers:
        raise UnapprovedSoftwareStatement("the policy does not count statements of this issuer")
    return statement


def _check_software_stays(statement: SoftwareStatement, registered: Client) -> None:
    """What a statement alone registered stays that software, whatever is configured by now."""
    if registered.statement_issuer and statement.subject != registered.owner.subject:
        raise UnapprovedSoftwareStatement("the statement is about other software than the client's")


def _refuse_what_gets_no_token(metadata: ClientMetadata) -> None:
    if _SERVED.isdisjoint(metadata.grant_types or ()):
        return
    served = ", ".join(_SERVED.intersection(metadata.grant_types or ()))
    method = metadata.token_endpoint_auth_method
    if method not in AUTH_METHODS:
        raise InvalidClientMetadata(
            f"token_endpoint_auth_method: with {served} this server supports "
            f"{', '.join(AUTH_METHODS)}"
        )
    algorithm = metadata.token_endpoint_auth_signing_alg
    if method == PRIVATE_KEY_JWT and algorithm not in {None, *SIGNING_ALGORITHMS}:
        raise InvalidClientMetadata(
            f"token_endpoint_auth_signing_alg: this server supports {', '.join(SIGNING_ALGORITHMS)}"
        )
    # RFC 9449 §5.2, RFC 8705 §3.4: such a client must not be given a bearer token.
    for member in BOUND_TOKENS_MEMBERS:
        if getattr(metadata, member):
            raise InvalidClientMetadata(
                f"{member}: with {served} this server issues bearer tokens only"
            )
