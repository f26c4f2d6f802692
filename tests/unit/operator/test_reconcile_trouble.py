"""Whole passes when the provider, its objects or the record are not as they should be."""

from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from dcr_operator.kube import CLUSTER_OAUTH_PROVIDERS, OAUTH_CLIENTS, SECRETS
from dcr_operator.outcomes import Refused
from tests.fakes.operator_world import (
    METADATA,
    NAME,
    NAMESPACE,
    RESYNC,
    SYSTEM,
    World,
    encoded,
    new_world,
    ready_world,
)
from tests.fakes.provider import FakeProvider


async def test_a_client_deleted_behind_our_back_is_registered_again() -> None:
    made = await ready_world()
    made.provider.clients.clear()
    made.advance(3700)
    await made.run_pass()
    assert made.condition() == ("True", "Ready")
    assert (made.secret() or {})["client_id"] == made.status["clientId"] == "client-3"
    assert "ClientVanished" in made.events.reasons
    assert made.record.orphans == ()


async def test_a_vanished_client_stays_away_when_the_provider_says_stop() -> None:
    made = await ready_world(onVanishedClient="Stop")
    made.provider.clients.clear()
    made.advance(3700)
    await made.run_pass()
    assert made.condition() == ("False", "ClientVanished")
    assert made.condition("Stalled") == ("True", "ClientVanished")


async def test_a_stop_survives_a_restart_of_the_operator() -> None:
    made = await ready_world(onVanishedClient="Stop")
    made.provider.clients.clear()
    made.advance(3700)
    await made.run_pass()
    made.restart()
    await made.run_pass()
    assert made.condition() == ("False", "ClientVanished")


async def test_a_lost_token_stops_and_heals_when_it_is_back() -> None:
    made = await ready_world()
    made.provider.clients["client-1"].tokens = ["another"]
    made.advance(3700)
    await made.run_pass()
    assert made.condition() == ("False", "RegistrationAccessTokenRejected")
    made.provider.clients["client-1"].tokens = ["rat-2"]
    await made.settle()
    assert made.condition() == ("True", "Ready")


async def test_a_lost_token_may_be_answered_by_a_new_client_and_an_orphan_on_record() -> None:
    made = await ready_world(onLostRegistrationAccessToken="Reregister")
    made.provider.clients["client-1"].tokens = ["another"]
    made.advance(3700)
    await made.settle()
    assert made.condition() == ("True", "Ready")
    (orphan,) = made.record.orphans
    assert (orphan.client_id, orphan.cause.value) == ("client-1", "LostRegistrationAccessToken")


async def test_drift_is_repaired_by_a_put_and_told() -> None:
    made = await ready_world()
    made.provider.clients["client-1"].metadata["client_name"] = "Tampered"
    made.advance(3700)
    await made.run_pass()
    assert made.wire.requests == ["provider read", "provider update"]
    assert made.provider.clients["client-1"].metadata["client_name"] == "Dashboard"
    (told,) = [each for each in made.events.seen if each[1] == "DriftRepaired"]
    assert told[2].startswith("client_name differed at the provider")
    assert "Tampered" not in told[2]


async def test_drift_that_the_provider_insists_on_is_no_repair_and_not_fought() -> None:
    made = await ready_world()
    made.provider.overrides = {"client_name": "DASHBOARD"}
    made.advance(3700)
    await made.run_pass()
    assert made.wire.requests == ["provider read", "provider update"]
    assert "DriftRepaired" not in made.events.reasons
    assert "client_name" in str(made.status["drift"])
    made.advance(3700)
    await made.run_pass()
    assert made.wire.requests == ["provider read"]


async def test_what_the_provider_always_puts_in_force_is_not_fought() -> None:
    made = await ready_world(FakeProvider(overrides={"client_name": "DASHBOARD"}))
    made.advance(3700)
    await made.run_pass()
    assert made.wire.requests == ["provider read"]
    assert made.wire.writes == []
    assert "client_name" in str(made.status["drift"])


async def test_a_client_without_its_redirect_uri_is_not_ready() -> None:
    made = new_world(FakeProvider(overrides={"redirect_uris": ["https://other.example.com/cb"]}))
    await made.run_pass()
    assert made.condition() == ("False", "MetadataNotAccepted")
    assert made.condition("SecretPublished") == ("True", "SecretPublished")


async def test_without_management_an_edit_stops_and_deletion_leaves_an_orphan_on_record() -> None:
    made = await ready_world(FakeProvider(manages=False))
    made.set_client(clientMetadata={**METADATA, "clientName": "New name"})
    await made.settle()
    assert made.condition() == ("False", "ManagementNotSupported")
    made.delete_client()
    await made.run_pass()
    assert made.client is None
    assert made.record.orphans[0].client_id == "client-1"
    assert made.metrics.orphans == {"ClusterOAuthProvider/main": 1}


def _refuse(made: World) -> Callable[[], None]:
    made.provider.refuses = Refused(400, "invalid_redirect_uri", "no")

    def mend() -> None:
        made.provider.refuses = None
        made.advance(RESYNC)  # the same request is not sent sooner

    return mend


