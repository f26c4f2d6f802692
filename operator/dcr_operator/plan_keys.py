"""When a client gets a key pair, and when the next one. Pure.

All else follows: a key that was made is in the wish (`completed_request`), so that an update is
due, and what is on record after its answer is in the Secret.
"""

from datetime import datetime

from dcr_operator.client_keys import ClientKeys, next_key_due
from dcr_operator.plan_rotation import is_requested
from dcr_operator.policy_verdicts import request_denied
from dcr_operator.registration_facts import is_elsewhere
from dcr_operator.state import Desired, Observed
from dcr_operator.steps import MakeKeyPair, Step


def key_due(desired: Desired, observed: Observed, now: datetime) -> Step | None:
    wish, stored = desired.client_keys, observed.stored
    if wish is None or observed.usable is None or observed.made_key is not None:
        return None
    keys = stored.keys if stored is not None and stored.keys is not None else ClientKeys()
    if not (_lacks_key(keys) or _is_due(desired, keys, observed, now)):
        return None
    if request_denied(desired, observed.usable):
        return None  # nothing will be sent, and a key takes time in each pass
    return MakeKeyPair(wish.algorithm, int(wish.overlap.total_seconds()))


def _lacks_key(keys: ClientKeys) -> bool:
    return keys.current is None and keys.next is None


def _is_due(desired: Desired, keys: ClientKeys, observed: Observed, now: datetime) -> bool:
    registration, wish = observed.registration, desired.client_keys
    if registration is None or wish is None or observed.intent is not None or observed.read_is_due:
        # A token that is refused is found out without a write.
        return False
    if observed.stored is None or is_elsewhere(desired, observed, observed.stored.provider):
        # A move that is refused leaves the client before, which has only the key of now.
        return False
    newest = keys.next or keys.current
    if newest is not None and newest.algorithm != wish.algorithm:
        return True
    if keys.next is not None or not registration.management():
        return False
    due = next_key_due(wish, keys)
    return is_requested(observed) or (due is not None and due <= now)
