"""Rotations against our own server in-process, by one clock for both."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dcr_operator.outcomes import CredentialsAccepted, CredentialsRejected
from dcr_server.policies import Policy
from tests.fakes.crashing_client import MACHINE, Stage, raised_stage
from tests.fakes.rotation import OVERLAP, ask_for_rotation

DAY = 86_400.0


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with raised_stage(tmp_path) as stage:
        await stage.world.settle()
        yield stage


@pytest.fixture
async def short_lived(tmp_path: Path) -> AsyncIterator[Stage]:
    """Return a stage whose server lets secrets live for 30 days."""
    policy = Policy(
        grant_types=("client_credentials",),
        token_endpoint_auth_methods=("client_secret_basic",),
        secret_lifetime="30d",  # type: ignore[arg-type]  # as it is written in the file
    )
    async with raised_stage(tmp_path, policy=policy) as stage:
        await stage.world.settle()
        yield stage


async def test_both_secrets_open_the_client_during_the_overlap_and_one_after_it(
    stage: Stage,
) -> None:
    before = stage.world.secret() or {}
    ask_for_rotation(stage.world)
    await stage.world.run_pass()
    after = stage.world.secret() or {}
    assert after["previous_client_secret"] == before["client_secret"] != after["client_secret"]
    for secret in (after, before, after):
        assert await stage.probe(secret) == CredentialsAccepted()
    stage.world.advance(OVERLAP)
    await stage.world.settle()
    assert "previous_client_secret" not in (stage.world.secret() or {})
    assert await stage.probe(before) == CredentialsRejected()
    assert await stage.probe() == CredentialsAccepted()
    assert stage.world.condition() == ("True", "Ready")


async def test_without_an_overlap_the_secret_before_is_dead_at_once(stage: Stage) -> None:
    before = stage.world.secret() or {}
    stage.world.set_client(clientMetadata=MACHINE, rotation={"overlap": "0s"})
    ask_for_rotation(stage.world)
    await stage.world.run_pass()
    assert await stage.probe(before) == CredentialsRejected()
    assert await stage.probe() == CredentialsAccepted()


async def test_a_crash_after_a_rotation_cuts_nobody_off(stage: Stage) -> None:
    ask_for_rotation(stage.world)
    await stage.dies_after("rotate")
    assert await stage.probe() == CredentialsAccepted()
    await stage.world.run_pass()
    assert await stage.probe() == CredentialsAccepted()
    secret = stage.world.secret() or {}
    assert await stage.probe({**secret, "client_secret": secret["previous_client_secret"]}) == (
        CredentialsAccepted()
    )
    stage.world.advance(OVERLAP)
    await stage.world.settle()
    assert await stage.probe() == CredentialsAccepted()
    assert stage.world.status["lastHandledRotateAt"] == "now"
    assert len(stage.crashing.client_ids) == 1


async def test_a_crash_after_a_repeated_rotation_cuts_nobody_off_either(stage: Stage) -> None:
    ask_for_rotation(stage.world)
    for _ in range(3):
        await stage.dies_after("rotate")
        assert await stage.probe() == CredentialsAccepted()
    await stage.world.settle()
    assert await stage.probe() == CredentialsAccepted()


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "RS256", "PS256", "EdDSA"])
async def test_a_key_gets_tokens_before_during_and_after_its_rotation(
    tmp_path: Path, algorithm: str
) -> None:
    signed = {**MACHINE, "tokenEndpointAuthMethod": "private_key_jwt"}
    keys = {"algorithm": algorithm, "overlap": "1h"}
    async with raised_stage(tmp_path, clientMetadata=signed, clientKeys=keys) as stage:
        await stage.world.settle()
        first = stage.world.secret() or {}
        assert await stage.signs_in()
        ask_for_rotation(stage.world)
        await stage.dies_after("update")
        assert await stage.signs_in(), "the Secret has the key before, and it is registered still"
        await stage.world.run_pass()
        second = stage.world.secret() or {}
        assert second["key_id"] != first["key_id"]
        assert await stage.signs_in(second)
        assert await stage.signs_in(first)
        stage.world.advance(OVERLAP)
        await stage.world.settle()
        assert await stage.signs_in()
        assert not await stage.signs_in(first)
        assert stage.world.condition() == ("True", "Ready")


async def test_an_expired_secret_is_followed_by_one_that_works(short_lived: Stage) -> None:
    short_lived.world.advance(30 * DAY)
    assert await short_lived.probe() == CredentialsRejected()
    await short_lived.world.run_pass()
    assert await short_lived.probe() == CredentialsAccepted()
    assert short_lived.world.condition() == ("True", "Ready")


async def test_a_secret_is_rotated_before_it_expires_and_never_stops_working(
    short_lived: Stage,
) -> None:
    world = short_lived.world
    world.set_client(clientMetadata=MACHINE, rotation={"beforeExpiry": "5d", "overlap": "2d"})
    await world.settle()
    for _ in range(12):
        world.advance(5 * DAY)
        await world.run_pass()
        assert await short_lived.probe() == CredentialsAccepted()
    assert world.metrics.rotations["rotated"] == 2


async def test_an_update_in_the_last_third_brings_a_secret_and_the_one_before_stays(
    short_lived: Stage,
) -> None:
    """Our server's way for those who do not know the extension; the Secret shows both."""
    world, before = short_lived.world, short_lived.world.secret() or {}
    world.advance(25 * DAY)
    world.set_client(clientMetadata={**MACHINE, "clientName": "Renamed"})
    await world.run_pass()
    after = world.secret() or {}
    assert after["previous_client_secret"] == before["client_secret"]
    assert await short_lived.probe(before) == CredentialsAccepted()
    world.advance(5 * DAY)
    await world.run_pass()
    assert "previous_client_secret" not in (world.secret() or {})
    assert await short_lived.probe(before) == CredentialsRejected()
    assert await short_lived.probe() == CredentialsAccepted()
