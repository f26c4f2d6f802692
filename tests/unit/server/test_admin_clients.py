import pytest

from tests.unit.server.administrator import Administrator
from tests.unit.server.registrant import MACHINE, Registered

pytestmark = pytest.mark.both_databases


def secrets_of(client: Registered) -> list[str]:
    return [client["client_secret"], client.token]


async def test_a_client_is_shown_without_its_credentials(administrator: Administrator) -> None:
    client = await administrator.registrant.register({**MACHINE, "client_name": "orders"})
    answer = await administrator.get(f"clients/{client['client_id']}")
    shown = answer.json()
    assert shown["metadata"]["grant_types"] == ["client_credentials"]
    assert (shown["policy"], shown["client_name"]) == ("default", "orders")
    assert shown["issued_at"] == int(administrator.registrant.clock.seconds)
    stored = await administrator.registrant.server.storage.clients.find(client["client_id"])
    assert stored is not None
    hashes = [stored.credentials[0].token_hash.hex(), stored.credentials[0].secret_hash]
    assert not [text for text in (*secrets_of(client), *map(str, hashes)) if text in answer.text]


async def test_a_list_is_by_policy_and_subject(administrator: Administrator) -> None:
    mint = administrator.registrant.mint
    tokens = [(await mint("default", subject=name)).get_secret_value() for name in ("a", "b")]
    for token in tokens:
        assert (await administrator.registrant.post(token=token)).status_code == 201
    listed = (await administrator.get("clients", policy="default", subject="a")).json()["items"]
    assert [client["subject"] for client in listed] == ["a"]
    assert len((await administrator.get("clients")).json()["items"]) == 2
    assert (await administrator.get("clients", policy="other")).json() == {"items": []}


async def test_a_removed_client_is_gone_with_its_credentials(administrator: Administrator) -> None:
    client = await administrator.registrant.register()
    path = f"clients/{client['client_id']}"
    assert (await administrator.delete(path)).status_code == 204
    assert (await administrator.get(path)).status_code == 404
    assert (await administrator.delete(path)).status_code == 404
    assert (await administrator.registrant.get_token(client.basic)).status_code == 401
    read = await administrator.registrant.read(client.uri, client.token)
    assert read.status_code == 401


async def test_an_id_that_no_client_can_have_is_not_found(administrator: Administrator) -> None:
    for client_id in ("%00", "no-such", "a%0ab"):
        assert (await administrator.get(f"clients/{client_id}")).status_code == 404
        assert (await administrator.delete(f"clients/{client_id}")).status_code == 404
