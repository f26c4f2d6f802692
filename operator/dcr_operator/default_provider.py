"""Which provider is meant by a client that names none: the ClusterOAuthProvider annotated so.

Resolved until the client is registered; from then on the record says where.
"""

from typing import Final

from dcr_operator.kube import (
    API_GROUP,
    CLUSTER_OAUTH_PROVIDERS,
    JsonObject,
    Key,
    ObjectMeta,
    object_meta,
)
from dcr_operator.ports import Context
from dcr_operator.reasons import Reason
from dcr_operator.state import ProviderUnusable

IS_DEFAULT: Final = f"{API_GROUP}/is-default-provider"


def is_default(provider: ObjectMeta) -> bool:
    """Whether new clients that name no provider are meant for this one."""
    return provider.annotations.get(IS_DEFAULT) == "true" and provider.deletion_timestamp is None


async def default_providers(context: Context) -> tuple[JsonObject, ...]:
    providers = await context.kubernetes.list(CLUSTER_OAUTH_PROVIDERS, None)
    return tuple(each for each in providers if is_default(object_meta(each)))


async def default_provider(context: Context) -> Key | ProviderUnusable:
    """Return the one default, whatever its class: with two of them nobody is asked."""
    names = sorted(object_meta(each).name for each in await default_providers(context))
    if not names:
        return ProviderUnusable(
            Reason.PROVIDER_NOT_FOUND,
            "spec.providerRef is omitted and there is no default: name a provider there, or"
            f' annotate one ClusterOAuthProvider with {IS_DEFAULT}: "true".',
        )
    if len(names) > 1:
        return ProviderUnusable(
            Reason.DEFAULT_PROVIDER_AMBIGUOUS,
            f"spec.providerRef is omitted and {', '.join(names)} are all annotated with"
            f" {IS_DEFAULT}. Take the annotation off all but one, or name a provider.",
        )
    return Key(CLUSTER_OAUTH_PROVIDERS.kind, "", names[0])
