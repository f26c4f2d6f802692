"""kopf as event source: what happens when the API server sends it away."""

import asyncio
import ssl
import time
from dataclasses import dataclass

import pytest

from dcr_operator.backoff import Backoff
from dcr_operator.events import SILENCE, CredentialsRefusedError, EventSource
from dcr_operator.kubernetes_connection import KubernetesConnection
from dcr_operator.watch_index import WatchIndex
from dcr_operator.watch_streams import WatchStreams
from dcr_operator.work_queue import WorkQueue
from tests.fakes.api_server import FakeApiServer, running_api_server, status
from tests.fakes.first_look import new_first_look


@dataclass(slots=True)
class PlainConnection(KubernetesConnection):
    """To the fake, which speaks no TLS."""

    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()


def source(server: FakeApiServer, silence: float = SILENCE) -> EventSource:
    return EventSource(
        PlainConnection(server.configuration, None),
        WatchIndex(new_first_look()),
        WorkQueue(asyncio.get_running_loop(), Backoff(lambda: 0.0)),
        WatchStreams(time.monotonic),
        namespaces=(),
        watch_secrets=True,
        watch_namespaced_providers=True,
        silence=silence,
    )


@pytest.mark.timeout(20)
async def test_credentials_that_are_refused_end_the_watches_with_what_to_do() -> None:
    async with running_api_server(lambda _: status(401, "Unauthorized")) as server:
        with pytest.raises(CredentialsRefusedError, match="renew those in the kubeconfig"):
            await source(server).run(
                server_timeout=240, stop=asyncio.Event(), started=asyncio.Event()
            )
