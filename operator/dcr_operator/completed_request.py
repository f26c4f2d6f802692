"""What the spec alone cannot say is added to the wish: between observe and plan. Pure.

A request that lacks something is not sent; what is missing is on the wish, for the planner.
"""

from dataclasses import replace
from datetime import datetime

from pydantic import JsonValue

from dcr_operator.client_keys import JWKS, key_set, with_next
from dcr_operator.desired import with_metadata
from dcr_operator.reasons import Reason
from dcr_operator.state import (
    Desired,
    Lacking,
    Observed,
    SoftwareStatementAbsent,
    SoftwareStatementFound,
    Wish,
)

SOFTWARE_STATEMENT = "software_statement"


def completed(wish: Wish, observed: Observed, now: datetime) -> Wish:
    """Return the wish with all that is to be sent, as far as it was found."""
    if not isinstance(wish, Desired):
        return wish
    return _with_keys(_with_software_statement(wish, observed), observed, now)


def _with_keys(desired: Desired, observed: Observed, now: datetime) -> Desired:
    keys = with_next(observed.stored.keys if observed.stored else None, observed.made_key)
    if desired.client_keys is None or keys is None:
        return desired
    return _with_members(desired, {JWKS: key_set(keys, now)})


def _with_software_statement(desired: Desired, observed: Observed) -> Desired:
    match observed.software_statement:
        case SoftwareStatementFound(statement):
            return _with_members(desired, {SOFTWARE_STATEMENT: statement.get_secret_value()})
        case SoftwareStatementAbsent(message):
            return replace(desired, lacking=Lacking(Reason.SOFTWARE_STATEMENT_MISSING, message))
        case None:
            return desired


def _with_members(desired: Desired, members: dict[str, JsonValue]) -> Desired:
    return with_metadata(desired, {**desired.metadata, **members})
