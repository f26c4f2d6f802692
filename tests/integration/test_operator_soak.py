"""A few rounds of `make soak` for the operator, and proof that it would find a loss."""

import random
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.client import KubernetesClient
from tests.cluster.starting import Cluster
from tests.integration.operator_stage import Stage, new_tenant, raised_stage
from tests.soak.operator_rounds import OperatorSoak
from tests.soak.operator_stage import forgetful_tenant, server_database

pytestmark = pytest.mark.integration

ROUNDS, CLIENTS = 2, 20


@pytest.fixture(scope="module")
def stage(
    cluster: Cluster, admin: KubernetesClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    directory = tmp_path_factory.mktemp("stage")
    with raised_stage(cluster, admin, directory, leader_election="false") as stage:
        yield stage


def test_a_killed_operator_leaves_nothing_behind_and_loses_no_credential(stage: Stage) -> None:
    seed = secrets.randbelow(2**32)
    with new_tenant(stage) as tenant:
        database = server_database(stage.server)
        soak = OperatorSoak(stage, tenant, database, random.Random(seed), CLIENTS)  # noqa: S311 - the same again by its seed
        for _ in range(ROUNDS):
            assert soak.round() == [], f"SEED={seed}"
        assert soak.done["killed"] == 2 * ROUNDS
        # It would be noticed if one client were left.
        name = min(soak.wanted)
        assert soak._complaints_about_the_server({}) != [], name


def test_what_a_provider_without_keys_may_keep_is_on_record(stage: Stage, tmp_path: Path) -> None:
    seed = secrets.randbelow(2**32)
    with forgetful_tenant(stage, tmp_path) as (tenant, database):
        soak = OperatorSoak(
            stage,
            tenant,
            database,
            random.Random(seed),  # noqa: S311 - as above
            CLIENTS,
            honours_keys=False,
        )
        for _ in range(ROUNDS):
            assert soak.round() == [], f"SEED={seed}"