def _down(made: World) -> Callable[[], None]:
    made.provider.down = True

    def mend() -> None:
        made.provider.down = False

    return mend


def _token_missing(made: World) -> Callable[[], None]:
    kept = made.cluster.need(SECRETS, SYSTEM, "iat")
    made.cluster.delete(SECRETS, SYSTEM, "iat")

    def mend() -> None:
        made.cluster.create(SECRETS, kept)

    return mend


def _token_wrong(made: World) -> Callable[[], None]:
    made.provider.initial_access_token = "another"

    def mend() -> None:
        made.provider.initial_access_token = "iat-of-the-tests"

    return mend


def _not_allowed(made: World) -> Callable[[], None]:
    made.set_provider(allowedNamespaces={"names": ["others"]})
    return made.set_provider


def _no_provider(made: World) -> Callable[[], None]:
    made.cluster.delete(CLUSTER_OAUTH_PROVIDERS, "", "main")
    made.cluster.delete(SECRETS, SYSTEM, "iat")
    return made.add_provider


def _no_authority(made: World) -> Callable[[], None]:
    made.set_provider(tls={"caRef": {"namespace": SYSTEM, "name": "ca", "key": "ca.crt"}})
    return made.set_provider


CAUSES = [
    (_refuse, "RegistrationRejected", "Registered"),
    (_down, "ProviderUnavailable", "ProviderReady"),
    (_token_missing, "InitialAccessTokenMissing", "ProviderReady"),
    (_token_wrong, "InitialAccessTokenRejected", "Registered"),
    (_not_allowed, "NamespaceNotAllowed", "ProviderReady"),
    (_no_provider, "ProviderNotFound", "ProviderReady"),
    (_no_authority, "CertificateAuthorityMissing", "ProviderReady"),
]


@pytest.mark.parametrize(("cause", "reason", "condition"), CAUSES, ids=[row[1] for row in CAUSES])
async def test_each_cause_has_its_reason_one_event_and_heals(
    cause: Callable[[World], Callable[[], None]], reason: str, condition: str
) -> None:
    made = new_world()
    mend = cause(made)
    for _ in range(3):
        result = await made.run_pass()
        assert (result.reason, result.failed) == (reason, True)
    assert made.condition() == ("False", reason)
    assert made.condition(condition) == ("False", reason)
    assert made.events.reasons == [reason]
    mend()
    await made.settle()
    assert made.condition() == ("True", "Ready")
    assert made.events.reasons == [reason, "Ready"]
    assert len(made.provider.clients) == 1


@pytest.mark.parametrize("cause", [_down, _token_missing, _not_allowed, _no_provider])
async def test_a_client_in_the_secret_stays_ready_whatever_becomes_of_the_provider(
    cause: Callable[[World], Callable[[], None]],
) -> None:
    made = await ready_world()
    cause(made)
    await made.settle()
    assert made.condition() == ("True", "Ready")


async def test_a_spec_that_cannot_be_read_is_invalid_and_heals() -> None:
    made = await ready_world()
    made.set_client(clientMetadata={"clientName": 7})
    await made.settle()
    assert made.condition() == ("False", "InvalidSpec")
    assert made.condition("Stalled") == ("True", "InvalidSpec")
    assert made.status["clientId"] == "client-1"
    made.set_client()
    await made.settle()
    assert made.condition() == ("True", "Ready")


async def test_a_client_does_not_move_to_a_provider_that_is_not_there() -> None:
    made = await ready_world()
    made.set_client(providerRef={"kind": "ClusterOAuthProvider", "name": "other"})
    await made.settle()
    assert made.condition() == ("False", "ProviderNotFound")
    assert list(made.provider.clients) == ["client-1"]


async def test_a_record_that_cannot_be_read_is_left_alone() -> None:
    made = await ready_world()
    name = f"oauthclient-{made.uid}"
    made.cluster.edit(
        SECRETS, SYSTEM, name, lambda each: each.update(data=encoded({"record.json": "{}"}))
    )
    await made.settle()
    assert made.condition() == ("False", "InternalError")
    assert list(made.provider.clients) == ["client-1"]


async def test_new_endpoints_reach_secret_and_record() -> None:
    made = await ready_world()
    bundle = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"
    made.set_provider(tls={"caBundle": bundle})
    await made.settle()
    assert (made.secret() or {})["ca.crt"] == bundle
    assert made.record.provider.connection.ca_bundle == bundle


async def test_an_object_that_is_gone_needs_no_pass() -> None:
    made = World()
    result = await made.run_pass()
    assert (result.reason, result.requeue_after) == ("Deleting", None)
    assert made.cluster.get(OAUTH_CLIENTS, NAMESPACE, NAME) is None


async def test_an_odd_answer_is_in_the_log_by_the_names_of_its_members() -> None:
    deviations = ("client_secret_expires_at was read as milliseconds",)
    made = new_world(FakeProvider(deviations=deviations))
    with capture_logs() as logs:
        await made.run_pass()
    (odd,) = [each for each in logs if "members" in each]
    assert odd["members"] == ["client_secret_expires_at"]
