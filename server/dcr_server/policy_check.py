"""Everything that is wrong with policies, at once."""

from collections.abc import Iterator, Mapping

from pydantic import ValidationError

from dcr_server.client_authentication import AUTH_METHODS
from dcr_server.policies import Policy
from dcr_server.policy_reach import problems_in_reach
from dcr_server.policy_values import problems_in_values
from dcr_server.problems import Problem, within


def problems_in_policies(policies: Mapping[str, Policy]) -> Iterator[Problem]:
    for name, policy in policies.items():
        yield from within(problems_in_values(policy), "policies", name)
        yield from within(problems_in_reach(policy, AUTH_METHODS), "policies", name)


def problems_in_unread_policies(given: object) -> Iterator[Problem]:
    """Look at those that can be read, while others cannot."""
    policies = {}
    for name, policy in given.items() if isinstance(given, Mapping) else ():
        try:
            policies[str(name)] = Policy.model_validate(policy)
        except ValidationError:
            continue
    yield from problems_in_policies(policies)
