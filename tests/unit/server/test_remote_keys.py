import asyncio
import json
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from dcr_protocol.json_document import JsonValue
from dcr_server import remote_keys
from dcr_server.fetch_targets import FetchError
from dcr_server.remote_keys import CacheLimits, KeyFile, KeysUnavailable, RemoteKeys, parse_key_set

URL = "https://shop.example.com/jwks"
LIMITS = CacheLimits(lifetime=300, pause=30, entries=3)


def key(kid: str, **members: JsonValue) -> dict[str, JsonValue]:
    return {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": kid, **members}


class Publisher:
    """Answers with what it holds now, and counts the questions."""

    def __init__(self, *kids: str) -> None:
        self.document: JsonValue = {"keys": [key(kid) for kid in kids]}
        self.failure: str | None = None
        self.asked: list[str] = []
        self.was_asked = asyncio.Event()
        self.hold: asyncio.Event | None = None
        self.now = 1000.0

    async def __call__(self, url: str) -> JsonValue:
        self.asked.append(url)
        self.was_asked.set()
        if self.hold is not None:
            await self.hold.wait()
        if self.failure is not None:
            raise FetchError(self.failure)
        return self.document

    def publish(self, *kids: str) -> None:
        self.document = {"keys": [key(kid) for kid in kids]}

    def remote_keys(self) -> RemoteKeys:
        return RemoteKeys(self, lambda: self.now, LIMITS)


async def kids(remote: RemoteKeys, kid: str | None = None, url: str = URL) -> list[JsonValue]:
    return [found["kid"] for found in await remote.keys(url, kid=kid)]


async def test_an_answer_counts_for_its_lifetime_and_not_longer() -> None:
    publisher = Publisher("a")
    remote = publisher.remote_keys()
    assert await kids(remote) == ["a"]
    publisher.publish("b")
    publisher.now += 299
    assert await kids(remote) == ["a"]
    publisher.now += 1
    assert await kids(remote) == ["b"]
    assert len(publisher.asked) == 2


async def test_a_new_key_is_asked_for_but_not_more_often_than_the_pause_allows() -> None:
    publisher = Publisher("a")
    remote = publisher.remote_keys()
    assert await kids(remote, "b") == ["a"]
    publisher.publish("a", "b")
    for _ in range(5):
        assert await kids(remote, "b") == ["a"]
    assert len(publisher.asked) == 1
    publisher.now += 30
    assert await kids(remote, "b") == ["a", "b"]
    assert await kids(remote, "a") == ["a", "b"]
    assert len(publisher.asked) == 2


async def test_a_failure_is_remembered_for_a_pause() -> None:
    publisher = Publisher("a")
    publisher.failure = "the answer is a redirect"
    remote = publisher.remote_keys()
    for _ in range(3):
        with pytest.raises(KeysUnavailable, match="is a redirect"):
            await kids(remote)
    assert len(publisher.asked) == 1
    publisher.failure = None
    publisher.now += 30
    assert await kids(remote) == ["a"]


async def test_a_failed_refresh_leaves_what_was_there_until_its_end() -> None:
    publisher = Publisher("a")
    remote = publisher.remote_keys()
    await kids(remote)
    publisher.failure = "it takes longer than 5 seconds"
    publisher.now += 200
    assert await kids(remote, "b") == ["a"]
    assert len(publisher.asked) == 2
    publisher.now += 100
    with pytest.raises(KeysUnavailable, match="longer than 5 seconds"):
        await kids(remote, "a")


async def test_many_who_ask_at_once_are_one_question() -> None:
    publisher = Publisher("a")
    publisher.hold = asyncio.Event()
    remote = publisher.remote_keys()
    waiting = [asyncio.create_task(kids(remote)) for _ in range(100)]
    await publisher.was_asked.wait()
    publisher.hold.set()
    assert await asyncio.gather(*waiting) == [["a"]] * 100
    assert len(publisher.asked) == 1


async def test_a_failure_is_one_for_all_who_wait() -> None:
    publisher = Publisher()
    publisher.failure = "the answer breaks off"
    remote = publisher.remote_keys()
    waiting = [asyncio.create_task(kids(remote)) for _ in range(10)]
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {KeysUnavailable}
    assert len(publisher.asked) == 1


async def test_the_longest_unused_set_is_forgotten_first() -> None:
    publisher = Publisher("a")
    remote = publisher.remote_keys()
    for name in ("1", "2", "3", "1", "4"):
        await kids(remote, url=f"{URL}/{name}")
    publisher.asked.clear()
    for name in ("1", "3", "4"):
        await kids(remote, url=f"{URL}/{name}")
    assert publisher.asked == []
    await kids(remote, url=f"{URL}/2")
    assert publisher.asked == [f"{URL}/2"]


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "keys",
        {},
        {"keys": {}},
        {"keys": []},
        {"keys": ["a", None]},
        {"keys": [key(str(number)) for number in range(101)]},
        {"keys": [{"kty": "oct", "k": "AA"}]},
        {"keys": [key("a", d="AA")]},
        {"keys": [{"kty": ["EC"], "crv": "P-256"}]},
        {"keys": [{"kty": "RSA", "n": "AA"}]},
        {"keys": [{"kty": "PQC", "x": "AA"}]},
    ],
)
def test_what_holds_no_public_key_is_no_key_set(document: JsonValue) -> None:
    with pytest.raises(KeysUnavailable):
        parse_key_set(document)


