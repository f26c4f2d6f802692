"""Rates of subjects and of addresses that fail: 429, and the truth about when to come again."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from dcr_server.policies import OpenRegistration, Policy
from dcr_server.rates import Rate
from dcr_server.storage.requests import AuditFilter
from tests.unit.server.registrant import EVERYTHING, MACHINE
from tests.unit.server.strangers import ADDRESS, PROXY, Door, door_at

SLOW = EVERYTHING.model_copy(update={"rate": Rate(2, 60)})
POLICIES: Mapping[str, Policy] = {"default": SLOW, "free": EVERYTHING}
FAILURES = Rate(2, 60)


async def register(door: Door, token: str, times: int) -> list[int]:
    authorization = f"Bearer {token}"
    return [
        (await door.post(Authorization=authorization, address=f"192.0.2.{number}")).status_code
        for number in range(times)
    ]


async def test_s094_s174_a_subject_has_the_policys_rate_from_whatever_address(
    tmp_path: Path,
) -> None:
    async with door_at(tmp_path, opened=None, policies=POLICIES) as door:
        tokens = [(await door.mint(subject="team")).get_secret_value() for _ in range(2)]
        assert await register(door, tokens[0], 2) == [201, 201]
        response = await door.post(Authorization=f"Bearer {tokens[1]}", Idempotency_Key="new")
        assert (response.status_code, response.headers["Retry-After"]) == (429, "30")
        assert response.json()["error"] == "temporarily_unavailable"
        door.clock.seconds += 30
        assert await register(door, tokens[1], 2) == [201, 429]


async def test_s174_subjects_and_policies_do_not_share_a_rate(tmp_path: Path) -> None:
    async with door_at(tmp_path, opened=None, policies=POLICIES) as door:
        for subject in ("one", "other"):
            token = (await door.mint(subject=subject)).get_secret_value()
            assert await register(door, token, 3) == [201, 201, 429]
        free = (await door.mint("free", subject="one")).get_secret_value()
        assert await register(door, free, 4) == [201] * 4


async def test_s174_a_refused_registration_uses_up_no_token(tmp_path: Path) -> None:
    async with door_at(tmp_path, opened=None, policies=POLICIES) as door:
        token = (await door.mint(subject="a", max_uses=3)).get_secret_value()
        assert await register(door, token, 3) == [201, 201, 429]
        door.clock.seconds += 60
        assert await register(door, token, 2) == [201, 401]


async def repeat(door: Door, token: str, *keys: str) -> list[int]:
    authorization = {"Authorization": f"Bearer {token}"} if token else {}
    return [
        (await door.post(MACHINE, Idempotency_Key=f"{key:x>32}", **authorization)).status_code
        for key in keys
    ]


@pytest.mark.parametrize("kind", ["minted", "open"])
async def test_s094_s174_who_lost_the_last_answer_gets_it_beyond_the_rate(
    tmp_path: Path, kind: str
) -> None:
    opened = OpenRegistration(policy="default", rate=Rate(2, 60))
    async with door_at(tmp_path, opened=opened, policies=POLICIES) as door:
        token = (await door.mint(subject="a")).get_secret_value() if kind == "minted" else ""
        # The third is new, and so refused; the first two are had again.
        assert await repeat(door, token, "1", "2", "3") == [201, 201, 429]
        assert await repeat(door, token, "2") == [201]
        # Known or not, keys are looked up at twice the rate and no more.
        assert await repeat(door, token, "2", "4") == [429, 429]
        door.clock.seconds += 30
        assert await repeat(door, token, "3", "2", "2") == [201, 201, 429]


async def test_s174_a_key_that_came_with_another_body_is_told_so_beyond_the_rate_no_oftener(
    tmp_path: Path,
) -> None:
    async with door_at(tmp_path, opened=None, policies=POLICIES) as door:
        authorization = f"Bearer {(await door.mint(subject='a')).get_secret_value()}"
        answers = [
            await door.post(
                {**MACHINE, "scope": f"a{number}"},
                Authorization=authorization,
                Idempotency_Key="1",
            )
            for number in range(6)
        ]
        assert [answer.status_code for answer in answers] == [201, 422, 422, 422, 429, 429]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/connect/register"),
        ("GET", "/connect/register/a"),
        ("PUT", "/connect/register/a"),
        ("DELETE", "/connect/register/a"),
        ("POST", "/connect/register/a/secret"),
        ("POST", "/token"),
    ],
)
async def test_s094_s174_an_address_that_fails_too_often_is_answered_429(
    tmp_path: Path, method: str, path: str
) -> None:
    headers = {"Authorization": "Bearer guess", "Content-Type": "application/json"}
    if path == "/token":
        headers = {
            "Authorization": "Basic YTpi",
            "Content-Type": "application/x-www-form-urlencoded",
        }
    async with door_at(tmp_path, failed_authentication_rate=FAILURES) as door:
        answers = [await door.send(method, path, headers=headers) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [401, 401, 429]
        assert answers[2].headers["Retry-After"] == "30"
        # A right guess would look the same now; another address does not suffer.
        good = f"Bearer {(await door.mint()).get_secret_value()}"
        assert (await door.post(Authorization=good)).status_code == 429
        assert (await door.post(Authorization=good, address="192.0.2.1")).status_code == 201
        door.clock.seconds += 30
        assert (await door.post(Authorization=good)).status_code == 201


async def test_successes_do_not_count_as_failures(tmp_path: Path) -> None:
    async with door_at(tmp_path, failed_authentication_rate=FAILURES) as door:
        good = (await door.mint()).get_secret_value()
        assert [
            (await door.post(Authorization=f"Bearer {good}")).status_code for _ in range(5)
        ] == [201] * 5


async def test_without_the_setting_failures_are_not_counted(tmp_path: Path) -> None:
    async with door_at(tmp_path) as door:
        assert await register(door, "guess", 9) == [401] * 9
    assert len(door.server.limits.failures) == 0


async def test_the_audit_trail_has_the_address_that_the_proxy_tells(tmp_path: Path) -> None:
    async with door_at(tmp_path) as door:
        await door.post(address=PROXY, X_Forwarded_For=f"198.51.100.1, {ADDRESS}")
        entries = await door.server.storage.audit.page(AuditFilter(), after=0, limit=9)
    assert [entry.origin.address for entry in entries] == [ADDRESS]
