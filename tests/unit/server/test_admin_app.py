"""Who may administer: who has the token, and nobody where there is none."""

from pathlib import Path

import pytest

from tests.unit.server.administrator import TOKEN, Administrator, administrator_at
from tests.unit.server.registrant import bearer

PATHS = (
    ("GET", "initial-access-tokens"),
    ("POST", "initial-access-tokens"),
    ("DELETE", f"initial-access-tokens/{'0' * 16}"),
    ("GET", "clients"),
    ("GET", "clients/x"),
    ("DELETE", "clients/x"),
    ("GET", "audit"),
)


@pytest.mark.parametrize(("method", "path"), PATHS)
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 401, id="no token"),
        pytest.param(bearer("x" * 44), 401, id="another token"),
        pytest.param(bearer(TOKEN[:-1]), 401, id="all but the last character"),
        pytest.param({"Authorization": f"Basic {TOKEN}"}, 401, id="another scheme"),
    ],
)
async def test_nobody_without_the_token_gets_in(
    administrator: Administrator, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    answer = await administrator.http.request(method, f"/admin/{path}", headers=headers)
    assert answer.status_code == status
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["cache-control"] == "no-store"


async def test_a_token_in_the_query_is_refused(administrator: Administrator) -> None:
    answer = await administrator.http.get(f"/admin/clients?access_token={TOKEN}")
    assert answer.status_code == 400


async def test_an_initial_access_token_is_no_admin_token(administrator: Administrator) -> None:
    token = administrator.registrant.initial_access_token
    answer = await administrator.http.get("/admin/clients", headers=bearer(token))
    assert answer.status_code == 401


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_without_a_token_in_the_settings_the_api_does_not_exist(
    tmp_path: Path, method: str, path: str
) -> None:
    async with administrator_at(tmp_path, token=None) as administrator:
        answer = await administrator.http.request(method, f"/admin/{path}", headers=bearer(""))
        assert answer.status_code == 404
        assert (await administrator.http.get("/metrics")).status_code == 200


async def test_nothing_of_it_is_on_the_clients_address(administrator: Administrator) -> None:
    for path in ("/admin/clients", "/admin/audit", "/metrics"):
        answer = await administrator.registrant.http.get(path, headers=bearer(TOKEN))
        assert answer.status_code == 404


async def test_health_is_told(administrator: Administrator) -> None:
    for path in ("/healthz", "/readyz"):
        assert (await administrator.http.get(path)).json() == {"status": "ok"}
    administrator.registrant.server.departure.announced = True
    assert (await administrator.http.get("/readyz")).status_code == 503


async def test_metrics_count_clients_and_requests(administrator: Administrator) -> None:
    await administrator.registrant.register()
    answer = await administrator.http.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = answer.text.splitlines()
    assert 'dcr_server_clients{policy="default"} 1.0' in lines
    labels = 'operation="register",policy="default",result="ok"'
    assert f"dcr_server_operations_total{{{labels}}} 1.0" in lines
    assert administrator.registrant.initial_access_token not in answer.text


async def test_metrics_are_told_during_an_outage(administrator: Administrator) -> None:
    await administrator.registrant.register()
    await administrator.registrant.server.storage.close()
    answer = await administrator.http.get("/metrics")
    assert answer.status_code == 200
    assert "dcr_server_clients{" not in answer.text
