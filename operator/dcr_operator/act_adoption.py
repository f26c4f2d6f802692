"""Adoption: read what the tenant knows of the client, look at the client, claim it."""

from dataclasses import replace
from typing import assert_never

import structlog
from pydantic import SecretStr

from dcr_operator.act_registration import StepImpossibleError
from dcr_operator.kube import SECRETS
from dcr_operator.outcomes import CredentialsRejected, Registered
from dcr_operator.ports import Context, Management
from dcr_operator.provider_origins import OriginRefusedError, url_to_send_to
from dcr_operator.record_index import others_with
from dcr_operator.record_store import delete_record, store_answer, write_record
from dcr_operator.referenced_secrets import decoded_key, is_sendable
from dcr_operator.registration_facts import can_be_probed, merged, new_record
from dcr_operator.secret_content import effective_auth_method
from dcr_operator.state import (
    AdoptionAbsent,
    AdoptionFound,
    AdoptionState,
    AdoptionWish,
    Attempt,
    Intent,
    IntentKind,
    Observed,
    Operation,
    ProviderUsable,
    Record,
    Registration,
)
from dcr_operator.steps import Adopt, ConfirmAdoption, FetchAdoption, KeepClientSecret
from dcr_protocol.response_errors import clean_text

log = structlog.get_logger("dcr_operator")

_TOKEN, _URI, _SECRET = "registration_access_token", "registration_client_uri", "client_secret"


async def take_over(
    step: FetchAdoption | Adopt | ConfirmAdoption | KeepClientSecret,
    observed: Observed,
    context: Context,
) -> Observed:
    match step:
        case FetchAdoption(adopt):
            return replace(observed, adoption=await _fetched(adopt, observed, context))
        case Adopt():
            return await _adopt(step, observed, context)
        case ConfirmAdoption():
            return await _confirm(observed, context)
        case KeepClientSecret(secret):
            record, registration = _claimed(observed)
            known = replace(record, registration=replace(registration, client_secret=secret))
            return await write_record(observed, known, context)
        case _:
            assert_never(step)


async def _fetched(adopt: AdoptionWish, observed: Observed, context: Context) -> AdoptionState:
    resource = observed.resource
    document = await context.kubernetes.get(SECRETS, resource.key.namespace, adopt.ref)
    if document is None:
        return AdoptionAbsent(
            f"there is no Secret {adopt.ref}, which should hold {_TOKEN} and {_URI}. Create it."
        )
    values = {key: (decoded_key(document, key) or "").strip() for key in (_TOKEN, _URI, _SECRET)}
    if not is_sendable(values[_TOKEN]) or not values[_URI]:
        return AdoptionAbsent(
            f"the Secret {adopt.ref} must hold {_TOKEN} and {_URI}, each as the provider gave it."
        )
    usable = _usable(observed)
    try:
        url_to_send_to(usable.snapshot.connection, values[_URI])
    except OriginRefusedError as error:
        return AdoptionAbsent(f"{_URI} in the Secret {adopt.ref} is not the provider's: {error}.")
    if await _is_held(adopt.client_id, usable.snapshot.issuer, observed, context):
        return _held(adopt.client_id)
    secret = SecretStr(values[_SECRET]) if values[_SECRET] else None
    return AdoptionFound(Management(values[_URI], SecretStr(values[_TOKEN])), secret)


def _held(client_id: str) -> AdoptionAbsent:
    return AdoptionAbsent(
        f"{clean_text(client_id)} is on record for another OAuthClient of this cluster; the"
        " operator's log names it. Remove that one first, or its record if it was retained."
    )


async def _is_held(client_id: str, issuer: str, observed: Observed, context: Context) -> bool:
    others = await others_with(issuer, client_id, observed.resource.uid, context)
    for other in others:
        holder = f"{other.namespace}/{other.name}" if other else "a record that cannot be read"
        # The name of another namespace is for those who run the operator.
        log.warning("adoption refused", key=str(observed.resource.key), holder=holder)
    return bool(others)


async def _adopt(step: Adopt, observed: Observed, context: Context) -> Observed:
    snapshot = _usable(observed).snapshot
    outcome = await context.registrations.read(snapshot.connection, step.management)
    if not isinstance(outcome, Registered):
        return replace(observed, attempt=Attempt(Operation.READ, outcome))
    wanted = step.adopt.client_id
    if outcome.information.client_id != wanted:
        why = f"{_URI} in the Secret {step.adopt.ref} leads to another client than spec.adopt names"
        return replace(observed, adoption=AdoptionAbsent(f"{why}. Correct one of them."))
    token = step.management.registration_access_token
    claimed = Registration(
        client_id=wanted,
        spec_hash="",  # of no request of ours: what is declared is sent next
        client_secret=step.client_secret,
        registration_access_token=token,
        registration_client_uri=step.management.registration_client_uri,
    )
    registration = merged(claimed, outcome.information, token)
    if not await _opens(registration, step, observed, context):
        why = f"the client_secret in the Secret {step.adopt.ref} is not that of the client"
        return replace(observed, adoption=AdoptionAbsent(f"{why}. Correct it."))
    intent = Intent(IntentKind.ADOPT, context.new_id(), context.now(), "")
    stored = observed.stored or new_record(observed.resource, snapshot.essential(), context.now())
    claim = replace(
        stored,
        provider=snapshot.essential(),
        intent=intent,
        registration=registration,
        secrets=stored.secrets or (observed.secret_name,),
    )
    return await store_answer(observed, claim, context)


async def _opens(
    registration: Registration, step: Adopt, observed: Observed, context: Context
) -> bool:
    """Whether a secret that somebody wrote down is not refused; what the provider says is right."""
    snapshot, secret = _usable(observed).snapshot, step.client_secret
    if secret is None or registration.client_secret != secret:
        return True
    if not can_be_probed(snapshot, registration) or snapshot.token_endpoint is None:
        return True
    tried = await context.registrations.probe(
        snapshot.connection,
        snapshot.token_endpoint,
        client_id=registration.client_id,
        client_secret=secret,
        auth_method=effective_auth_method(registration),
    )
    return not isinstance(tried, CredentialsRejected)


async def _confirm(observed: Observed, context: Context) -> Observed:
    record, registration = _claimed(observed)
    issuer = record.provider.issuer
    if await _is_held(registration.client_id, issuer, observed, context):
        if record.orphans or record.retiring:
            # What is on record of other clients is not given up with this one.
            dropped = replace(record, intent=None, registration=None)
            observed = await write_record(observed, dropped, context)
        else:
            observed = await delete_record(observed, context)
        return replace(observed, adoption=_held(registration.client_id))
    return await write_record(observed, replace(record, intent=None), context)


def _usable(observed: Observed) -> ProviderUsable:
    if observed.usable is None:
        raise StepImpossibleError
    return observed.usable


def _claimed(observed: Observed) -> tuple[Record, Registration]:
    record = observed.stored
    if record is None or record.registration is None:
        raise StepImpossibleError
    return record, record.registration