def test_keys_that_are_not_understood_are_passed_over() -> None:
    good = key("a", use="sig", alg="ES256")
    keys = parse_key_set({"keys": [{"kty": "PQC"}, {"kty": "oct", "k": "AA"}, 7, good], "more": 1})
    assert list(keys) == [good]


def test_only_what_verifying_needs_is_kept() -> None:
    [kept] = parse_key_set({"keys": [key("a", x5u="https://evil.example", note="x" * 99)]})
    assert kept == key("a")


def write(path: Path, *kids_: str) -> None:
    """As a mounted Secret changes: by another file under the same name."""
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps({"keys": [key(kid) for kid in kids_]}), encoding="utf-8")
    draft.replace(path)


def test_a_file_is_read_again_when_it_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    write(path, "a")
    file = KeyFile(path)
    assert [found["kid"] for found in file.current()] == ["a"]
    write(path, "b", "c")
    assert [found["kid"] for found in file.current()] == ["b", "c"]


def test_a_file_that_became_unusable_leaves_the_keys_that_were_read(tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    write(path, "a")
    file = KeyFile(path)
    path.write_text("{", encoding="utf-8")
    assert [found["kid"] for found in file.current()] == ["a"]
    path.unlink()
    assert [found["kid"] for found in file.current()] == ["a"]
    write(path, "b")
    assert [found["kid"] for found in file.current()] == ["b"]


def test_what_is_the_matter_with_a_file_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One that was used before keeps the configuration of that time.
    monkeypatch.setattr(remote_keys, "log", structlog.get_logger())
    path, aside = tmp_path / "jwks.json", tmp_path / "aside.json"
    write(path, "a")
    file = KeyFile(path)

    def ask() -> None:
        for _ in range(3):
            file.current()

    with capture_logs() as entries:
        for _ in range(2):
            path.rename(aside)
            ask()
            # The same file again: whoever breaks it the next time is told so again.
            aside.rename(path)
            ask()
        path.write_text("{", encoding="utf-8")
        ask()
        write(path, "b")
        ask()
    assert [entry["event"] for entry in entries] == [*["key_set_not_loaded"] * 3, "key_set_loaded"]


@pytest.mark.parametrize("content", [b"", b"[]", b'{"keys": []}', b"\xff", b'{"keys": [{}]}'])
def test_a_file_without_keys_is_an_error_that_names_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "jwks.json"
    path.write_bytes(content)
    with pytest.raises(KeysUnavailable, match=r"jwks\.json: "):
        KeyFile(path)


def test_a_missing_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(KeysUnavailable, match=r"absent\.json: No such file"):
        KeyFile(tmp_path / "absent.json")
