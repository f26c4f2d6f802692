"""Where the chart puts the server's database: a volume, or a PostgreSQL that others run."""

import pytest

from tests.chart.render import rendered
from tests.integration.test_chart_rendering import (
    NAMESPACE,
    POD,
    SERVER_DEPLOYMENT,
    at,
    names,
    with_server,
)

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("helm_program")]

POSTGRESQL = {"urlSecretRef": {"name": "db"}}


def test_with_postgresql_there_is_no_volume_and_any_number_of_replicas() -> None:
    objects = rendered(NAMESPACE, with_server(database=POSTGRESQL, replicas=3))
    assert "PersistentVolumeClaim/dcr-operator-server" not in names(objects)
    assert at(objects, SERVER_DEPLOYMENT, "spec.replicas") == 3
    assert at(objects, SERVER_DEPLOYMENT, "spec.strategy.type") == "RollingUpdate"
    volumes = at(objects, SERVER_DEPLOYMENT, f"{POD}volumes")
    assert "database" not in {volume["name"] for volume in volumes}
    for containers in ("containers.0", "initContainers.0"):
        mounts = at(objects, SERVER_DEPLOYMENT, f"{POD}{containers}.volumeMounts")
        assert "database" not in {mount["name"] for mount in mounts}
        url = at(objects, SERVER_DEPLOYMENT, f"{POD}{containers}.env.name=DCR_SERVER_DATABASE")
        assert url["valueFrom"] == {"secretKeyRef": {"name": "db", "key": "url"}}


def test_without_it_one_pod_has_sqlite_on_a_volume() -> None:
    objects = rendered(NAMESPACE, with_server())
    assert "PersistentVolumeClaim/dcr-operator-server" in names(objects)
    assert at(objects, SERVER_DEPLOYMENT, "spec.replicas") == 1
    assert at(objects, SERVER_DEPLOYMENT, "spec.strategy.type") == "Recreate"
    url = at(objects, SERVER_DEPLOYMENT, f"{POD}containers.0.env.name=DCR_SERVER_DATABASE")
    assert url["value"].startswith("sqlite:////var/lib/dcr-server/")
