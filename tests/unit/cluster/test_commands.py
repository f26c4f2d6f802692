import re
from pathlib import Path

import pytest

from tests.cluster.commands import (
    Ports,
    etcd_command,
    kube_apiserver_command,
    kube_controller_manager_command,
)

BINARY, DIRECTORY, PORTS = Path("/binary"), Path("/directory"), Ports(1001, 1002, 1003)


@pytest.mark.parametrize(
    "command",
    [
        etcd_command(BINARY, DIRECTORY, PORTS),
        kube_apiserver_command(BINARY, DIRECTORY, PORTS),
        kube_controller_manager_command(BINARY, DIRECTORY),
    ],
    ids=["etcd", "kube-apiserver", "kube-controller-manager"],
)
def test_all_addresses_are_loopback(command: list[str]) -> None:
    assert command[0] == "/binary"
    addresses = set(re.findall(r"\d+\.\d+\.\d+\.\d+(?!/)(?!\d)", " ".join(command)))
    assert addresses <= {"127.0.0.1", "192.0.2.0"}


def test_no_token_is_on_a_command_line() -> None:
    flags = kube_apiserver_command(BINARY, DIRECTORY, PORTS)
    assert "--token-auth-file=/directory/tokens.csv" in flags
