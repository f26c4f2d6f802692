"""plan(wish, observed, now) → Step: pure and total. The first check that has something to say wins.

`WANTED` and `UNWANTED` are the whole decision; their order is explained beside each check and
pinned by table tests.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar, assert_never

from dcr_operator import plan_adoption as adoption
from dcr_operator import plan_denied as denied
from dcr_operator import plan_retirement as retirement
from dcr_operator import plan_rotation as rotation
from dcr_operator import plan_succession as succession
from dcr_operator import plan_unwanted as unwanted
from dcr_operator import plan_wanted as wanted
from dcr_operator.plan_keys import key_due
from dcr_operator.plan_registration import request_incomplete, token_rejected
from dcr_operator.plan_suspended import suspended
from dcr_operator.plan_terminating import let_go
from dcr_operator.reasons import Reason
from dcr_operator.rollout_restart import before_rest
from dcr_operator.state import Desired, Observed, Undecipherable, Unwanted, Wish
from dcr_operator.steps import Step
from dcr_operator.verdicts import halt

_Wish = TypeVar("_Wish")
Check = Callable[[_Wish, Observed, datetime], Step | None]

WANTED: Sequence[Check[Desired]] = (
    # A person asks for hands off, whatever there is to do.
    suspended,
    # Nothing is safe to do without knowing what was done before.
    wanted.record_unreadable,
    wanted.record_missing,
    # Under the name of the provider is another one: never mix the two up.
    succession.issuer_changed,
    # A client may exist where none is wanted any more: that is for later.
    succession.unanswered_elsewhere,
    # A client that is to be taken over is not ours before nobody else has it.
    adoption.unconfirmed,
    # Nothing may be published of a client that must not stay.
    denied.answer_denied,
    denied.secret_of_denied,
    # What this pass has just tried and learned, before anything is tried again.
    token_rejected,
    wanted.request_failed,
    # What is sent next says which key the client has.
    key_due,
    # An open intent: a client may exist that we do not know.
    wanted.creation_unknown,
    retirement.without_successor,
    wanted.not_registered,
    # From here on there is a client.
    wanted.unprotected,
    # Should the resource go without us, its record says what becomes of the client.
    wanted.unnoted,
    # What is not valid any more goes with the next write of the Secret.
    rotation.overlap_over,
    # Credentials first: workloads wait for them, and publishing needs no provider.
    wanted.secret_conflict,
    wanted.name_unknown,
    wanted.secret_outdated,
    wanted.secret_renamed,
    wanted.names_left,
    # The credentials in force are out: those before them go when workloads have followed.
    retirement.unscheduled,
    retirement.due_now,
    # Another registration takes the place of this one, whose credentials work meanwhile.
    succession.succession_unknown,
    succession.moved,
    # Only credentials that are published are followed by others.
    rotation.rotation_unanswered,
    rotation.rotation_due,
    # Without all that belongs into it no request says what is wanted.
    request_incomplete,
    wanted.update_due,
    adoption.secret_unknown,
    wanted.drifted,
    rotation.renewal_due,
    denied.adopted_denied,
    wanted.record_outdated,
    # What must not be mended need not be looked at.
    denied.policy_narrowed,
    wanted.read_due,
    # Nothing is left to do, and something is not as it should be: the worst first.
    rotation.secret_expired,
    rotation.rotation_refused,
    rotation.rotation_unsupported,
    wanted.metadata_not_accepted,
    wanted.done,
)

UNWANTED: Sequence[Check[Unwanted]] = (
    # Without our finalizer nothing is ours to do.
    unwanted.released,
    # A client that was to be taken over and was not.
    adoption.claim_left,
    # What the client had before: no overlap is waited for.
    retirement.elsewhere_unanswered,
    retirement.at_once,
    unwanted.retained,
    unwanted.record_unreadable,
    # What this pass has just tried and learned.
    unwanted.request_failed,
    # A client may exist that we do not know: find out, or put it on record.
    unwanted.creation_unknown,
    unwanted.registered,
    retirement.blocked,
    # Nothing is left at the provider: record, Secret, finalizer, in this order.
    unwanted.record_left,
    unwanted.secret_left,
    unwanted.finalizer_left,
)


def plan(wish: Wish, observed: Observed, now: datetime) -> Step:
    match wish:
        case Desired():
            step = _first(WANTED, wish, observed, now)
            return before_rest(step, wish, observed)
        case Unwanted():
            return let_go(_first(UNWANTED, wish, observed, now), observed, now)
        case Undecipherable(message):
            return halt(Reason.INVALID_SPEC, message)
        case _:
            assert_never(wish)


def _first(checks: Sequence[Check[_Wish]], wish: _Wish, observed: Observed, now: datetime) -> Step:
    for check in checks:
        step = check(wish, observed, now)
        if step is not None:
            return step
    raise AssertionError("the last check of each tuple always has something to say")
