"""Pages: all items once, in order, whatever the limit; nothing else than is documented."""

import pytest

from tests.unit.server.administrator import TOKEN, Administrator
from tests.unit.server.registrant import bearer

pytestmark = pytest.mark.both_databases


async def all_pages(administrator: Administrator, path: str, limit: int) -> list[dict[str, object]]:
    items: list[dict[str, object]] = []
    cursor: dict[str, str] = {}
    for _ in range(20):
        page = (await administrator.get(path, limit=limit, **cursor)).json()
        assert len(page["items"]) <= limit
        items += page["items"]
        if "next" not in page:
            return items
        cursor = {"after": page["next"]}
    raise AssertionError("the pages do not end")


@pytest.mark.parametrize("path", ["clients", "initial-access-tokens", "audit"])
@pytest.mark.parametrize("limit", [1, 2, 3, 500])
async def test_pages_make_up_the_whole(administrator: Administrator, path: str, limit: int) -> None:
    for _ in range(3):
        await administrator.post("initial-access-tokens", {"policy": "default"})
        await administrator.registrant.register()
    whole = (await administrator.get(path)).json()
    assert "next" not in whole
    assert len(whole["items"]) >= 3
    assert await all_pages(administrator, path, limit) == whole["items"]


@pytest.mark.parametrize("path", ["clients", "initial-access-tokens", "audit"])
@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("limit=", "limit"),
        ("limit=" + "9" * 5000, "limit"),
        ("limit=0000005000", "limit"),
        ("limit=000000500" + "9" * 1000, "limit"),
        ("limit=1&limit=2", "repeated"),
        ("page=2", "unknown parameter page; there are"),
        ("policy=", "policy"),
        ("policy=%00", "policy"),
        ("policy=%ff", "cannot be read"),
        ("policy=" + "x" * 1025, "policy"),
        ("&".join(f"a{number}=1" for number in range(17)), "cannot be read"),
        ("after=!", "after"),
        ("after=AA", "after"),
        ("after=%00", "after"),
    ],
)
async def test_what_is_not_documented_is_refused(
    administrator: Administrator, path: str, query: str, said: str
) -> None:
    answer = await administrator.http.get(f"/admin/{path}?{query}", headers=bearer(TOKEN))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert said in answer.json()["error_description"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "initial-access-tokens"),
        ("DELETE", f"initial-access-tokens/{'0' * 16}"),
        ("GET", "clients/x"),
        ("DELETE", "clients/x"),
    ],
)
async def test_where_there_is_nothing_to_ask_for_a_query_is_refused(
    administrator: Administrator, method: str, path: str
) -> None:
    answer = await administrator.http.request(
        method, f"/admin/{path}?force=true", headers=bearer(TOKEN), json={"policy": "default"}
    )
    assert answer.status_code == 400
    assert "no parameters" in answer.json()["error_description"]


@pytest.mark.parametrize("path", ["initial-access-tokens", "audit"])
async def test_the_cursor_of_another_list_is_refused(
    administrator: Administrator, path: str
) -> None:
    for _ in range(2):
        await administrator.registrant.register()
    cursor = (await administrator.get("clients", limit=1)).json()["next"]
    answer = await administrator.get(path, after=cursor)
    assert answer.status_code == 400
