"""What Flux (kstatus) and Argo CD (the shipped Lua) show at every step of a life."""

from pathlib import Path

import pytest
import yaml

from dcr_operator.kube import OAUTH_CLIENTS, JsonObject
from dcr_operator.outcomes import Refused
from dcr_operator.reason_rows import ROW_OF
from dcr_operator.reasons import ConditionType, Reason, Retry
from dcr_operator.steps import Stop
from dcr_operator.verdicts import halt
from tests.fakes.gitops import HEALTH_LUA, argo_health, kstatus
from tests.fakes.operator_world import NAME, NAMESPACE, World

# Whatever comes to an end by itself is no failure.
UNDER_WAY = {"Progressing", "Deleting", "RateLimited", "InUse"}


def shown(world: World) -> tuple[str, str]:
    client = world.client
    assert client is not None
    return kstatus(client), argo_health(client)[0]


def new_world(**provider: object) -> World:
    world = World()
    world.add_provider(**provider)
    world.add_client()
    # As the CRD has it by default.
    fresh: JsonObject = {"observedGeneration": -1}
    world.cluster.edit(OAUTH_CLIENTS, NAMESPACE, NAME, lambda each: each.update(status=fresh))
    return world


async def test_a_new_client_is_in_progress_until_its_credentials_are_out() -> None:
    world = new_world()
    assert shown(world) == ("InProgress", "Progressing")
    while not world.secret():
        assert shown(world) == ("InProgress", "Progressing")
        await world.run_pass()
    await world.settle()
    assert shown(world) == ("Current", "Healthy")


async def test_an_edit_is_in_progress_before_the_operator_has_seen_it() -> None:
    world = new_world()
    await world.settle()
    world.set_client(clientMetadata={"clientName": "New", "redirectUris": ["https://a.example/"]})
    assert shown(world) == ("InProgress", "Progressing")
    await world.settle()
    assert shown(world) == ("Current", "Healthy")


async def test_a_provider_that_is_not_there_is_tried_again_and_told() -> None:
    world = World()
    world.add_client()
    await world.settle()
    assert shown(world) == ("InProgress", "Degraded")
    world.add_provider()
    await world.settle()
    assert shown(world) == ("Current", "Healthy")


async def test_what_only_a_person_can_mend_has_failed() -> None:
    world = new_world()
    world.provider.refuses = Refused(400, "invalid_client_metadata", "no")
    await world.settle()
    assert shown(world) == ("Failed", "Degraded")


async def test_a_provider_that_goes_down_changes_nothing_for_credentials_that_are_out() -> None:
    world = new_world()
    await world.settle()
    world.provider.down = True
    world.advance(4000)
    await world.settle()
    assert shown(world) == ("Current", "Healthy")


async def test_a_suspended_client_says_so() -> None:
    world = new_world()
    await world.settle()
    world.set_client(suspend=True)
    await world.settle()
    assert shown(world)[1] == "Suspended"


async def test_deletion_is_termination() -> None:
    world = new_world()
    await world.settle()
    world.provider.down = True
    world.delete_client()
    await world.run_pass()
    assert shown(world)[0] == "Terminating"


@pytest.mark.parametrize(
    "reason", [each for each in Reason if ROW_OF[each].retry is not Retry.NOTHING_TO_DO]
)
def test_a_client_that_is_not_ready_is_never_current(reason: Reason) -> None:
    """For every reason: kstatus looks at Reconciling and Stalled, and never at Ready."""
    kind = ConditionType.STALLED if isinstance(halt(reason, "x"), Stop) else None
    client = with_conditions("False", reason, kind or ConditionType.RECONCILING)
    assert kstatus(client) == ("Failed" if kind else "InProgress")
    health, message = argo_health(client)
    assert health == expected_health(reason, stalled=kind is not None)
    assert message == f"{reason.value}: what happened"


def expected_health(reason: Reason, *, stalled: bool) -> str:
    if reason is Reason.SUSPENDED:
        return "Suspended"
    return "Progressing" if reason.value in UNDER_WAY and not stalled else "Degraded"


def with_conditions(status: str, reason: Reason, also: ConditionType) -> JsonObject:
    said: JsonObject = {"reason": reason.value, "message": "what happened"}
    return {
        "metadata": {"generation": 3},
        "status": {
            "observedGeneration": 3,
            "conditions": [
                {"type": "Ready", "status": status, **said},
                {"type": also.value, "status": "True", **said},
            ],
        },
    }


@pytest.mark.parametrize(
    "status",
    [None, {}, {"observedGeneration": 2}, {"observedGeneration": 3, "conditions": []}],
    ids=["none", "empty", "of an older generation", "without conditions"],
)
def test_an_object_nobody_has_judged_is_progressing(status: JsonObject | None) -> None:
    obj: JsonObject = {"metadata": {"generation": 3}}
    assert argo_health(obj if status is None else {**obj, "status": status})[0] == "Progressing"


def test_the_config_map_holds_the_check_for_every_kind() -> None:
    page = Path("examples", "argocd", "argocd-cm.yaml").read_text(encoding="utf-8")
    script = HEALTH_LUA.read_text(encoding="utf-8")
    assert yaml.safe_load(page)["data"] == {
        f"resource.customizations.health.dcr-operator.dev_{kind}": script
        for kind in ("OAuthClient", "OAuthProvider", "ClusterOAuthProvider")
    }
