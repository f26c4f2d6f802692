"""How this process reaches the API server: kubeconfig or the pod's own account.

Address, TLS and credentials are found here once, for our own requests and for the
watches; tokens that are renewed on disk are read again.
"""

import asyncio
import contextlib
import ipaddress
import os
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit
from urllib.request import (  # type: ignore[attr-defined]  # typeshed does not know it
    proxy_bypass_environment,
)

import yaml
from kubernetes.aio.client import Configuration
from kubernetes.aio.config import (
    ConfigException,
    load_incluster_config,
    load_kube_config,
)

from dcr_operator.startup_error import StartupError

_RENEW_AFTER = 300.0
_HOME_CONFIG = Path("~/.kube/config")


class NoClusterError(StartupError):
    """Raised when no usable cluster configuration is found."""


@dataclass(slots=True)
class KubernetesConnection:
    """Where the API server is and how we prove who we are."""

    configuration: Configuration
    kubeconfig: str | None
    _renewed: float = field(default_factory=time.monotonic)
    _renewing: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def host(self) -> str:
        return str(self.configuration.host)

    def tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.configuration.ssl_ca_cert)
        if self.configuration.cert_file:
            context.load_cert_chain(self.configuration.cert_file, self.configuration.key_file)
        if not self.configuration.verify_ssl:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    async def headers(self) -> dict[str, str]:
        """The Authorization header with the token of this moment; empty with certificates."""
        if self.kubeconfig is not None:
            await self._renew()
        # The pod's token is read again every minute by the library's own hook.
        value = await self.configuration.get_api_key_with_prefix("BearerToken")
        return {"Authorization": str(value)} if value else {}

    async def _renew(self) -> None:
        if time.monotonic() - self._renewed < _RENEW_AFTER or self._renewing.locked():
            return
        async with self._renewing:
            fresh = await _from_kubeconfig(self.kubeconfig or "")
            self.configuration.api_key = fresh.api_key
            self._renewed = time.monotonic()


async def connect(environment: Mapping[str, str]) -> KubernetesConnection:
    """Find the cluster; raises NoClusterError with what to do."""
    in_pod = bool(environment.get("KUBERNETES_SERVICE_HOST"))
    kubeconfig = environment.get("KUBECONFIG") or (None if in_pod else _home_config())
    if kubeconfig:
        configuration = await _from_kubeconfig(kubeconfig)
        return KubernetesConnection(_settled(configuration, environment), kubeconfig)
    if in_pod:
        return KubernetesConnection(_settled(_from_pod(), environment), None)
    msg = "no cluster: set KUBECONFIG to a kubeconfig file, or run in a pod with a service account"
    raise NoClusterError(msg)


def _settled(configuration: Configuration, environment: Mapping[str, str]) -> Configuration:
    """Look for a proxy once; aiohttp would for each request, in two threads."""
    if configuration.proxy is None:
        target = urlsplit(str(configuration.host))
        proxies = _proxies(environment)
        if not _is_bypassed(target, proxies):
            configuration.proxy = proxies.get(target.scheme) or None
    return configuration


def _proxies(environment: Mapping[str, str]) -> dict[str, str]:
    """As urllib does: the name in lower case wins, even when it is empty."""
    names = sorted(environment, key=str.islower)
    return {
        name.lower().removesuffix("_proxy"): environment[name]
        for name in names
        if name.lower().endswith("_proxy")
    }


def _is_bypassed(target: SplitResult, proxies: Mapping[str, str]) -> bool:
    """NO_PROXY as urllib reads it, and networks, since clusters are often told by them."""
    if proxy_bypass_environment(target.netloc, dict(proxies)):
        return True
    try:
        address = ipaddress.ip_address(target.hostname or "")
    except ValueError:
        return False
    return any(address in network for network in _networks(proxies.get("no", "")))


def _networks(no_proxy: str) -> Iterator[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    for each in no_proxy.split(","):
        with contextlib.suppress(ValueError):
            yield ipaddress.ip_network(each.strip(), strict=False)


def _home_config() -> str | None:
    path = _HOME_CONFIG.expanduser()
    return str(path) if path.exists() else None


def _from_pod() -> Configuration:
    configuration = Configuration()
    try:
        load_incluster_config(  # type: ignore[no-untyped-call]  # the library has no annotations
            client_configuration=configuration
        )
    except (ConfigException, OSError) as error:
        msg = f"the pod has no usable service account: {error}; set automountServiceAccountToken"
        raise NoClusterError(msg) from None
    return configuration


async def _from_kubeconfig(files: str) -> Configuration:
    _require_any(files)
    configuration = Configuration()
    try:
        await load_kube_config(  # type: ignore[no-untyped-call]  # the library has no annotations
            config_file=files, client_configuration=configuration, persist_config=False
        )
        KubernetesConnection(configuration, files).tls()
    except OSError as error:  # includes ssl.SSLError
        msg = f"kubeconfig {files} names a file that cannot be used: {error}"
        raise NoClusterError(msg) from None
    except ConfigException as error:
        detail = str(error).strip().rstrip(".")
        msg = (
            f"kubeconfig {files} cannot be used: {detail}: name a context of it by"
            " kubectl config use-context, or set KUBECONFIG to another file"
        )
        raise NoClusterError(msg) from None
    except (yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError):
        # The library lets through whatever a malformed file leads it to.
        msg = f"kubeconfig {files} is malformed: check it by kubectl config view"
        raise NoClusterError(msg) from None
    return configuration


def _require_any(files: str) -> None:
    """Refuse paths of which none exists: the library would only log that."""
    paths = [Path(each).expanduser() for each in files.split(os.pathsep) if each]
    if not any(path.is_file() for path in paths):
        msg = f"kubeconfig {files} does not exist: set KUBECONFIG to a file that does"
        raise NoClusterError(msg)
    if not any(path.stat().st_size for path in paths if path.is_file()):
        msg = f"kubeconfig {files} is empty: set KUBECONFIG to a file that names a cluster"
        raise NoClusterError(msg)
