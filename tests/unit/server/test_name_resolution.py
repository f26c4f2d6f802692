import asyncio
import threading
from collections.abc import Sequence

from dcr_server.name_resolution import SystemResolver


async def test_names_are_resolved_by_the_system() -> None:
    resolve = SystemResolver()
    assert list(await resolve("127.0.0.1", 443)) == ["127.0.0.1"]
    assert list(await resolve("name.invalid", 443)) == []
    assert list(await resolve("a..b.example", 443)) == []


async def test_a_name_server_that_hangs_occupies_no_more_threads_than_allowed() -> None:
    release, working = threading.Event(), threading.Barrier(3)

    def hang(_host: str, _port: int) -> Sequence[str]:
        working.wait(timeout=10)
        release.wait(timeout=10)
        return ["192.0.2.1"]

    resolve = SystemResolver(most_threads=2, look_up=hang)
    hanging = [asyncio.create_task(resolve("slow.example", 443)) for _ in range(2)]
    await asyncio.to_thread(working.wait, 10)
    # Both threads are busy now: a third question is answered at once, with nothing.
    assert list(await resolve("other.example", 443)) == []
    release.set()
    assert await asyncio.gather(*hanging) == [["192.0.2.1"]] * 2


async def test_a_question_that_nobody_waits_for_any_more_frees_its_thread() -> None:
    release, asked = threading.Event(), threading.Event()

    def hang_once(host: str, _port: int) -> Sequence[str]:
        if host == "slow.example":
            asked.set()
            release.wait(timeout=10)
        return ["192.0.2.1"]

    resolve = SystemResolver(most_threads=1, look_up=hang_once)
    given_up = asyncio.create_task(resolve("slow.example", 443))
    await asyncio.to_thread(asked.wait, 10)
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)
    assert list(await resolve("fast.example", 443)) == []
    release.set()
    for thread in threading.enumerate():
        if thread.name == "resolve":
            await asyncio.to_thread(thread.join, 10)
    assert list(await resolve("fast.example", 443)) == ["192.0.2.1"]
