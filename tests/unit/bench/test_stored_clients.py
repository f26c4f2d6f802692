from pathlib import Path

import pytest

from dcr_server.storage.requests import AuditFilter, ClientFilter
from dcr_server.storage.sqlite import open_sqlite_storage
from tests.bench.stored_clients import copy_with_clients, fill


async def test_stored_clients_are_registered_like_any_other(tmp_path: Path) -> None:
    await fill(tmp_path / "clients.db", 12)
    storage = await open_sqlite_storage(tmp_path / "clients.db")
    clients = await storage.clients.page(ClientFilter(), after="", limit=100)
    entries = await storage.audit.page(AuditFilter(), after=0, limit=100)
    assert await storage.clients.counts() == {"default": 12}
    assert [entry.client_id for entry in entries] == [client.client_id for client in clients]
    assert len({client.credentials for client in clients}) == 12
    await storage.close()


def test_a_database_is_made_once_and_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tests.bench.stored_clients.FOLDER", tmp_path)
    copy_with_clients(3, tmp_path / "one.db")
    copy_with_clients(3, tmp_path / "two.db")
    assert capsys.readouterr().err.count("registering 3 clients") == 1
    assert (tmp_path / "one.db").read_bytes() == (tmp_path / "two.db").read_bytes()
