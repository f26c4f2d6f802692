"""What a policy puts into client metadata: RFC 7591 §2, §3.1 (S-021, S-022).

A default fills what a request leaves out; a forced value wins over the request. Both are answered
as part of the registration, and checked like anything that a client asks for.
"""

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import BeforeValidator, PlainSerializer, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from dcr_protocol.client_metadata import ClientMetadata, parse_client_metadata
from dcr_protocol.errors import ProtocolError
from dcr_protocol.vocabulary import (
    LOCALIZABLE_MEMBERS,
    READ_ONLY_MEMBERS,
    TLS_CLIENT_AUTH_MEMBERS,
)
from dcr_server.suggestions import did_you_mean

NOTHING: Final = ClientMetadata()

# Members that determine or exclude each other: what is said about one is said about all.
_TOGETHER: Final = (
    frozenset({"grant_types", "response_types"}),
    frozenset({"jwks", "jwks_uri"}),
    frozenset(TLS_CLIENT_AUTH_MEMBERS),
)
_PARTNERS: Final = {member: group for group in _TOGETHER for member in group}
_LOCALIZED: Final = "localized"


def provision(
    metadata: ClientMetadata, *, defaults: ClientMetadata, forced: ClientMetadata
) -> ClientMetadata:
    """Fill in and overrule what a request asks for."""
    if not (defaults.model_fields_set or forced.model_fields_set):
        return metadata
    overruled = _over(forced, metadata)
    return _over(overruled, defaults)


def _over(winner: ClientMetadata, loser: ClientMetadata) -> ClientMetadata:
    """Take what the winner says, and of the loser what the winner says nothing about."""
    said = _members(winner)
    kept = {
        member: value
        for member, value in _members(loser).items()
        if said.keys().isdisjoint(_PARTNERS.get(member, {member}))
    }
    localized = _localized_over(winner, loser)
    return NOTHING.with_members({**kept, **said, _LOCALIZED: localized})


def _localized_over(winner: ClientMetadata, loser: ClientMetadata) -> dict[str, str] | None:
    said = {name.partition("#")[0] for name in winner.localized or {}} | _members(winner).keys()
    # A name in one language says what the name is: no other language comes from elsewhere.
    kept = {
        name: value
        for name, value in (loser.localized or {}).items()
        if name.partition("#")[0] not in said
    }
    return {**kept, **(winner.localized or {})} or None


def _members(metadata: ClientMetadata) -> dict[str, object]:
    return {
        member: value
        for member, value in metadata.__dict__.items()
        if value is not None and member != _LOCALIZED
    }


def _parse(value: object) -> object:
    """Read a mapping of the file member by member, so that each mistake has its place."""
    if isinstance(value, ClientMetadata) or not isinstance(value, Mapping):
        return value
    flaws = [
        InitErrorDetails(
            type=PydanticCustomError("client_metadata", "{flaw}", {"flaw": flaw}),
            loc=(str(name),),
            input=given,
        )
        for name, given in value.items()
        if (flaw := _flaw(str(name), given)) is not None
    ]
    if flaws:
        raise ValidationError.from_exception_data("client metadata", flaws)
    return parse_client_metadata({str(name): given for name, given in value.items()})


def _flaw(name: str, value: object) -> str | None:
    base, localized, _ = name.partition("#")
    known = LOCALIZABLE_MEMBERS if localized else ClientMetadata.model_fields.keys() - {_LOCALIZED}
    if name in READ_ONLY_MEMBERS:
        return "only the server itself assigns this"
    if name == "software_statement":
        return "a statement is the client's own: see statement_issuers"
    if base not in known:
        return f"is no client metadata{did_you_mean(base, known)}"
    if value is None or value == "":
        return "has no value: leave it out"
    try:
        parse_client_metadata({name: value})  # type: ignore[dict-item]  # what is no JSON is refused
    except ProtocolError as error:
        return error.description.removeprefix(f"{name}: ")
    return None


ProvisionedMetadata = Annotated[
    ClientMetadata, BeforeValidator(_parse), PlainSerializer(ClientMetadata.to_wire)
]
"""A member of a model: a mapping of client metadata in a file, the parsed model in the program."""
