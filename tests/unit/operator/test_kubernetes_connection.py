from pathlib import Path

import pytest
import yaml

from dcr_operator.kubernetes_connection import KubernetesConnection, NoClusterError, connect


def kubeconfig(directory: Path, **user: str) -> Path:
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "main",
        "clusters": [{"name": "main", "cluster": {"server": "https://k8s.example.com:6443"}}],
        "contexts": [{"name": "main", "context": {"cluster": "main", "user": "me"}}],
        "users": [{"name": "me", "user": user}],
    }
    file = directory / "kubeconfig"
    file.write_text(yaml.safe_dump(document))
    return file


async def connected(directory: Path, **environment: str) -> KubernetesConnection:
    file = kubeconfig(directory, token="token-1")
    return await connect({"KUBECONFIG": str(file)} | environment)


async def test_a_kubeconfig_gives_address_and_token(tmp_path: Path) -> None:
    connection = await connected(tmp_path)
    assert connection.host == "https://k8s.example.com:6443"
    assert await connection.headers() == {"Authorization": "Bearer token-1"}


async def test_a_token_that_is_renewed_on_disk_is_read_again(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("token-1")
    connection = await connect({"KUBECONFIG": str(kubeconfig(tmp_path, tokenFile=str(token)))})
    token.write_text("token-2")
    assert await connection.headers() == {"Authorization": "Bearer token-1"}
    connection._renewed -= 301
    assert await connection.headers() == {"Authorization": "Bearer token-2"}


@pytest.mark.parametrize(
    ("environment", "proxy"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://proxy:3128"}, "http://proxy:3128"),
        ({"https_proxy": "http://proxy:3128"}, "http://proxy:3128"),
        ({"HTTP_PROXY": "http://proxy:3128"}, None),
        ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "a,.example.com"}, None),
        ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "k8s.example.com"}, None),
        ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "*"}, None),
        ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "k8s.example.com:6443"}, None),
        (
            {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "k8s.example.com:443"},
            "http://proxy:3128",
        ),
        ({"HTTPS_PROXY": "http://upper:3128", "https_proxy": "http://l:3128"}, "http://l:3128"),
        ({"HTTPS_PROXY": "http://upper:3128", "https_proxy": ""}, None),
        ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "s.example.com"}, "http://proxy:3128"),
    ],
)
async def test_a_proxy_is_looked_for_once(
    tmp_path: Path, environment: dict[str, str], proxy: str | None
) -> None:
    connection = await connected(tmp_path, **environment)
    assert connection.configuration.proxy == proxy


@pytest.mark.parametrize(
    ("networks", "proxy"),
    [("192.168.0.0/16,10.96.0.0/12", None), ("10.0.0.0/16,nonsense/x", "http://proxy:3128")],
)
async def test_networks_may_be_excepted_from_the_proxy(
    tmp_path: Path, networks: str, proxy: str | None
) -> None:
    file = kubeconfig(tmp_path, token="token-1")
    file.write_text(file.read_text().replace("k8s.example.com", "10.96.0.1"))
    environment = {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": networks}
    connection = await connect({"KUBECONFIG": str(file)} | environment)
    assert connection.configuration.proxy == proxy


async def test_a_certificate_that_is_not_there_is_told(tmp_path: Path) -> None:
    file = kubeconfig(tmp_path, **{"client-certificate": "/none.crt", "client-key": "/none.key"})
    with pytest.raises(NoClusterError, match=r"/none\.crt"):
        await connect({"KUBECONFIG": str(file)})


async def test_a_pod_without_a_service_account_is_told() -> None:
    environment = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}
    with pytest.raises(NoClusterError, match="automountServiceAccountToken"):
        await connect(environment)
