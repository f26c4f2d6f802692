"""A deletion that began before our finalizer came does not wait for it: seen on an API server."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from dcr_operator.kube import OAUTH_CLIENTS, JsonObject, Resource
from dcr_operator.reconcile import reconcile
from tests.fakes.kubernetes_api import FakeKubernetesApi
from tests.fakes.operator_world import CLIENT, NAME, NAMESPACE, World, new_world


@dataclass(slots=True)
class DeletingMeanwhile(FakeKubernetesApi):
    """Takes the finalizer, and ends a deletion that had found none."""

    made_anew: bool = False

    async def json_patch(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        operations: Sequence[JsonObject],
    ) -> JsonObject:
        answer = await FakeKubernetesApi.json_patch(self, resource, namespace, name, operations)
        self.cluster.edit(OAUTH_CLIENTS, NAMESPACE, NAME, _let_go)
        self.cluster.delete(OAUTH_CLIENTS, NAMESPACE, NAME)
        if self.made_anew:
            again = World(cluster=self.cluster)
            again.add_client()
        return answer


def _let_go(body: JsonObject) -> None:
    metadata = body["metadata"]
    assert isinstance(metadata, dict)
    metadata["finalizers"] = []


@pytest.mark.parametrize("made_anew", [False, True])
async def test_what_went_while_it_was_being_protected_is_not_registered(made_anew: bool) -> None:
    world = new_world()
    api = DeletingMeanwhile(world.cluster, world.wire, made_anew=made_anew)
    result = await reconcile(CLIENT, replace(world.context, kubernetes=api))
    assert (result.reason, result.failed) == ("Progressing", True)
    assert world.provider.clients == {}
    assert world.records() == []
    await world.settle()
    assert len(world.provider.clients) == (1 if made_anew else 0)
