import pytest

from tests.unit.server.administrator import Administrator

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
        "actor": registered["subject"],
        "address": registered["address"],
        "request_id": "made-by-a-test",
    }
    assert (removed["action"], removed["actor"]) == ("client_removed", "admin")
    shown = (client["client_secret"], client.token, administrator.registrant.initial_access_token)
    assert not [secret for secret in shown if secret in answer.text]


async def test_the_trail_is_filtered(administrator: Administrator) -> None:
    await administrator.registrant.register()
    await administrator.post("initial-access-tokens", {"policy": "default", "subject": "a"})
    cases: dict[str, tuple[dict[str, str], int]] = {
        "action": ({"action": "client_registered"}, 1),
        "subject": ({"subject": "a"}, 1),
        "policy": ({"policy": "default"}, 3),
        "nothing": ({"policy": "default", "client_id": "none"}, 0),
    }
    for case, (filters, count) in cases.items():
        assert len((await administrator.get("audit", **filters)).json()["items"]) == count, case


async def test_an_unknown_action_is_said_with_those_that_exist(
    administrator: Administrator,
) -> None:
    answer = await administrator.get("audit", action="client_renamed")
    assert answer.status_code == 400
    assert "client_registered" in answer.json()["error_description"]
