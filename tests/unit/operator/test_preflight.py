from collections.abc import Callable

import pytest

from dcr_operator.kubernetes_api import HttpKubernetesApi
from dcr_operator.preflight import PreflightError, check_cluster, cluster_id
from tests.fakes.api_server import Answer, Sent, running_api_server, status

GROUP = "/apis/dcr-operator.dev/v1alpha1"
ABSENT = (
    "namespace dcr-system does not exist: kubectl create namespace dcr-system,"
    " or set DCR_OPERATOR_NAMESPACE"
)
PLURALS = ("oauthclients", "oauthproviders", "clusteroauthproviders")


def cluster(*plurals: str, forbidden: str = "") -> Callable[[Sent], Answer]:
    def answer(sent: Sent) -> Answer:
        if sent.path == GROUP:
            if not plurals:
                return Answer(404, text="404 page not found")
            return Answer(document={"resources": [{"name": each} for each in plurals]})
        if forbidden and sent.path.endswith(forbidden):
            return status(403, "Forbidden", f"cannot list {forbidden}")
        return Answer(document={"items": [], "metadata": {"uid": "the-uid"}})

    return answer


async def no_sleep(_seconds: float) -> None:
    return None


async def problem(
    answer: Callable[[Sent], Answer], namespaces: tuple[str, ...] = (), *, dead: bool = False
) -> str:
    async with running_api_server(answer) as server:
        if dead:
            server.configuration.host = "http://127.0.0.1:1"
        api = HttpKubernetesApi(server, sleep=no_sleep)
        try:
            await check_cluster(api, "https://cluster", namespaces, "dcr-system")
        except PreflightError as error:
            return str(error)
        finally:
            await api.close()
    return ""


async def test_a_cluster_that_is_as_it_must_be_passes() -> None:
    assert await problem(cluster(*PLURALS)) == ""


@pytest.mark.parametrize(
    ("served", "missing"),
    [
        ((), "oauthclients.dcr-operator.dev"),
        (PLURALS[:2], "clusteroauthproviders.dcr-operator.dev"),
    ],
)
async def test_crds_that_are_not_installed_are_named_with_the_command(
    served: tuple[str, ...], missing: str
) -> None:
    told = await problem(cluster(*served))
    assert told.startswith("CRDs not installed")
    assert missing in told
    assert "dcr-operator crds | kubectl apply --server-side -f -" in told


async def test_missing_rights_are_named() -> None:
    told = await problem(cluster(*PLURALS, forbidden="oauthproviders"), ("team",))
    assert told == (
        "cannot list oauthproviders: install the chart's RBAC, or use its ServiceAccount"
    )


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        (
            status(404, "NotFound"),
            ABSENT,
        ),
        (status(403, "Forbidden"), ""),
    ],
    ids=["absent", "not ours to see"],
)
async def test_the_operators_own_namespace_must_exist(refusal: Answer, told: str) -> None:
    there = cluster(*PLURALS)

    def answer(sent: Sent) -> Answer:
        return refusal if sent.path.endswith("/namespaces/dcr-system") else there(sent)

    assert await problem(answer) == told


async def test_a_cluster_that_does_not_answer_is_named() -> None:
    told = await problem(cluster(*PLURALS), dead=True)
    assert told.startswith("no cluster at https://cluster (")
    assert told.endswith("start it, or point KUBECONFIG elsewhere")


async def test_credentials_that_do_not_count_are_told() -> None:
    told = await problem(lambda _: status(401, "Unauthorized"))
    assert told.startswith("https://cluster does not accept our credentials")


async def test_any_other_refusal_is_told() -> None:
    assert "418" in await problem(lambda _: status(418, "Teapot"))


async def test_the_cluster_is_known_by_its_oldest_namespace() -> None:
    async with running_api_server(cluster()) as server:
        api = HttpKubernetesApi(server)
        assert await cluster_id(api) == "the-uid"
        await api.close()


async def test_a_kind_that_is_switched_off_need_not_be_readable() -> None:
    forbidden = cluster(*PLURALS, forbidden="v1alpha1/oauthproviders")
    async with running_api_server(forbidden) as server:
        api = HttpKubernetesApi(server, sleep=no_sleep)
        try:
            await check_cluster(
                api, "https://cluster", (), "dcr-system", namespaced_providers=False
            )
            with pytest.raises(PreflightError, match="oauthproviders"):
                await check_cluster(api, "https://cluster", (), "dcr-system")
        finally:
            await api.close()
