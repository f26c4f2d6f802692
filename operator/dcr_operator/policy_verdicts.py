"""What spec.clientPolicy says of a request or an answer, in words for people. Pure."""

from typing import Final

from dcr_operator.client_policy import violations_of_request
from dcr_operator.reasons import Reason
from dcr_operator.state import Desired, ProviderUsable, Refusal
from dcr_operator.steps import Step
from dcr_operator.verdicts import halt

MOST_SHOWN: Final = 8


def request_denied(desired: Desired, usable: ProviderUsable) -> Step | None:
    """Return why what is wanted is not sent."""
    broken = violations_of_request(usable.policy.client_policy, desired.metadata)
    if not broken:
        return None
    return halt(
        Reason.POLICY_DENIED,
        f"spec.clientPolicy of {usable.snapshot.connection.provider} does not allow"
        f" spec.clientMetadata: {'; '.join(broken[:MOST_SHOWN])}.",
    )


def answer_was_denied(refusal: Refusal, usable: ProviderUsable) -> Step | None:
    """Return why the same is not registered again, as long as the policy is the same."""
    policy = usable.policy.client_policy
    if policy is None or policy.digest != refusal.policy:
        return None
    said = denial(usable.snapshot.connection.provider, refusal.description)
    return halt(
        Reason.POLICY_DENIED,
        f"{said}; the client has been unregistered. Ask for something else in"
        " spec.clientMetadata, or change the provider.",
    )


def denial(provider: str, said: str) -> str:
    return (
        f"{provider} put in force what its spec.clientPolicy does not allow"
        f"{f' ({said})' if said else ''}"
    )
