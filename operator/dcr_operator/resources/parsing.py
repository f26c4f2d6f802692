"""From what the API server answers to our models, or to one error that a person can act on.

The CRDs refuse most of it before it gets here; this is for objects stored under an older CRD
and for rules that only Python can check.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, TypeVar

from pydantic import JsonValue, ValidationError
from pydantic_core import ErrorDetails

from dcr_operator.reasons import Reason
from dcr_operator.resources.oauth_client import OAuthClient
from dcr_operator.resources.oauth_provider import AnyProvider, ClusterOAuthProvider, OAuthProvider
from dcr_operator.resources.resource_model import ResourceModel

_Model = TypeVar("_Model", bound=ResourceModel)

_FIXES: Final[Mapping[str, str]] = {
    "missing": "is missing: set it",
    "extra_forbidden": "is not a known field: remove it",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One field and what to do about it; never its value, which may be a secret."""

    path: str
    fix: str

    def __str__(self) -> str:
        return f"{self.path} {self.fix}"


class InvalidSpecError(Exception):
    """The object cannot be used until a person changes it; lists every problem at once."""

    reason: ClassVar[Reason] = Reason.INVALID_SPEC

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = problems


def parse_oauth_client(document: Mapping[str, JsonValue]) -> OAuthClient:
    """Read an OAuthClient. Raises InvalidSpecError."""
    return _parse(OAuthClient, document)


def parse_oauth_provider(document: Mapping[str, JsonValue]) -> OAuthProvider:
    """Read an OAuthProvider. Raises InvalidSpecError."""
    return _parse(OAuthProvider, document)


def parse_cluster_oauth_provider(document: Mapping[str, JsonValue]) -> ClusterOAuthProvider:
    """Read a ClusterOAuthProvider. Raises InvalidSpecError."""
    return _parse(ClusterOAuthProvider, document)


def parse_provider(document: Mapping[str, JsonValue]) -> AnyProvider:
    """Read a provider of the kind that it says it is. Raises InvalidSpecError."""
    if document.get("kind") == "OAuthProvider":
        return parse_oauth_provider(document)
    return parse_cluster_oauth_provider(document)


def _parse(model: type[_Model], document: Mapping[str, JsonValue]) -> _Model:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False, include_context=False)
        raise InvalidSpecError(tuple(_problem(detail) for detail in details)) from None


def _problem(detail: ErrorDetails) -> Problem:
    path = ""
    for part in detail["loc"]:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    fix = _FIXES.get(detail["type"])
    message = detail["msg"].removeprefix("Value error, ")
    return Problem(path.lstrip("."), fix or f"is not valid: {message[:1].lower()}{message[1:]}")
