"""What can be registered under a policy at all, and which of its members have no effect."""

from collections.abc import Iterator, Sequence

from dcr_protocol.vocabulary import (
    AUTH_METHODS_WITH_SECRET,
    AUTHORIZATION_CODE,
    CLIENT_CREDENTIALS,
    IMPLICIT,
    REDIRECT_GRANTS,
    REFRESH_TOKEN,
)
from dcr_server.durations import format_duration
from dcr_server.policies import Policy
from dcr_server.problems import Problem, warning


def problems_in_reach(policy: Policy, served_auth_methods: Sequence[str]) -> Iterator[Problem]:
    """Find grants that nobody can register; an error where no other is left."""
    if not policy.grant_types:
        yield warning((), None, "admits nothing: list grant_types")
        return
    reasons = {
        grant: _why_out_of_reach(grant, policy, served_auth_methods) for grant in policy.grant_types
    }
    # A refresh token comes with something else.
    nothing_is_left = all(
        reason is not None for grant, reason in reasons.items() if grant != REFRESH_TOKEN
    )
    for position, (grant, reason) in enumerate(reasons.items()):
        if reason is not None:
            yield Problem(
                ("grant_types", str(position)),
                grant,
                f"nobody can register it: {reason}",
                is_error=nothing_is_left,
            )
    yield from _unused_response_types(policy)
    yield from _unused_lists(policy)
    yield from _unused_limits(policy)


def _why_out_of_reach(grant: str, policy: Policy, served_auth_methods: Sequence[str]) -> str | None:
    methods = policy.token_endpoint_auth_methods
    if not methods:
        return "token_endpoint_auth_methods lists none"
    if grant == CLIENT_CREDENTIALS and not set(methods).intersection(served_auth_methods):
        return f"token_endpoint_auth_methods has none of {', '.join(served_auth_methods)}"
    if grant in REDIRECT_GRANTS:
        if not policy.redirect_uris:
            return "redirect_uris lists none"
        if not any(grant in _grants_of(value) for value in _usable_response_types(policy)):
            return "response_types lists none that goes with it"
    return None


def _usable_response_types(policy: Policy) -> list[str]:
    allowed = set(policy.grant_types)
    return [value for value in policy.response_types if allowed.issuperset(_grants_of(value))]


def _grants_of(response_type: str) -> set[str]:
    """OIDCR §2: a code comes by one grant, a token or ID Token by the other."""
    words = set(response_type.split())
    grants = {AUTHORIZATION_CODE} if words & {"code", "none"} else set()
    return grants | ({IMPLICIT} if words & {"token", "id_token"} else set())


def _unused_response_types(policy: Policy) -> Iterator[Problem]:
    usable = _usable_response_types(policy)
    for position, value in enumerate(policy.response_types):
        if value not in usable:
            missing = ", ".join(sorted(_grants_of(value).difference(policy.grant_types)))
            yield warning(
                ("response_types", str(position)),
                value,
                f"nobody can register it: it needs {missing} in grant_types",
            )


def _unused_lists(policy: Policy) -> Iterator[Problem]:
    if CLIENT_CREDENTIALS not in policy.grant_types:
        for member in ("audiences", "access_token_lifetime"):
            if getattr(policy, member):
                yield warning(
                    (member,),
                    None,
                    f"has no effect: access tokens are issued for {CLIENT_CREDENTIALS} only",
                )
    if policy.redirect_uris and REDIRECT_GRANTS.isdisjoint(policy.grant_types):
        yield warning(("redirect_uris",), None, "has no effect: no grant in grant_types redirects")
    if policy.statement_issuers and policy.software_statement == "ignored":
        yield warning(("statement_issuers",), None, "has no effect: software_statement is ignored")
    both = sorted(_names(policy.forced) & _names(policy.defaults))
    for member in both:
        yield warning(("defaults", member), None, "has no effect: forced has it too")


def _names(metadata: object) -> set[str]:
    return {name for name, value in vars(metadata).items() if value is not None}


def _unused_limits(policy: Policy) -> Iterator[Problem]:
    most, own = policy.max_clients, policy.max_clients_per_subject
    if most is not None and own is not None and own > most:
        yield warning(("max_clients_per_subject",), own, f"is never reached: max_clients is {most}")
    if policy.client_lifetime is not None:
        for member in ("unused_client_lifetime", "secret_lifetime"):
            value: int | None = getattr(policy, member)
            if value is not None and value >= policy.client_lifetime:
                yield warning(
                    (member,),
                    format_duration(value),
                    "has no effect: client_lifetime ends before",
                )
    if policy.secret_lifetime is not None and AUTH_METHODS_WITH_SECRET.isdisjoint(
        policy.token_endpoint_auth_methods
    ):
        yield warning(
            ("secret_lifetime",),
            format_duration(policy.secret_lifetime),
            "has no effect: no method in token_endpoint_auth_methods has a secret",
        )
