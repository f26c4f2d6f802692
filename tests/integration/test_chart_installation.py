"""The chart installed, upgraded and uninstalled by Helm on a control plane of its own."""

import datetime as dt
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from dcr_server.bootstrap import Made, Wanted, make_missing_secrets
from dcr_server.kubernetes_secrets import KubernetesSecrets, KubernetesSecretsError
from tests.chart.helm import CHART, RELEASE, Helm, Values
from tests.cluster.client import JsonObject, KubernetesClient
from tests.cluster.namespaces import fresh_namespace
from tests.cluster.running import own_cluster
from tests.cluster.service_accounts import service_account_access
from tests.cluster.starting import Cluster

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(900),
    # For what it does where the programs are missing or not built yet.
    pytest.mark.usefixtures("cluster", "helm_program"),
]

CRD = "apiextensions.k8s.io/v1/CustomResourceDefinition"
CRDS = [
    f"{name}.dcr-operator.dev"
    for name in ("clusteroauthproviders", "oauthclients", "oauthproviders")
]
SERVER = {"server": {"enabled": True}}
BOOTSTRAP = f"{RELEASE}-server-bootstrap"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """CRDs are one per cluster: here Helm owns them, and other tests are not disturbed."""
    with own_cluster(tmp_path_factory.mktemp("chart") / "control-plane") as cluster:
        yield cluster


@pytest.fixture(scope="module")
def kubernetes(own: Cluster) -> Iterator[KubernetesClient]:
    with own.admin() as client:
        yield client


@pytest.fixture
def place(kubernetes: KubernetesClient, request: pytest.FixtureRequest) -> Iterator[str]:
    with fresh_namespace(kubernetes, request.node.name) as name:
        # Not removed between tests: a CRD that goes moments after a change may hang in deletion.
        hand_over_crds(kubernetes, name)
        yield name


def install(own: Cluster, place: str, values: Values, chart: Path = CHART) -> None:
    # Without nodes no pod runs, so there is nothing to wait for.
    Helm(own.kubeconfig).run(
        "upgrade", "--install", RELEASE, str(chart), "--namespace", place, values=values
    )


def uninstall(own: Cluster, place: str) -> None:
    Helm(own.kubeconfig).run("uninstall", RELEASE, "--namespace", place)


def hand_over_crds(kubernetes: KubernetesClient, place: str) -> None:
    """Let the release in another namespace own the CRDs, as somebody who moves it would."""
    owner: JsonObject = {"annotations": {"meta.helm.sh/release-namespace": place}}
    for name in CRDS:
        if kubernetes.get(CRD, None, name) is not None:
            kubernetes.patch(CRD, None, name, {"metadata": owner})


def names(kubernetes: KubernetesClient, kind: str, namespace: str | None) -> set[str]:
    return {one["metadata"]["name"] for one in kubernetes.list(kind, namespace)}


def test_what_is_installed_goes_but_for_what_cannot_be_had_again(
    own: Cluster, kubernetes: KubernetesClient, place: str
) -> None:
    install(own, place, SERVER)
    assert names(kubernetes, "apps/v1/Deployment", place) == {RELEASE, f"{RELEASE}-server"}
    assert set(CRDS) <= names(kubernetes, CRD, None)
    uninstall(own, place)
    assert names(kubernetes, "apps/v1/Deployment", place) == set()
    cluster_roles = names(kubernetes, "rbac.authorization.k8s.io/v1/ClusterRole", None)
    assert f"{RELEASE}:{place}" not in cluster_roles
    assert set(CRDS) <= names(kubernetes, CRD, None)
    assert names(kubernetes, "v1/PersistentVolumeClaim", place) == {f"{RELEASE}-server"}


def test_after_an_uninstall_the_chart_finds_its_crds_again(
    own: Cluster, kubernetes: KubernetesClient, place: str
) -> None:
    for _ in range(2):
        install(own, place, {})
        uninstall(own, place)
    assert set(CRDS) <= names(kubernetes, CRD, None)


