import pytest

from tests.unit.server.administrator import Administrator
from tests.unit.server.registrant import MACHINE

pytestmark = pytest.mark.both_databases


async def test_the_trail_tells_who_did_what(administrator: Administrator) -> None:
    client = await administrator.registrant.register(X_Request_Id="made-by-a-test")
    await administrator.delete(f"clients/{client['client_id']}")
    answer = await administrator.get("audit", client_id=client["client_id"])
    registered, removed = answer.json()["items"]
    assert registered == {
        "id": registered["id"],
        "at": int(administrator.registrant.clock.seconds),
        "action": "client_registered",
        "client_id": client["client_id"],
        "policy": "default",
        "subject": registered["subject"],
        "token_id": registered["token_id"],
        "kid": "",
        "jti": "",
        "actor": "registrant",
        "address": registered["address"],
        "request_id": "made-by-a-test",
    }
    assert (removed["action"], removed["actor"]) == ("client_removed", "admin")
    shown = (client["client_secret"], client.token, administrator.registrant.initial_access_token)
    assert not [secret for secret in shown if secret in answer.text]


@pytest.mark.parametrize("name", ["admin", "cli", "client", "clean-up"])
async def test_nobody_looks_like_another_by_the_name_of_a_subject(
    administrator: Administrator, name: str
) -> None:
    made = await administrator.post("initial-access-tokens", {"policy": "default", "subject": name})
    token = made.json()["initial_access_token"]
    client = (await administrator.registrant.post(MACHINE, token=token)).json()
    answer = await administrator.get("audit", client_id=client["client_id"])
    (registered,) = answer.json()["items"]
    assert (registered["actor"], registered["subject"]) == ("registrant", name)
    assert registered["token_id"] == made.json()["token_id"]
    answer = await administrator.get("audit", actor=name, action="client_registered")
    assert answer.json()["items"] == []


async def test_what_concerns_a_token_is_found_by_its_id(administrator: Administrator) -> None:
    made = (await administrator.post("initial-access-tokens", {"policy": "default"})).json()
    token_id = made["token_id"]
    await administrator.registrant.post(MACHINE, token=made["initial_access_token"])
    await administrator.delete(f"initial-access-tokens/{token_id}")
    found = (await administrator.get("audit", token_id=token_id)).json()["items"]
    assert [(entry["action"], entry["actor"]) for entry in found] == [
        ("initial_access_token_created", "admin"),
        ("client_registered", "registrant"),
        ("initial_access_token_revoked", "admin"),
    ]


async def test_the_trail_is_filtered(administrator: Administrator) -> None:
    await administrator.registrant.register()
    await administrator.post("initial-access-tokens", {"policy": "default", "subject": "a"})
    cases: dict[str, tuple[dict[str, str], int]] = {
        "action": ({"action": "client_registered"}, 1),
        "subject": ({"subject": "a"}, 1),
        "actor": ({"actor": "admin"}, 1),
        "kid": ({"kid": "none"}, 0),
        "policy": ({"policy": "default"}, 3),
        "nothing": ({"policy": "default", "client_id": "none"}, 0),
    }
    for case, (filters, count) in cases.items():
        assert len((await administrator.get("audit", **filters)).json()["items"]) == count, case


@pytest.mark.parametrize(
    ("parameter", "existing"), [("action", "client_registered"), ("actor", "clean-up")]
)
async def test_an_unknown_name_is_said_with_those_that_exist(
    administrator: Administrator, parameter: str, existing: str
) -> None:
    answer = await administrator.get("audit", **{parameter: "team"})
    assert answer.status_code == 400
    assert existing in answer.json()["error_description"]
