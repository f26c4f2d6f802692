"""The checks for a resource that is wanted, each (desired, observed, now) → Step | None. Pure."""

from datetime import datetime

from dcr_operator.desired import update_body
from dcr_operator.plan_adoption import adoption
from dcr_operator.plan_registration import (
    provider_unusable,
    ready_to_register,
    refused_lately,
    unanswered_registration,
)
from dcr_operator.policy_verdicts import request_denied
from dcr_operator.reasons import Reason
from dcr_operator.registration_facts import is_elsewhere, lacks_secret, refused_members
from dcr_operator.secret_content import (
    SecretContent,
    Unpublishable,
    differing_fields,
    form_problem,
    is_published,
    secret_content,
)
from dcr_operator.state import (
    Desired,
    IntentKind,
    Observed,
    Operation,
    RecordUnreadable,
    Registration,
)
from dcr_operator.steps import (
    AddFinalizer,
    DeleteSecret,
    Done,
    NameSecret,
    NoteResource,
    Publish,
    ReadRegistration,
    RefreshRecord,
    Register,
    Step,
    Update,
)
from dcr_operator.verdicts import halt, verdict
from dcr_protocol.response_errors import clean_text


def record_unreadable(_desired: Desired, observed: Observed, _now: datetime) -> Step | None:
    if isinstance(observed.record, RecordUnreadable):
        return halt(
            Reason.INTERNAL_ERROR,
            f"the record of this client cannot be read: {observed.record.message}."
            " Restore the Secret of the record from a backup.",
        )
    return None


def record_missing(_desired: Desired, observed: Observed, _now: datetime) -> Step | None:
    """A client was registered, and nothing is known of it: a second one is no answer."""
    client_id = observed.resource.client_id
    if observed.record is not None or client_id is None:
        return None
    return halt(
        Reason.RECORD_MISSING,
        f"{clean_text(client_id)} was registered, and its record is not there: restore the Secret"
        f" {observed.record_place} from a backup, or run the operator in the namespace where its"
        " records are. Without them remove the client at the provider by hand and make the"
        " OAuthClient again.",
    )


def request_failed(_desired: Desired, observed: Observed, _now: datetime) -> Step | None:
    attempt, stored, usable = observed.attempt, observed.stored, observed.usable
    if attempt is None or stored is None or attempt.operation is Operation.READ:
        return None
    elsewhere = usable is not None and attempt.operation is Operation.REGISTER
    asked = usable.snapshot if usable is not None and elsewhere else stored.provider
    return verdict(attempt, asked.connection)


def creation_unknown(desired: Desired, observed: Observed, now: datetime) -> Step | None:
    """A crash or a lost answer. One that retires another waits until that is published."""
    intent = observed.intent
    if intent is None or intent.kind is not IntentKind.REGISTER:
        return None
    if intent.retires and observed.registration is not None:
        return None
    return unanswered_registration(desired, observed, intent, now)


def not_registered(desired: Desired, observed: Observed, now: datetime) -> Step | None:
    if observed.registration is not None:
        return None
    usable = observed.usable
    if usable is None:
        return provider_unusable(observed)
    # A client whose credentials have no place to go would only be left behind.
    return (
        secret_conflict(desired, observed, now)
        or template_invalid(desired, observed, now)
        or adoption(desired, observed, usable, now)
        or ready_to_register(desired, observed, usable, now)
        or Register(desired.request, desired.spec_hash)
    )


def unprotected(_desired: Desired, observed: Observed, _now: datetime) -> Step | None:
    return None if observed.resource.has_finalizer else AddFinalizer()


def unnoted(_desired: Desired, observed: Observed, _now: datetime) -> Step | None:
    """A deletionPolicy that was edited, or a record that took the resource for gone."""
    stored = observed.stored
    if stored is None or (stored.retain == observed.resource.retain and stored.gone_at is None):
        return None
    return NoteResource()


def secret_conflict(desired: Desired, observed: Observed, _now: datetime) -> Step | None:
    if observed.secret is None or observed.secret.ours:
        return None
    return halt(
        Reason.SECRET_CONFLICT,
        f"the Secret {desired.secret.name} exists and does not belong to this OAuthClient; it is"
        " left alone. Remove it, or choose another spec.secret.name.",
    )


def template_invalid(desired: Desired, _observed: Observed, _now: datetime) -> Step | None:
    problem = form_problem(desired.secret)
    return None if problem is None else halt(Reason.TEMPLATE_INVALID, f"{problem}.")


def wanted_content(desired: Desired, observed: Observed) -> SecretContent | Unpublishable | None:
    stored = observed.stored
    if stored is None or stored.registration is None:
        return None
    if lacks_secret(desired, stored.registration):
        return None
    # The endpoints of the day; those on record when the provider cannot be asked or is to be left.
    snapshot = observed.usable.snapshot if observed.usable else stored.provider
    if is_elsewhere(desired, observed, stored.provider):
        snapshot = stored.provider
    return secret_content(desired.secret, snapshot, stored.registration, stored.keys)