def test_an_upgrade_brings_the_crds_up_to_date(
    own: Cluster, kubernetes: KubernetesClient, place: str, tmp_path: Path
) -> None:
    earlier = tmp_path / "dcr-operator"
    shutil.copytree(CHART, earlier)
    file = earlier / "files" / "crds" / "oauthclients.yaml"
    crd: JsonObject = yaml.safe_load(file.read_text())
    removed = crd["spec"]["versions"][0].pop("additionalPrinterColumns")
    file.write_text(yaml.safe_dump(crd))
    install(own, place, {}, earlier)
    before = kubernetes.get(CRD, None, CRDS[1]) or {}
    assert "additionalPrinterColumns" not in before["spec"]["versions"][0]
    install(own, place, {})
    seen = kubernetes.get(CRD, None, CRDS[1]) or {}
    # The API server adds a priority of 0 to each column.
    columns = [one["name"] for one in seen["spec"]["versions"][0]["additionalPrinterColumns"]]
    assert columns == [one["name"] for one in removed]


def test_every_upgrade_runs_the_bootstrap_again_as_another_job(
    own: Cluster, kubernetes: KubernetesClient, place: str
) -> None:
    install(own, place, SERVER)
    first = names(kubernetes, "batch/v1/Job", place)
    install(own, place, SERVER)
    second = names(kubernetes, "batch/v1/Job", place)
    assert len(first) == len(second) == 1
    assert first != second


def test_two_operators_can_share_a_cluster(
    own: Cluster, kubernetes: KubernetesClient, place: str
) -> None:
    with fresh_namespace(kubernetes, "second") as second:
        install(own, place, {"operator": {"watchNamespaces": [place]}})
        own_crds = {"crds": {"install": False}}
        install(own, second, {"operator": {"watchNamespaces": [second]}, **own_crds})
        assert RELEASE in names(kubernetes, "apps/v1/Deployment", second)
        uninstall(own, second)
        uninstall(own, place)


def bootstrap_account(
    kubernetes: KubernetesClient, place: str, tmp_path: Path
) -> KubernetesSecrets:
    access = service_account_access(kubernetes, place, BOOTSTRAP)
    url = urlsplit(access.server)
    ca_file = tmp_path / "ca.crt"
    ca_file.write_text(access.certificate_authority)
    assert url.hostname
    assert url.port
    return KubernetesSecrets(url.hostname, url.port, place, access.token, ca_file)


def test_the_bootstrap_makes_each_secret_once_with_the_rights_of_the_chart(
    own: Cluster, kubernetes: KubernetesClient, place: str, tmp_path: Path
) -> None:
    install(own, place, SERVER)
    account = bootstrap_account(kubernetes, place, tmp_path)
    wanted = Wanted("key", "token", "tls", ("server.svc",))
    wanted_names = ("key", "token", "tls")
    for now in (True, False):
        made = make_missing_secrets(
            wanted, account, entropy=secrets.token_bytes, now=dt.datetime.now(dt.UTC)
        )
        assert list(made) == [Made(name, now=now) for name in wanted_names]
    stored = {name: kubernetes.get("v1/Secret", place, name) or {} for name in wanted_names}
    assert [stored[name]["type"] for name in wanted_names] == [
        "Opaque",
        "Opaque",
        "kubernetes.io/tls",
    ]


def test_the_bootstrap_can_make_secrets_nowhere_else(
    own: Cluster, kubernetes: KubernetesClient, place: str, tmp_path: Path
) -> None:
    install(own, place, SERVER)
    account = bootstrap_account(kubernetes, place, tmp_path)
    elsewhere = KubernetesSecrets(
        account.host, account.port, "default", account.token, account.ca_file
    )
    with pytest.raises(KubernetesSecretsError, match="default/key could not be created: 403"):
        elsewhere.create("key", "Opaque", {"key": b"value"})


def test_an_api_server_that_is_not_there_is_named(tmp_path: Path, own: Cluster) -> None:
    with own.admin() as admin:
        ca_file = tmp_path / "ca.crt"
        ca_file.write_text(admin.access.certificate_authority)
    nowhere = KubernetesSecrets("127.0.0.1", 1, "ns", "token", ca_file)
    with pytest.raises(KubernetesSecretsError, match=r"127\.0\.0\.1:1 did not answer"):
        nowhere.create("key", "Opaque", {})
