"""Which operator a provider and its clients belong to, where several share one cluster.

`spec.operatorClass` of the provider decides. An operator leaves alone what is another's:
it neither writes to it nor reads the Secrets that it names.
"""

from typing import Final

from dcr_operator.default_provider import default_providers
from dcr_operator.kube import (
    CLUSTER_OAUTH_PROVIDERS,
    RESOURCES_BY_KIND,
    JsonObject,
    member,
    object_meta,
    text,
)
from dcr_operator.ports import Context

NOT_SERVED: Final = "AnotherOperatorClass"  # no Reason: it is told nowhere but in the log
STATUS_MEMBER: Final = "operatorClass"


def serves_provider(provider: JsonObject, context: Context) -> bool:
    return text(member(provider, "spec"), "operatorClass") == context.operator_class


async def serves_client(client: JsonObject, context: Context) -> bool:
    """Whether the client is ours.

    It goes with its provider. Without one it stays with who wrote its status; a client that
    nobody has taken yet is the business of the operator without a class. What is being deleted
    is unregistered by who registered it: there the record is.
    """
    status = member(client, "status")
    written_by = text(status, STATUS_MEMBER)
    if object_meta(client).deletion_timestamp is not None and text(status, "clientId"):
        return written_by == context.operator_class
    provider = await _provider_of(client, context)
    if provider is None:
        return written_by == context.operator_class
    return serves_provider(provider, context)


async def _provider_of(client: JsonObject, context: Context) -> JsonObject | None:
    ref = member(member(client, "spec"), "providerRef")
    status = member(client, "status")
    if not ref and text(status, "clientId"):
        ref = member(status, "providerRef")
    if not ref:
        # With several defaults, of whatever class, nobody is meant.
        defaults = await default_providers(context)
        return defaults[0] if len(defaults) == 1 else None
    resource = RESOURCES_BY_KIND.get(text(ref, "kind"), CLUSTER_OAUTH_PROVIDERS)
    if resource.namespaced and not context.namespaced_providers:
        return None
    name = text(ref, "name")
    namespace = object_meta(client).namespace if resource.namespaced else None
    return await context.references.get(resource, namespace, name)
