"""What must hold before the operator starts, each failure one line that says what to do."""

from dcr_operator.kube import (
    API_GROUP,
    API_VERSION,
    CLUSTER_OAUTH_PROVIDERS,
    NAMESPACES,
    OAUTH_CLIENTS,
    OAUTH_PROVIDERS,
    SECRETS,
    ApiError,
    ApiForbidden,
    ApiNotFound,
    ApiUnavailable,
    Resource,
    member,
    text,
)
from dcr_operator.kubernetes_api import HttpKubernetesApi
from dcr_operator.startup_error import StartupError

_KINDS = (OAUTH_CLIENTS, OAUTH_PROVIDERS, CLUSTER_OAUTH_PROVIDERS)
_UNAUTHORIZED = 401


class PreflightError(StartupError):
    """Raised when the cluster is not as it must be."""


async def check_cluster(  # noqa: PLR0913  # each a fact of the settings
    api: HttpKubernetesApi,
    host: str,
    namespaces: tuple[str, ...],
    own_namespace: str,
    *,
    namespaced_providers: bool = True,
    watch_secrets: bool = False,
) -> None:
    needed = [each for each in _KINDS if namespaced_providers or each != OAUTH_PROVIDERS]
    try:
        await _check_kinds(api)
        for resource in (*needed, NAMESPACES):
            for namespace in namespaces if resource.namespaced and namespaces else (None,):
                await _check_access(api, resource, namespace)
        if watch_secrets and not namespaces:
            # With namespaces by name one of them may be gone, and its Role with it.
            await _check_access(api, SECRETS, None)
        await _check_namespace(api, own_namespace)
    except ApiUnavailable as error:
        msg = f"no cluster at {host} ({error.message}): start it, or point KUBECONFIG elsewhere"
        raise PreflightError(msg) from None
    except ApiError as error:
        if error.status == _UNAUTHORIZED:
            msg = f"{host} does not accept our credentials: renew those in the kubeconfig"
            raise PreflightError(msg) from None
        raise PreflightError(f"{host} answers {error}") from None


async def cluster_id(api: HttpKubernetesApi) -> str:
    """The uid of kube-system: it lives as long as the cluster."""
    try:
        namespace = await api.get(NAMESPACES, None, "kube-system")
    except ApiError:
        return ""
    return text(member(namespace or {}, "metadata"), "uid")


async def _check_kinds(api: HttpKubernetesApi) -> None:
    try:
        document = await api.document(f"/apis/{API_GROUP}/{API_VERSION}")
    except ApiNotFound:
        document = {}
    found = document.get("resources")
    served = found if isinstance(found, list) else []
    names = {text(each, "name") for each in served if isinstance(each, dict)}
    missing = [resource.plural for resource in _KINDS if resource.plural not in names]
    if missing:
        what = ", ".join(f"{plural}.{API_GROUP}" for plural in missing)
        msg = (
            f"CRDs not installed ({what}):"
            " run: dcr-operator crds | kubectl apply --server-side -f -"
        )
        raise PreflightError(msg)


async def _check_access(api: HttpKubernetesApi, resource: Resource, namespace: str | None) -> None:
    try:
        await api.check_readable(resource, namespace)
    except ApiForbidden as error:
        msg = f"{error.message}: install the chart's RBAC, or use its ServiceAccount"
        raise PreflightError(msg) from None


async def _check_namespace(api: HttpKubernetesApi, name: str) -> None:
    """Where records and the Lease go: without it nothing would ever begin."""
    try:
        found = await api.get(NAMESPACES, None, name)
    except ApiForbidden:
        return  # rights for the namespaces that are served only: nothing is known
    if found is None:
        msg = (
            f"namespace {name} does not exist: kubectl create namespace {name},"
            " or set DCR_OPERATOR_NAMESPACE"
        )
        raise PreflightError(msg)
