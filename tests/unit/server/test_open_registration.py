"""Registration without a token: by switch, under a policy, limited by address, owned by nobody."""

import uuid
from pathlib import Path

import pytest

from tests.unit.server.registrant import MACHINE
from tests.unit.server.strangers import ADDRESS, PROXY, Door, door_at

KEY = str(uuid.UUID(int=7))


async def statuses(door: Door, *addresses: str) -> list[int]:
    return [(await door.post(address=address)).status_code for address in addresses]


async def test_s004_the_policy_says_what_strangers_may_register(tmp_path: Path) -> None:
    async with door_at(tmp_path) as door:
        machine = await door.post({**MACHINE, "scope": "a b"})
        web = await door.post({"redirect_uris": ["https://shop.example/cb"]})
    assert machine.json()["scope"] == "a"
    assert (web.status_code, web.json()["error"]) == (400, "invalid_client_metadata")


async def test_s094_s174_an_address_has_its_rate_and_is_told_when_to_come_again(
    tmp_path: Path,
) -> None:
    async with door_at(tmp_path) as door:
        assert await statuses(door, *[ADDRESS] * 3) == [201] * 3
        response = await door.post()
        assert (response.status_code, response.headers["Retry-After"]) == (429, "20")
        assert response.json()["error"] == "temporarily_unavailable"
        assert response.headers["Cache-Control"] == "no-store"
        assert await statuses(door, "203.0.113.6") == [201]
        door.clock.seconds += 20
        assert await statuses(door, ADDRESS, ADDRESS) == [201, 429]


async def test_s174_what_is_refused_counts_too(tmp_path: Path) -> None:
    async with door_at(tmp_path) as door:
        refused = [(await door.post({"grant_types": ["x"]})).status_code for _ in range(4)]
    assert refused == [400, 400, 400, 429]


async def test_s174_an_ipv6_site_is_one_address(tmp_path: Path) -> None:
    async with door_at(tmp_path) as door:
        site = [f"2001:db8::{number}" for number in range(1, 5)]
        assert await statuses(door, *site, "2001:db8:0:1::1") == [201, 201, 201, 429, 201]


@pytest.mark.parametrize("header", ["X_Forwarded_For", "Forwarded"])
async def test_s174_behind_a_trusted_proxy_the_address_is_the_one_it_tells(
    tmp_path: Path, header: str
) -> None:
    form = "for={}" if header == "Forwarded" else "{}"
    async with door_at(tmp_path) as door:
        sent = [
            (await door.post(MACHINE, address=PROXY, **{header: form.format(told)})).status_code
            for told in [*["198.51.100.1"] * 4, "198.51.100.2"]
        ]
    assert sent == [201, 201, 201, 429, 201]


async def test_s174_whoever_makes_up_addresses_is_counted_under_their_own(tmp_path: Path) -> None:
    async with door_at(tmp_path) as door:
        spoofed = [
            (await door.post(X_Forwarded_For=f"198.51.100.{n}")).status_code for n in range(4)
        ]
        appended = [
            (
                await door.post(address=PROXY, X_Forwarded_For=f"198.51.100.{n}, 192.0.2.1")
            ).status_code
            for n in range(4)
        ]
    assert spoofed == appended == [201, 201, 201, 429]


async def test_each_registration_has_an_owner_of_its_own(tmp_path: Path) -> None:
    async with door_at(tmp_path) as door:
        owners = []
        for _ in range(2):
            client = await door.server.storage.clients.find((await door.post()).json()["client_id"])
            assert client is not None
            owners.append(client.owner)
    assert {owner.policy for owner in owners} == {"strangers"}
    assert len({owner.subject for owner in owners}) == 2
    assert all(owner.subject.startswith("open-") for owner in owners)


async def test_a_stranger_manages_the_client_like_anybody(tmp_path: Path) -> None:
    async with door_at(tmp_path) as door:
        client = (await door.post()).json()
        response = await door.send(
            "DELETE",
            client["registration_client_uri"],
            headers={"Authorization": f"Bearer {client['registration_access_token']}"},
        )
    assert response.status_code == 204


@pytest.mark.parametrize("key", ["k", "k" * 31, KEY[:31], "", "k" * 256])
async def test_a_key_of_a_stranger_must_be_long_enough_not_to_be_guessed(
    tmp_path: Path, key: str
) -> None:
    async with door_at(tmp_path) as door:
        response = await door.post(Idempotency_Key=key)
    assert response.status_code == 400
    assert "of 32 to 255" in response.json()["error_description"]


async def test_s030_a_stranger_repeats_a_registration_by_its_key(tmp_path: Path) -> None:
    async with door_at(tmp_path) as door:
        first = await door.post(Idempotency_Key=KEY)
        again = await door.post(Idempotency_Key=KEY, address="198.51.100.1")
        other = await door.post({**MACHINE, "scope": "a"}, Idempotency_Key=KEY)
    assert first.json()["client_id"] == again.json()["client_id"]
    assert first.json()["client_secret"] != again.json()["client_secret"]
    assert other.status_code == 422


async def test_a_key_of_open_registration_means_nothing_to_a_token(tmp_path: Path) -> None:
    async with door_at(tmp_path) as door:
        token = (await door.mint("strangers")).get_secret_value()
        ours = await door.post(Idempotency_Key=KEY, Authorization=f"Bearer {token}")
        theirs = await door.post(Idempotency_Key=KEY)
    assert ours.status_code == theirs.status_code == 201
    assert ours.json()["client_id"] != theirs.json()["client_id"]


@pytest.mark.parametrize("subject", ["", "x"])
async def test_no_owner_s_name_reaches_into_open_registration(tmp_path: Path, subject: str) -> None:
    async with door_at(tmp_path) as door:
        token = (await door.mint("strangers", subject=subject)).get_secret_value()
        theirs = await door.post(Idempotency_Key=KEY)
        for key in (KEY, f"\n{KEY}", f"open\n{KEY}"):
            ours = await door.post(Idempotency_Key=key, Authorization=f"Bearer {token}")
            assert ours.json().get("client_id") != theirs.json()["client_id"]
