"""From any state the operator comes to rest: Done, Wait or Stop, in few steps, and tells no lie.

Histories of faults and edits are generated; then everything is mended and the oracles hold.
"""

import asyncio
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dcr_operator.kube import SECRETS
from dcr_operator.outcomes import (
    CannotTell,
    CredentialsAccepted,
    CredentialsRejected,
    Malformed,
    NotSupported,
    RateLimited,
    Refused,
    RegistrationAccessTokenRejected,
    Unreachable,
)
from dcr_operator.plan import plan
from dcr_operator.reasons import Reason
from dcr_operator.state import (
    Attempt,
    IntentKind,
    Observed,
    Operation,
    ProviderUnusable,
    RecordUnreadable,
    Retiring,
    Undecipherable,
    Unwanted,
    Wish,
)
from dcr_operator.steps import Done, Stop, Wait
from tests.fakes.faults import Fault, FaultAt
from tests.fakes.operator_states import (
    NOW,
    TOKEN_FOUND,
    desired,
    intent,
    orphan,
    registration,
    resource,
    snapshot,
    stored,
    tenant,
    unmanaged,
    usable,
)
from tests.fakes.operator_world import METADATA, NAME, NAMESPACE, World, new_world
from tests.fakes.provider import FakeProvider

OUTCOMES = st.sampled_from(
    [
        Refused(400, "invalid_client_metadata", "no"),
        NotSupported(404),
        RateLimited(None),
        RegistrationAccessTokenRejected(),
        Unreachable("?", may_have_arrived=True),
        Malformed("?", may_have_arrived=False),
    ]
)
WAITING = Retiring(snapshot(), registration(client_id="old"))
DUE = Retiring(snapshot(), registration(client_id="older"), not_before=NOW)
UNANSWERED = Retiring(snapshot(), intent=intent(IntentKind.REGISTER), not_before=NOW)
RECORDS = st.one_of(
    st.none(),
    st.just(RecordUnreadable("?")),
    st.builds(
        lambda held, kind, orphans, retiring, names: stored(
            registration=held,
            intent=kind and intent(kind),
            orphans=orphans,
            retiring=retiring,
            secrets=names,
        ),
        st.sampled_from([None, registration(), registration(spec_hash="h0"), unmanaged()]),
        st.sampled_from([None, *IntentKind]),
        st.sampled_from([(), (orphan(),)]),
        st.sampled_from([(), (WAITING,), (WAITING, DUE), (UNANSWERED,)]),
        st.sampled_from([(), ("dashboard",), ("dashboard", "old"), ("old",)]),
    ),
)
SECRETS_THERE = st.sampled_from([None, tenant(), tenant(ours=False), tenant(data={})])
STATES = st.builds(
    Observed,
    resource=st.sampled_from([resource(), resource(finalizers=())]),
    provider=st.sampled_from(
        [
            usable(),
            usable(idempotent=True),
            ProviderUnusable(Reason.PROVIDER_NOT_FOUND, "?"),
        ]
    ),
    record=RECORDS,
    secret=SECRETS_THERE,
    previous_secret=SECRETS_THERE,
    read_is_due=st.booleans(),
    requested=st.booleans(),
    initial_access_token=st.sampled_from([None, TOKEN_FOUND]),
    attempt=st.one_of(
        st.none(), st.builds(Attempt, st.sampled_from(Operation), OUTCOMES, st.booleans())
    ),
    probe=st.sampled_from([None, CredentialsAccepted(), CredentialsRejected(), CannotTell("?")]),
    drift=st.sampled_from([(), ("client_name",)]),
    unregistered=st.booleans(),
)
WISHES: st.SearchStrategy[Wish] = st.sampled_from(
    [desired(), Unwanted(retain=False), Unwanted(retain=True), Undecipherable("?")]
)


@given(WISHES, STATES)
def test_every_state_has_a_step_and_always_the_same(wish: Wish, observed: Observed) -> None:
    step = plan(wish, observed, NOW)
    assert step == plan(wish, observed, NOW)
    if isinstance(step, Wait | Stop | Done):
        assert step.message


def _edit(world: World) -> None:
    if world.client is not None:
        world.set_client(clientMetadata={**METADATA, "clientName": f"Name {world.ids}"})


def _delete(world: World) -> None:
    world.delete_client()


def _create(world: World) -> None:
    if world.client is None:
        world.add_client()


def _drop_secret(world: World) -> None:
    world.cluster.delete(SECRETS, NAMESPACE, NAME)


def _forget_client(world: World) -> None:
    world.provider.clients.clear()


def _toggle_provider(world: World) -> None:
    world.provider.down = not world.provider.down


def _restart(world: World) -> None:
    world.restart()


def _wait(world: World) -> None:
    world.advance(2000)


DEEDS: list[Callable[[World], None]] = [
    _edit,
    _delete,
    _create,
    _drop_secret,
    _forget_client,
    _toggle_provider,
    _restart,
    _wait,
]
FAULTS = st.one_of(st.none(), st.builds(FaultAt, st.sampled_from(Fault), st.integers(1, 14)))
HISTORIES = st.lists(st.tuples(st.sampled_from(DEEDS), FAULTS), max_size=8)


async def live_through(
    history: list[tuple[Callable[[World], None], FaultAt | None]], *, idempotent: bool
) -> World:
    world = new_world(
        FakeProvider(idempotent=idempotent), onLostRegistrationAccessToken="Reregister"
    )
    for deed, fault in history:
        deed(world)
        await world.run_pass_with(fault or FaultAt(Fault.NOT_SENT, 10_000))
    world.provider.down = False
    world.restart()
    await world.run_pass()
    world.advance(4000)
    await world.settle(passes=20)
    return world


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(HISTORIES, st.booleans())
def test_after_any_history_the_oracles_hold(
    history: list[tuple[Callable[[World], None], FaultAt | None]], idempotent: bool
) -> None:
    world = asyncio.run(live_through(history, idempotent=idempotent))
    orphans = sum(len(record.orphans) for record in world.records())
    live = 0 if world.client is None else 1
    if live:
        assert world.condition() == ("True", "Ready")
        secret = world.secret() or {}
        assert world.provider.opens(secret["client_id"], secret["client_secret"])
        assert world.status["clientId"] == secret["client_id"]
    else:
        assert world.secret() is None
    assert live <= len(world.provider.clients) <= live + orphans
