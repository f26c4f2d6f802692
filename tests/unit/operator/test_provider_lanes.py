import pytest

from dcr_operator.kube import Key
from dcr_operator.provider_lanes import provider_lanes
from dcr_operator.record import RECORDS
from dcr_operator.work_queue import Lanes


def lanes(workers: int = 16) -> Lanes[Key]:
    """Keys are providers here, which are their own."""
    return provider_lanes(workers, lambda key: key)


def held_by(providers: list[Key], workers: int = 16) -> int:
    """How many workers these providers hold at most, when each has work without end."""
    found = lanes(workers)
    by_pool: dict[object, int] = {}
    for lane in {found.lane_of(each) for each in providers}:
        pool = found.pool_of(lane)
        by_pool[pool] = by_pool.get(pool, 0) + found.limit_of(lane)
    return sum(
        held if pool is None else min(held, found.limit_of(pool)) for pool, held in by_pool.items()
    )


def in_namespaces(*namespaces: str) -> list[Key]:
    return [Key("OAuthProvider", each, f"p{n}") for each in namespaces for n in range(20)]


@pytest.mark.parametrize(
    ("providers", "workers", "held"),
    [
        ([Key("ClusterOAuthProvider", "", "main")], 16, 12),
        (in_namespaces("team-a"), 16, 4),
        ([RECORDS], 16, 4),
        (in_namespaces("team-a", "team-b"), 16, 8),
        (in_namespaces("team-a", "team-b", "team-c"), 16, 8),
        (in_namespaces("team-a", "team-b", "team-c"), 2, 1),
        (in_namespaces("team-a"), 1, 1),
    ],
    ids=[
        "one of the cluster",
        "twenty of one tenant",
        "what is left of clients that went",
        "two tenants",
        "three tenants",
        "with two workers",
        "with one worker",
    ],
)
def test_no_provider_holds_all_workers(providers: list[Key], workers: int, held: int) -> None:
    assert held_by(providers, workers) == held


def test_a_key_whose_provider_is_not_known_has_the_lane_of_all_such() -> None:
    assert provider_lanes(4, lambda _key: None).lane_of(Key("OAuthClient", "a", "b")) is None