def secret_outdated(desired: Desired, observed: Observed, _now: datetime) -> Step | None:
    content = wanted_content(desired, observed)
    if isinstance(content, Unpublishable):
        return halt(content.reason, f"{content.message}.")
    if observed.secret_refused is not None:
        return halt(
            Reason.SECRET_REFUSED,
            f"the API server refuses the Secret {desired.secret.name}:"
            f" {observed.secret_refused.rstrip('.')}. Make room for it, or correct spec.secret.",
        )
    client_name = observed.resource.key.name
    secret = observed.secret
    if content is None or (secret is not None and is_published(secret, content, client_name)):
        return None
    if secret is not None and secret.terminating:
        return halt(
            Reason.SECRET_REFUSED,
            f"the Secret {secret.name} is being deleted and finalizers hold it; it is written anew"
            " when it is gone.",
        )
    if secret is not None and observed.published:
        differing = ", ".join(differing_fields(secret, content, client_name))
        return halt(
            Reason.SECRET_REFUSED,
            f"the Secret {secret.name} does not stay as it is written: {differing}. Look for the"
            " admission webhook or the controller that changes it.",
        )
    return Publish(content)


def secret_renamed(_desired: Desired, observed: Observed, _now: datetime) -> Step | None:
    if observed.previous_secret is not None and observed.previous_secret.ours:
        return DeleteSecret(observed.previous_secret)
    return None


def name_unknown(desired: Desired, observed: Observed, _now: datetime) -> Step | None:
    """Another name: should the pass end before status tells it, the record does."""
    stored, name = observed.stored, desired.secret.name
    if stored is None or stored.registration is None:
        return None
    known = stored.secrets or (observed.resource.published_secret or name,)
    return None if name in known else NameSecret((*known, name))


def names_left(desired: Desired, observed: Observed, _now: datetime) -> Step | None:
    """What was published under other names is gone."""
    names = observed.stored.secrets if observed.stored else ()
    return None if {*names} <= {desired.secret.name} else NameSecret((desired.secret.name,))


def update_due(desired: Desired, observed: Observed, now: datetime) -> Step | None:
    registration, intent = observed.registration, observed.intent
    if registration is None:
        return None
    under_way = intent is not None and intent.kind is IntentKind.UPDATE
    if registration.spec_hash == desired.spec_hash and not under_way:
        return None
    return (
        provider_unusable(observed)
        or (request_denied(desired, observed.usable) if observed.usable else None)
        or refused_lately(desired, observed, Operation.UPDATE, now)
        or (None if under_way else _read_before_trying_again(observed, registration))
        or update_of(desired, observed, registration)
    )


def _read_before_trying_again(observed: Observed, registration: Registration) -> Step | None:
    """What still refuses a GET would refuse the PUT, and a GET needs no intent to be written."""
    tried = observed.read_is_due and not observed.resource.registered
    return ReadRegistration() if tried and registration.management() else None


def drifted(desired: Desired, observed: Observed, now: datetime) -> Step | None:
    if not observed.drift or observed.usable is None or observed.registration is None:
        return None
    refused = request_denied(desired, observed.usable) or refused_lately(
        desired, observed, Operation.UPDATE, now
    )
    return refused or update_of(desired, observed, observed.registration)


def update_of(desired: Desired, observed: Observed, registration: Registration) -> Step:
    if not registration.management():
        return halt(
            Reason.MANAGEMENT_NOT_SUPPORTED,
            f"the provider gave no access to manage {registration.shown_id}, so the edit cannot"
            " reach it. Take the edit back, or make the OAuthClient again.",
        )
    body = update_body(desired, registration.client_id)
    intent = observed.intent
    # The same request under the same key; a request that has changed since needs its own.
    same = intent is not None and intent.kind is IntentKind.UPDATE and intent.body == body
    return Update(body, desired.spec_hash, intent if same else None, observed.drift)


def record_outdated(_desired: Desired, observed: Observed, _now: datetime) -> Step | None:
    usable, stored = observed.usable, observed.stored
    if usable is None or stored is None:
        return None
    # A policy that was widened since allows what did not stay before.
    admitted = stored.registration is None or stored.registration.admitted
    if admitted and usable.snapshot.essential() == stored.provider:
        return None
    return RefreshRecord()


def read_due(_desired: Desired, observed: Observed, _now: datetime) -> Step | None:
    registration = observed.registration
    if not observed.read_is_due or observed.usable is None or registration is None:
        return None
    return ReadRegistration() if registration.management() else None


def metadata_not_accepted(desired: Desired, observed: Observed, _now: datetime) -> Step | None:
    """RFC 7591 §3.2.1: the client decides whether what it was given is what it can use."""
    registration = observed.registration
    members = refused_members(desired.metadata, registration) if registration else ()
    if not members:
        return None
    return halt(
        Reason.METADATA_NOT_ACCEPTED,
        f"the provider put something else in force for {', '.join(members)}; status.drift says"
        " what. Ask for what it grants, or change the provider.",
    )


def done(desired: Desired, observed: Observed, _now: datetime) -> Step:
    registration = observed.registration
    client_id = registration.shown_id if registration else ""
    return Done(Reason.READY, f"{client_id} is registered and in the Secret {desired.secret.name}")
