"""
The control plane that integration tests share; what it takes is in tests/cluster.

DCR_TEST_KUBECONFIG names a cluster that runs already (make cluster-up), for a quick loop.
KUBECONFIG is not looked at: it may name one that somebody needs.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cluster.audit import AuditLog
from tests.cluster.binaries import control_plane_binaries, helm
from tests.cluster.client import KubernetesClient
from tests.cluster.failures import MissingPrerequisiteError
from tests.cluster.namespaces import fresh_namespace
from tests.cluster.running import shared_cluster
from tests.cluster.starting import Cluster
from tests.integration.operator_stage import Stage, Tenant, new_tenant, raised_stage


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Build before the first test: there a build has no deadline, and its progress is seen."""
    needed = any("cluster" in getattr(item, "fixturenames", ()) for item in items)
    if not needed or _given_kubeconfig() or config.option.collectonly:
        return
    capture = config.pluginmanager.getplugin("capturemanager")
    # What is missing is the fixture's to say, of the tests concerned.
    with capture.global_and_fixture_disabled(), suppress(MissingPrerequisiteError):
        control_plane_binaries()


def _given_kubeconfig() -> str:
    return os.environ.get("DCR_TEST_KUBECONFIG", "")


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One control plane for all workers of this run."""
    if given := _given_kubeconfig():
        path = Path(given).resolve()
        yield Cluster(path, path.with_name("audit.log"))
        return
    try:
        control_plane_binaries()
    except MissingPrerequisiteError as missing:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(str(missing))
    own = tmp_path_factory.getbasetemp()
    run = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    with shared_cluster(run / "control-plane") as shared:
        yield shared


@pytest.fixture(scope="session")
def helm_program() -> Path:
    try:
        return helm()
    except MissingPrerequisiteError as missing:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(str(missing))


@pytest.fixture(scope="session")
def admin(cluster: Cluster) -> Iterator[KubernetesClient]:
    with cluster.admin() as client:
        yield client


@pytest.fixture
def namespace(admin: KubernetesClient, request: pytest.FixtureRequest) -> Iterator[str]:
    with fresh_namespace(admin, request.node.name) as name:
        yield name


@pytest.fixture
def audit_log(cluster: Cluster, admin: KubernetesClient) -> AuditLog:
    if not cluster.audit_log.exists():
        pytest.skip("the cluster of DCR_TEST_KUBECONFIG keeps no audit.log beside it")
    return AuditLog(cluster.audit_log, admin)


@pytest.fixture(scope="module")
def stage(
    request: pytest.FixtureRequest,
    cluster: Cluster,
    admin: KubernetesClient,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:
    """Server and operator of a module, with the operator's settings in its STAGE."""
    settings: dict[str, str] = getattr(request.module, "STAGE", {})
    with raised_stage(cluster, admin, tmp_path_factory.mktemp("stage"), **settings) as stage:
        yield stage


@pytest.fixture
def tenant(stage: Stage) -> Iterator[Tenant]:
    """A namespace with a provider; in the end the chart's RBAC has sufficed."""
    mark = stage.audit.mark()
    with new_tenant(stage) as tenant:
        yield tenant
    assert stage.audit.refusals(mark, user=stage.user) == []
