"""What the supervisor says of itself; the life of its workers is in test_workers.py."""

import contextlib
import socket

import httpx

from dcr_server.answering import Serving
from dcr_server.routing import Application, resource_at
from dcr_server.settings import Settings
from dcr_server.supervisor import Workers
from tests.unit.server.registrant import Registrant


async def test_it_is_not_ready_without_a_worker(registrant: Registrant) -> None:
    server = registrant.server
    with contextlib.closing(socket.socket()) as listener:
        serving = Serving(Settings(), listener, None, None, 0.0)
        workers = Workers(serving, "unused", server.departure, lambda: None)
        app = Application(server, [resource_at(server, "/readyz", GET=workers.readyz)], None)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://admin.test") as http:
            waiting = await http.get("/readyz")
            assert (waiting.status_code, waiting.json()["status"]) == (503, "no worker is ready")
            server.departure.announced = True
            leaving = await http.get("/readyz")
            assert (leaving.status_code, leaving.json()["status"]) == (503, "leaving")
