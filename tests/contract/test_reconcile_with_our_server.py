"""Whole passes against our own server in-process: a crash right after each request is survived."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from dcr_operator.outcomes import CredentialsAccepted, CredentialsRejected
from dcr_operator.ports import Management, ProviderConnection
from tests.fakes.crashing_client import MACHINE, Stage, raised_stage
from tests.fakes.dcr_server_app import ISSUER
from tests.fakes.operator_world import RESYNC


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with raised_stage(tmp_path) as stage:
        yield stage


async def test_a_client_lives_and_dies(stage: Stage) -> None:
    await stage.world.settle()
    assert stage.world.condition() == ("True", "Ready")
    assert await stage.probe() == CredentialsAccepted()
    stage.world.set_client(clientMetadata={**MACHINE, "clientName": "Renamed"})
    await stage.world.settle()
    assert "Renamed" in str(stage.world.status["registeredMetadata"])
    stage.world.delete_client()
    await stage.world.settle()
    assert (stage.world.client, stage.world.records()) == (None, [])


async def test_a_crash_after_the_registration_makes_no_second_client(stage: Stage) -> None:
    await stage.dies_after("register")
    await stage.world.settle()
    assert stage.world.condition() == ("True", "Ready")
    assert await stage.probe() == CredentialsAccepted()
    assert len(stage.crashing.client_ids) == 1
    assert stage.world.record.orphans == ()


async def test_a_crash_after_an_update_loses_no_token(stage: Stage) -> None:
    await stage.world.settle()
    stage.world.set_client(clientMetadata={**MACHINE, "clientName": "Renamed"})
    await stage.dies_after("update")
    await stage.world.run_pass()
    stage.world.advance(RESYNC)
    await stage.world.settle()
    assert stage.world.condition() == ("True", "Ready")
    assert await stage.probe() == CredentialsAccepted()
    assert len(stage.crashing.client_ids) == 1


async def test_a_crash_after_a_deletion_leaves_nothing(stage: Stage) -> None:
    await stage.world.settle()
    secret = stage.world.secret() or {}
    stage.world.delete_client()
    await stage.dies_after("delete")
    await stage.world.settle()
    assert (stage.world.client, stage.world.records()) == (None, [])
    gone = await stage.crashing.probe(
        ProviderConnection("ClusterOAuthProvider/main", ISSUER),
        secret["token_endpoint"],
        client_id=secret["client_id"],
        client_secret=SecretStr(secret["client_secret"]),
        auth_method=secret["token_endpoint_auth_method"],
    )
    assert gone == CredentialsRejected()


async def test_a_client_removed_at_the_server_is_registered_again(stage: Stage) -> None:
    await stage.world.settle()
    registration = stage.world.record.registration
    assert registration is not None
    await stage.crashing.delete(
        ProviderConnection("ClusterOAuthProvider/main", ISSUER), registration.management()[0]
    )
    stage.world.advance(RESYNC)
    await stage.world.settle()
    assert stage.world.condition() == ("True", "Ready")
    assert stage.world.status["clientId"] != registration.client_id
    assert await stage.probe() == CredentialsAccepted()
    assert "ClientVanished" in stage.world.events.reasons


@pytest.mark.parametrize("then", ["wanted", "deleted"])
async def test_a_repeat_of_a_registration_whose_client_was_deleted_is_settled(
    stage: Stage, then: str
) -> None:
    await stage.dies_after("register")
    (made,) = stage.crashing.informations
    assert made.registration_access_token is not None
    access = Management(made.registration_client_uri or "", made.registration_access_token)
    await stage.crashing.real.delete(
        ProviderConnection("ClusterOAuthProvider/main", ISSUER), access
    )
    if then == "deleted":
        stage.world.delete_client()
    await stage.world.settle()
    if then == "deleted":
        assert (stage.world.client, stage.world.records()) == (None, [])
        return
    assert stage.world.condition() == ("True", "Ready")
    assert await stage.probe() == CredentialsAccepted()
    assert stage.world.status["clientId"] != made.client_id
    assert stage.world.record.orphans == ()
