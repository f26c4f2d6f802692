import pytest

from tests.unit.server.administrator import Administrator

pytestmark = pytest.mark.both_databases

PATH = "initial-access-tokens"


async def test_a_token_is_made_shown_once_and_good_for_its_policy(
    administrator: Administrator,
) -> None:
    wanted = {
        "policy": "default",
        "max_uses": 1,
        "expires_in": "1h",
        "subject": "team",
        "note": "für team",
    }
    answer = await administrator.post(PATH, wanted)
    assert answer.status_code == 201
    made = answer.json()
    token = made.pop("initial_access_token")
    created = int(administrator.registrant.clock.seconds)
    assert made == {
        "token_id": made["token_id"],
        "policy": "default",
        "subject": "team",
        "created_at": created,
        "expires_at": created + 3600,
        "max_uses": 1,
        "uses": 0,
        "note": "für team",
    }
    assert (await administrator.registrant.post(token=token)).status_code == 201
    assert (await administrator.registrant.post(token=token)).status_code == 401
    listed = (await administrator.get(PATH)).json()["items"]
    assert {**made, "uses": 1} in listed
    assert token not in str(listed)


async def test_without_a_subject_each_has_one_of_its_own(administrator: Administrator) -> None:
    made = [(await administrator.post(PATH, {"policy": "default"})).json() for _ in range(2)]
    assert made[0]["subject"] != made[1]["subject"]
    assert (made[0]["expires_at"], made[0]["max_uses"]) == (None, None)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({}, "policy"),
        ({"policy": "nobody"}, "configured: default"),
        ({"policy": 1}, "policy"),
        ({"policy": "default", "max_uses": 0}, "max_uses"),
        ({"policy": "default", "max_uses": 2**53 + 1}, "max_uses"),
        ({"policy": "default", "max_uses": "3"}, "max_uses"),
        ({"policy": "default", "max_uses": True}, "max_uses"),
        ({"policy": "default", "expires_in": "soon"}, "expires_in: write a number and a unit"),
        ({"policy": "default", "expires_in": 0}, "expires_in"),
        ({"policy": "default", "expires_in": -1}, "expires_in"),
        ({"policy": "default", "expires_in": 2**63}, "expires_in"),
        ({"policy": "default", "subject": ""}, "subject"),
        ({"policy": "default", "subject": "a\nb"}, "subject"),
        ({"policy": "default", "note": "x" * 256}, "note"),
        ({"policy": "default", "note": "a\u0000"}, "note"),
        ({"policy": "default", "uses": 1}, "uses"),
        ([], "object"),
    ],
)
async def test_what_cannot_be_made_is_said_with_its_name(
    administrator: Administrator, wanted: object, said: str
) -> None:
    answer = await administrator.post(PATH, wanted)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert said in answer.json()["error_description"]


async def test_a_revoked_token_is_of_no_use_at_once(administrator: Administrator) -> None:
    made = (await administrator.post(PATH, {"policy": "default"})).json()
    token = made["initial_access_token"]
    assert (await administrator.registrant.post(token=token)).status_code == 201
    assert (await administrator.delete(f"{PATH}/{made['token_id']}")).status_code == 204
    assert (await administrator.registrant.post(token=token)).status_code == 401
    assert (await administrator.delete(f"{PATH}/{made['token_id']}")).status_code == 404


@pytest.mark.parametrize("token_id", ["0", "00", "g" * 16, "0" * 64, "%00", "a%0ab"])
async def test_a_part_of_an_id_revokes_nothing(administrator: Administrator, token_id: str) -> None:
    assert (await administrator.delete(f"{PATH}/{token_id}")).status_code == 404
    assert (await administrator.registrant.post()).status_code == 201


async def test_a_list_is_of_one_policy_if_asked(administrator: Administrator) -> None:
    for policy, count in (("default", 1), ("nobody", 0)):
        listed = (await administrator.get(PATH, policy=policy)).json()
        assert len(listed["items"]) == count
