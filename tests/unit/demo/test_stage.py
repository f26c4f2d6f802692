"""What the demo says before it begins, and before it leaves."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.demo.__main__ import Choice, choice_of
from tests.demo.cluster import CannotRunError
from tests.demo.stage import check_free, clean_up_commands
from tests.processes.kubectl import JsonObject, Kubectl


@dataclass(frozen=True, slots=True)
class OccupiedCluster(Kubectl):
    def get(self, kind: str, name: str, namespace: str | None = None) -> JsonObject | None:
        assert (kind, name, namespace) == ("clusteroauthprovider", "main", None)
        return {"spec": {"issuer": "https://id.example.com"}}


def test_an_occupied_cluster_is_told_with_the_way_to_clean_it_up() -> None:
    with pytest.raises(CannotRunError) as caught:
        check_free(OccupiedCluster(Path("kubeconfig")))
    told = str(caught.value)
    assert "https://id.example.com" in told
    assert all(command in told for command in clean_up_commands())
    assert len(told.splitlines()) == 1


def test_the_demo_registers_with_a_token_when_nothing_is_said() -> None:
    assert (
        choice_of({})
        == choice_of({"IDENTITY": "token"})
        == Choice("local", "dcr-server", keep=False)
    )


@pytest.mark.parametrize(
    ("name", "value", "known"),
    [
        ("IDENTITY", "spiffe", "token"),
        ("CLUSTER", "moon", "local, current, kind"),
        ("PROVIDER", "nobody", "dcr-server, oidc-provider"),
    ],
)
def test_what_the_demo_cannot_do_is_told_in_one_line(name: str, value: str, known: str) -> None:
    with pytest.raises(CannotRunError) as caught:
        choice_of({name: value})
    assert str(caught.value) == f"{name}={value} is not known; known: {known}"
