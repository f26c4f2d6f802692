"""spec.suspend: nothing is changed, neither at the provider nor in the cluster. Pure.

Deletion runs all the same. What was begun (an open intent) waits, and is continued on resuming.
"""

from datetime import datetime

from dcr_operator.plan_wanted import wanted_content
from dcr_operator.reasons import Reason
from dcr_operator.secret_content import SecretContent, is_published
from dcr_operator.state import Desired, Observed
from dcr_operator.steps import Done, Step
from dcr_operator.verdicts import halt


def suspended(desired: Desired, observed: Observed, _now: datetime) -> Step | None:
    if not desired.suspended:
        return None
    if _is_in_place(desired, observed):
        return Done(
            Reason.SUSPENDED,
            f"suspended; the Secret {desired.secret.name} holds what was registered last. Set"
            " spec.suspend: false to go on.",
        )
    return halt(
        Reason.SUSPENDED,
        "suspended before what the spec asks for was done. Set spec.suspend: false to go on.",
    )


def _is_in_place(desired: Desired, observed: Observed) -> bool:
    """Whether what was done until now is what is wanted, so that there is nothing to wait for."""
    registration, secret = observed.registration, observed.secret
    content = wanted_content(desired, observed)
    return (
        registration is not None
        and registration.spec_hash == desired.spec_hash
        and observed.intent is None
        and secret is not None
        and secret.ours
        and isinstance(content, SecretContent)
        and is_published(secret, content, observed.resource.key.name)
    )
