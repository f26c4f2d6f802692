"""Everything that is wrong with the settings, at once: what `dcr-server config check` says."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from dcr_server.configuration import ConfigurationError
from dcr_server.policy_check import problems_in_policies
from dcr_server.problems import Problem, warning
from dcr_server.settings import Settings, is_loopback, is_loopback_host
from dcr_server.suggestions import did_you_mean

Step = Callable[[Settings], object]
"""Raises ConfigurationError."""


def check_settings(settings: Settings, file: Path | None, steps: Sequence[Step] = ()) -> list[str]:
    """Return warnings, one line each, once all steps and the policies are without errors.

    Raises ConfigurationError with all errors.
    """
    errors = [error for step in steps if (error := _error_of(step, settings)) is not None]
    problems = list(problems_in(settings))
    errors += [_told(problem, file) for problem in problems if problem.is_error]
    if errors:
        raise ConfigurationError("\n".join(errors))
    return [_told(problem, file) for problem in problems]


def problems_in(settings: Settings) -> Iterator[Problem]:
    yield from problems_in_policies(settings.policies)
    yield from _problems_in_open_registration(settings)
    yield from _problems_in_addresses(settings)


def _error_of(step: Step, settings: Settings) -> str | None:
    try:
        step(settings)
    except ConfigurationError as error:
        return str(error)
    return None


def _told(problem: Problem, file: Path | None) -> str:
    return str(problem) if file is None else f"{file}: {problem}"


def _problems_in_open_registration(settings: Settings) -> Iterator[Problem]:
    opened = settings.open_registration
    if opened is None:
        return
    policy = settings.policies.get(opened.policy)
    path = ("open_registration", "policy")
    if policy is None:
        configured = ", ".join(settings.policies) or "none"
        near = did_you_mean(opened.policy, settings.policies)
        yield Problem(path, opened.policy, f"no such policy{near}; configured: {configured}")
        return
    if policy.max_clients is None and policy.unused_client_lifetime is None:
        yield warning(
            path,
            opened.policy,
            "anybody can fill the database: give it max_clients or unused_client_lifetime",
        )
    for member in ("rate", "max_clients_per_subject"):
        if getattr(policy, member) is not None:
            yield warning(
                ("policies", opened.policy, member),
                None,
                "has no effect on open registration, where each client has an owner of its own",
            )


def _problems_in_addresses(settings: Settings) -> Iterator[Problem]:
    for network in settings.trusted_proxies:
        if network.prefixlen == 0:
            yield warning(
                ("trusted_proxies",), str(network), "anybody may choose an address: name proxies"
            )
    counted = settings.open_registration or settings.failed_authentication_rate
    behind_proxy = is_loopback_host(settings.listen.host) and not is_loopback(settings.issuer or "")
    if counted and behind_proxy and not settings.trusted_proxies:
        yield warning(
            ("trusted_proxies",),
            None,
            "not set, and the server listens on loopback: all clients share the proxy's address",
        )
