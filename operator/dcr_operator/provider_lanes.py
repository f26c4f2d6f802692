"""How many workers a provider may hold, so that a slow one delays only its own clients.

Each ClusterOAuthProvider has a lane, at most three quarters of the workers. All OAuthProviders
of a namespace share one lane, a quarter, and those of all namespaces together hold at most
half: however many providers a tenant makes, the others go on. What is left of clients that are gone
has a lane of a quarter: nobody waits for it.
"""

from collections.abc import Callable, Hashable

from dcr_operator.kube import OAUTH_PROVIDERS, Key
from dcr_operator.record import RECORDS
from dcr_operator.work_queue import Lanes

_TENANTS = Key(OAUTH_PROVIDERS.kind, "", "")


def provider_lanes(workers: int, provider_of: Callable[[Key], Key | None]) -> Lanes[Key]:
    def limit_of(lane: Hashable) -> int:
        if lane == _TENANTS:
            return max(1, workers // 2)
        few = lane == RECORDS or _is_of_namespace(lane)
        return max(1, workers // 4 if few else workers * 3 // 4)

    return Lanes(
        lane_of=lambda key: _lane_of(provider_of(key)),
        pool_of=lambda lane: _TENANTS if _is_of_namespace(lane) else None,
        limit_of=limit_of,
    )


def _lane_of(provider: Key | None) -> Key | None:
    if provider is None or provider.kind != OAUTH_PROVIDERS.kind:
        return provider
    return Key(provider.kind, provider.namespace, "")


def _is_of_namespace(lane: Hashable) -> bool:
    return isinstance(lane, Key) and lane.kind == OAUTH_PROVIDERS.kind
