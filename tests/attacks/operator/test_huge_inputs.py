"""Inputs as large as the API server takes them, and larger: bounded work, bounded answers."""

import json
import time
from collections.abc import Callable

import pytest

from dcr_operator.client_policy import ClientPolicy, violations_of_request
from dcr_operator.kube import JsonObject
from dcr_operator.watch_index import ADDED, WatchIndex
from tests.fakes.first_look import new_first_look
from tests.fakes.operator_world import METADATA, World, new_world

SECONDS = 2.0  # of the processor, whatever else runs
LARGEST_STATUS = 512 * 1024  # bytes; etcd takes 1.5 MiB for the whole object

NESTED: JsonObject = {}
for _ in range(100):
    NESTED = {"a": NESTED}

METADATA_OF_ANY_SIZE: dict[str, Callable[[], JsonObject]] = {
    "many URIs": lambda: {
        "redirectUris": [f"https://a.example.com/{number}/{'x' * 1900}" for number in range(100)]
    },
    "long names": lambda: {"clientName": "x" * 2048, "contacts": ["y" * 256] * 1},
    "many languages": lambda: {
        "localized": {"clientName": {f"x-{number}": "z" * 2000 for number in range(30)}}
    },
    "many members": lambda: {"extra": {f"m{number}": "v" * 1000 for number in range(64)}},
    "deep members": lambda: {"extra": {"deep": NESTED}},
    "wide members": lambda: {"extra": {"wide": list(range(20_000))}},
    "a long scope": lambda: {"scope": " ".join(f"s{number}" for number in range(400))},
}


def size_of_status(world: World) -> int:
    return len(json.dumps(world.status))


async def timed_pass(world: World) -> float:
    start = time.process_time()
    await world.run_pass()
    return time.process_time() - start


@pytest.mark.parametrize("kind", METADATA_OF_ANY_SIZE)
async def test_a_large_client_ends_in_time_and_in_a_status_that_fits(kind: str) -> None:
    world = new_world()
    world.set_client(clientMetadata={**METADATA, **METADATA_OF_ANY_SIZE[kind]()})
    assert await timed_pass(world) < SECONDS
    assert world.condition()[1] in ("Ready", "InvalidSpec")
    assert size_of_status(world) < LARGEST_STATUS


@pytest.mark.parametrize("kind", METADATA_OF_ANY_SIZE)
async def test_nor_does_a_policy_with_many_patterns_take_long_or_say_much(kind: str) -> None:
    world = new_world(
        clientPolicy={
            "redirectUris": [f"https://*.{number}.example.org/*" for number in range(256)],
            "scopes": [f"t{number}.*" for number in range(256)],
        }
    )
    world.set_client(clientMetadata={**METADATA, **METADATA_OF_ANY_SIZE[kind]()})
    assert await timed_pass(world) < SECONDS
    assert world.condition()[0] == "False"
    assert size_of_status(world) < 64 * 1024
    assert not world.wire.requests


@pytest.mark.parametrize(
    "granted",
    [
        {"client_name": "x" * 60_000},
        {"redirect_uris": [f"https://a.example.com/{number}" for number in range(5_000)]},
        {"contacts": ["y" * 1000] * 60},
        {f"member_{number}": "z" * 100 for number in range(1_000)},
        {f"client_name#x-{number}": "z" * 100 for number in range(1_000)},
        {"jwks": {"keys": [{"kty": "RSA", "n": "A" * 4000}] * 15}},
    ],
    ids=["name", "URIs", "contacts", "members", "languages", "keys"],
)
async def test_a_large_answer_ends_in_a_status_that_fits(granted: JsonObject) -> None:
    world = new_world()
    world.provider.overrides = dict(granted)
    assert await timed_pass(world) < SECONDS
    assert world.condition()[1] in ("Ready", "MetadataNotAccepted")
    assert size_of_status(world) < LARGEST_STATUS


def test_a_uri_that_is_made_to_be_slow_is_judged_at_once() -> None:
    policy = ClientPolicy(redirect_uris=tuple(f"https://*.{n}.example.org/*" for n in range(256)))
    slow = [f"https://{'a.' * 1000}example.org/{'../' * 300}" for _ in range(100)]
    start = time.process_time()
    assert violations_of_request(policy, {"redirect_uris": [*slow]})
    assert time.process_time() - start < SECONDS


def test_many_clients_that_wait_for_a_place_cost_no_more_each() -> None:
    index = WatchIndex(new_first_look())
    ref: JsonObject = {"kind": "ClusterOAuthProvider", "name": "main"}
    start = time.process_time()
    for number in range(5_000):
        metadata: JsonObject = {"namespace": "team-a", "name": f"app-{number}", "uid": str(number)}
        index.on_client(ADDED, {"metadata": metadata, "spec": {"providerRef": ref}, "status": {}})
    assert time.process_time() - start < 2 * SECONDS
