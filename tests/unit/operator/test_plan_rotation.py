"""Which step each state of a rotation leads to, and which of two wins."""

from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import SecretStr

from dcr_operator.outcomes import NotSupported, RegistrationAccessTokenRejected
from dcr_operator.plan import plan
from dcr_operator.reasons import Reason
from dcr_operator.rotation_schedule import Rotation
from dcr_operator.state import (
    Attempt,
    IntentKind,
    Observed,
    Operation,
    ProviderPolicy,
    ProviderUnusable,
    ProviderUsable,
)
from dcr_operator.steps import (
    Done,
    EndOverlap,
    Probe,
    Publish,
    ReadRegistration,
    Rotate,
    Step,
    Stop,
    Update,
    Wait,
)
from tests.fakes.operator_states import (
    NOW,
    desired,
    intent,
    registration,
    snapshot,
    steady,
    stored,
    tenant,
    unmanaged,
)

HOUR = timedelta(hours=1)
ROTATES = snapshot(rotates_secrets=True, idempotent=True)
USABLE = ProviderUsable(ROTATES, ProviderPolicy())
DOWN = ProviderUnusable(Reason.PROVIDER_UNAVAILABLE, "no answer")
OPEN = intent(IntentKind.ROTATE, overlap=3600)
MONTHLY = Rotation(every=timedelta(days=30))
NOT_ROTATED = Attempt(Operation.ROTATE, NotSupported(404))
REJECTED = Attempt(Operation.ROTATE, RegistrationAccessTokenRejected(), repeated=True)


def seen(*, provider: object = USABLE, record: object = None, **changes: object) -> Observed:
    held = record if record is not None else stored(provider=ROTATES)
    return steady(provider=provider, record=held, **changes)


def published(observed: Observed) -> Observed:
    """Return what is seen once the Secret holds what is on record."""
    step = plan(desired(), replace(observed, secret=None), NOW)
    assert isinstance(step, Publish)
    return replace(observed, secret=tenant(data=step.content.data))


def held(*, intent: object = None, **changes: object) -> object:
    return stored(provider=ROTATES, registration=registration(**changes), intent=intent)


EXPIRED = held(client_secret_expires_at=int(NOW.timestamp()))
FRESH = held(secret_issued_at=NOW)
OLD = held(secret_issued_at=NOW - timedelta(days=30))


@pytest.mark.parametrize(
    ("observed", "rotation", "step"),
    [
        pytest.param(seen(rotation_request="now"), Rotation(), Rotate, id="asked for"),
        pytest.param(
            seen(rotation_request="now", record=held(rotation_request="now")),
            Rotation(),
            Done,
            id="asked for and answered",
        ),
        pytest.param(seen(record=FRESH), MONTHLY, Done, id="young enough"),
        pytest.param(seen(record=OLD), MONTHLY, Rotate, id="as old as wanted"),
        pytest.param(seen(record=OLD), Rotation(), Done, id="old, and nobody minds"),
        pytest.param(seen(record=OLD, provider=DOWN), MONTHLY, Done, id="due, provider down"),
        pytest.param(
            seen(record=OLD, read_is_due=True), MONTHLY, ReadRegistration, id="due, doubt first"
        ),
        pytest.param(
            seen(record=OLD, secret=tenant(data={})), MONTHLY, Publish, id="due, publish first"
        ),
        pytest.param(
            seen(record=OLD, secret=tenant(ours=False)), MONTHLY, Wait, id="due, not publishable"
        ),
        pytest.param(
            seen(record=held(secret_issued_at=NOW - timedelta(days=30), spec_hash="h0")),
            MONTHLY,
            Rotate,
            id="due and edited: a refused edit must not hold it up",
        ),
        pytest.param(
            seen(
                record=held(
                    secret_issued_at=NOW - timedelta(days=30), intent=intent(IntentKind.UPDATE)
                )
            ),
            MONTHLY,
            Update,
            id="due during an update without an answer",
        ),
        pytest.param(seen(record=held(intent=OPEN)), Rotation(), Rotate, id="no answer: repeated"),
        pytest.param(
            seen(record=held(intent=OPEN), provider=DOWN), Rotation(), Wait, id="no answer, down"
        ),
        pytest.param(
            seen(record=held(intent=OPEN, spec_hash="h0")),
            Rotation(),
            Rotate,
            id="no answer and edited: the rotation first",
        ),
        pytest.param(
            seen(record=held(intent=OPEN), rotation_refused=NOT_ROTATED),
            Rotation(),
            Stop,
            id="a repeat is refused",
        ),
        pytest.param(
            seen(record=held(intent=OPEN), attempt=REJECTED), Rotation(), Probe, id="a token lost"
        ),
        pytest.param(
            seen(
                record=held(
                    previous_client_secret=SecretStr("p"),
                    previous_client_secret_expires_at=int(NOW.timestamp()),
                )
            ),
            Rotation(),
            EndOverlap,
            id="the overlap is over",
        ),
        pytest.param(published(seen(record=EXPIRED)), Rotation(), Rotate, id="expired"),
        pytest.param(
            published(seen(record=EXPIRED, provider=DOWN)), Rotation(), Wait, id="expired, down"
        ),
    ],
)
def test_the_next_step(observed: Observed, rotation: Rotation, step: type[Step]) -> None:
    assert isinstance(plan(desired(rotation=rotation), observed, NOW), step)


def test_a_repeat_has_the_key_and_the_body_of_the_first() -> None:
    step = plan(desired(), seen(record=held(intent=OPEN)), NOW)
    assert isinstance(step, Rotate)
    assert step.repeat == OPEN


UNSUPPORTED = [
    pytest.param(steady(rotation_request="now"), "does not offer", id="no extension"),
    pytest.param(
        seen(rotation_request="now", record=stored(provider=ROTATES, registration=unmanaged())),
        "no access to manage",
        id="no management",
    ),
    pytest.param(
        seen(rotation_request="now", record=held(client_secret=None)),
        "no client secret",
        id="no secret",
    ),
]


@pytest.mark.parametrize(("observed", "words"), UNSUPPORTED)
def test_what_cannot_be_rotated_is_told_of(observed: Observed, words: str) -> None:
    step = plan(desired(), published(observed), NOW)
    assert isinstance(step, Stop)
    assert step.reason is Reason.ROTATION_NOT_SUPPORTED
    assert words in step.message


@pytest.mark.parametrize(
    ("asked_at", "step"), [(None, Update), (NOW - HOUR, Update), (NOW, Stop), (NOW + HOUR, Stop)]
)
def test_an_expired_secret_is_asked_for_once_by_an_update(
    asked_at: object, step: type[Step]
) -> None:
    record = stored(
        registration=registration(
            client_secret_expires_at=int(NOW.timestamp()), updated_at=asked_at
        )
    )
    assert isinstance(plan(desired(), published(steady(record=record)), NOW), step)
