"""spec.rolloutRestart: when pods are to be started anew for what is in the Secret. Pure.

Decided where a pass would end, so that all that it changed makes one rollout, and whatever it
ended with: pods must not be left with credentials that are about to go.
"""

import hashlib
import hmac
from typing import Final

from dcr_operator.plan_wanted import wanted_content
from dcr_operator.reasons import Reason
from dcr_operator.secret_content import SecretContent, is_published
from dcr_operator.state import Desired, Observed, StoredRecord
from dcr_operator.steps import Done, RestartWorkloads, Step, Stop, Wait
from dcr_operator.workloads import Restarted

_LENGTH: Final = 32  # hexadecimal digits


def before_rest(step: Step, desired: Desired, observed: Observed) -> Step:
    """Return what comes before the end of a pass: restarts for the content that is published."""
    if not isinstance(step, Wait | Stop | Done) or step.reason is Reason.SUSPENDED:
        return step
    if not desired.restarts or observed.restarts_tried:
        return step
    content = wanted_content(desired, observed)
    if not isinstance(content, SecretContent) or not _is_out(content, observed):
        return step
    digest = content_hash(content, observed)
    known = {each.workload: each.content_hash for each in observed.restarted}
    due = tuple(each for each in desired.restarts if known.get(each) != digest)
    if not due:
        return step
    # Nobody can have started with other content than the first.
    first = observed.secret_created and observed.resource.published_secret is None
    return RestartWorkloads(due, digest, first=first)


def _is_out(content: SecretContent, observed: Observed) -> bool:
    secret = observed.secret
    return (
        secret is not None
        and secret.ours
        and is_published(secret, content, observed.resource.key.name)
    )


def content_hash(content: SecretContent, observed: Observed) -> str:
    """Return a hash that tells nobody what is in the Secret, however short its values are.

    Its key is the uid of the record, which nobody sees who may not read the operator's Secrets.
    """
    key = observed.record.uid if isinstance(observed.record, StoredRecord) else ""
    return hmac.new(key.encode(), content.lasting, hashlib.sha256).hexdigest()[:_LENGTH]


def kept(desired: Desired, restarted: tuple[Restarted, ...]) -> tuple[Restarted, ...]:
    """Return what is still of interest, in the order of the spec."""
    known = {each.workload: each for each in restarted}
    return tuple(known[each] for each in desired.restarts if each in known)
