"""kopf as event source: the one module that knows it. Events become keys in the queue.

kopf lists and watches; what its answers say is taken from them as they come. Nothing is decided
here and nothing is written by kopf: no finalizers, no annotations, no Events. Replaceable by a few
hundred lines of list and watch.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain, repeat
from math import inf
from typing import Any, Final

import aiohttp
import kopf
import structlog

from dcr_operator.kube import (
    API_GROUP,
    CLUSTER_OAUTH_PROVIDERS,
    NAMESPACES,
    OAUTH_CLIENTS,
    OAUTH_PROVIDERS,
    SECRETS,
    Key,
    Resource,
)
from dcr_operator.kubernetes_connection import KubernetesConnection
from dcr_operator.object_names import CLIENT_LABEL
from dcr_operator.startup_error import StartupError
from dcr_operator.watch_index import Enqueue, WatchIndex
from dcr_operator.watch_responses import Tell, telling
from dcr_operator.watch_streams import WatchStreams
from dcr_operator.work_queue import WorkQueue

SILENCE = 70.0  # seconds until a watch is made anew: an API server sends a bookmark each minute
_BACKOFFS = (1.0, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 21.0)
_LONGEST_BACKOFF = 30.0
_LISTED_AFTER = 30.0  # seconds: by then the first listing has been handled

Route = Callable[[str | None, Mapping[str, Any]], list[Enqueue]]

log = structlog.get_logger("dcr_operator")


class CredentialsRefusedError(StartupError):
    """Raised on a 401: kopf would go on without watches, and nobody would notice for minutes."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"{host} does not accept our credentials any more (401):"
            " renew those in the kubeconfig, or let the pod start anew"
        )


@dataclass(frozen=True, slots=True)
class EventSource:
    """Watches our kinds, namespaces and, when wanted, tenant Secrets."""

    connection: KubernetesConnection
    index: WatchIndex
    queue: WorkQueue[Key]
    streams: WatchStreams
    namespaces: tuple[str, ...]  # none: all
    watch_secrets: bool
    watch_namespaced_providers: bool
    silence: float = SILENCE

    async def run(
        self, *, server_timeout: int, stop: asyncio.Event, started: asyncio.Event
    ) -> None:
        """Watch until ``stop`` is set; raises CredentialsRefusedError.

        kopf cancels every task that began after it, so ours come first.
        """
        self.streams.expected = self._watches()
        async with self._session() as session:
            refused = asyncio.create_task(self.streams.refused.wait())
            watching = asyncio.create_task(
                kopf.operator(
                    registry=self._registry(session),
                    settings=watch_settings(server_timeout, self.silence),
                    clusterwide=not self.namespaces,
                    namespaces=self.namespaces,
                    standalone=True,
                    stop_flag=stop,
                    ready_flag=started,
                )
            )
            try:
                await asyncio.wait({refused, watching}, return_when=asyncio.FIRST_COMPLETED)
                if self.streams.refused.is_set():
                    raise CredentialsRefusedError(self.connection.host)
                await watching
            finally:
                for task in (refused, watching):
                    task.cancel()
                await asyncio.gather(refused, watching, return_exceptions=True)

    async def restore_unpublished(
        self, started: asyncio.Event, sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        """Look at clients whose Secret went while no operator ran; no event tells of those."""
        if not self.watch_secrets:
            return
        await started.wait()
        await sleep(_LISTED_AFTER)
        for each in self.index.unpublished():
            enqueue(self.queue, each)

    def _watches(self) -> int:
        namespaced = 1 + self.watch_namespaced_providers + self.watch_secrets
        return namespaced * max(1, len(self.namespaces)) + len(
            [CLUSTER_OAUTH_PROVIDERS, NAMESPACES]
        )

    def _session(self) -> aiohttp.ClientSession:
        """Kopf's requests: with our TLS, and the token of the moment in each of them."""

        async def authorize(
            request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
        ) -> aiohttp.ClientResponse:
            request.headers.update(await self.connection.headers())
            return await handler(request)

        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=self.connection.tls()),
            proxy=self.connection.configuration.proxy,
            trace_configs=[self.streams.trace()],
            middlewares=(authorize,),
            response_class=telling(self._teller()),
        )

    def _registry(self, session: aiohttp.ClientSession) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()
        info = kopf.AiohttpSession(server=self.connection.host, aiohttp_session=session)

        @kopf.on.login(registry=registry, errors=kopf.ErrorsMode.PERMANENT)
        async def login(**_: Any) -> kopf.AiohttpSession:  # noqa: ANN401  # kopf's own style
            return info

        for resource in self._routes():
            kopf.on.event(
                resource.group,
                resource.version,
                resource.plural,
                registry=registry,
                id=f"watch-{resource.plural}",
            )(_is_watched)
        return registry

    def _routes(self) -> dict[Resource, Route]:
        """What is watched, and who is told of it."""
        routes: dict[Resource, Route] = {
            OAUTH_CLIENTS: self.index.on_client,
            CLUSTER_OAUTH_PROVIDERS: partial(self.index.on_provider, CLUSTER_OAUTH_PROVIDERS.kind),
            NAMESPACES: self.index.on_namespace,
        }
        if self.watch_namespaced_providers:
            routes[OAUTH_PROVIDERS] = partial(self.index.on_provider, OAUTH_PROVIDERS.kind)
        if self.watch_secrets:
            routes[SECRETS] = self.index.on_secret
        return routes

    def _teller(self) -> Tell:
        routes = {resource.plural: route for resource, route in self._routes().items()}

        def tell(plural: str, event: str | None, obj: Mapping[str, Any]) -> None:
            route = routes.get(plural)
            if route is None:
                return
            try:
                for each in route(event, obj):
                    enqueue(self.queue, each)
            except Exception:  # one object must not end the watch of all
                log.exception("event failed", resource=plural)

        return tell


async def _is_watched(**_: Any) -> None:  # noqa: ANN401  # kopf's own style
    """Kopf watches what has a handler; objects are told of before they get to it."""


def enqueue(queue: WorkQueue[Key], each: Enqueue) -> None:
    if each.reset_backoff:
        queue.reset_backoff(each.key)
    if each.after <= 0:
        queue.add(each.key, each.priority)
    elif each.after < inf:
        queue.add_after(each.key, each.after)


class _NoDiffBase(kopf.DiffBaseStorage):
    """Nothing is kept on objects, so nothing is copied and compared for each event."""

    def build(self, **_: Any) -> kopf.BodyEssence:  # noqa: ANN401  # kopf's own style
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> None:  # noqa: ANN401  # kopf's own style
        return None

    def store(self, **_: Any) -> None:  # noqa: ANN401  # kopf's own style
        return None


class _NoProgress(kopf.ProgressStorage):
    """There are no handlers whose progress would have to be kept."""

    def fetch(self, **_: Any) -> None:  # noqa: ANN401  # kopf's own style
        return None

    def store(self, **_: Any) -> None:  # noqa: ANN401  # kopf's own style
        return None

    def purge(self, **_: Any) -> None:  # noqa: ANN401  # kopf's own style
        return None

    def touch(self, **_: Any) -> None:  # noqa: ANN401  # kopf's own style
        return None

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        return essence


class _EndlessBackoffs:
    """Kopf ends the process when its patience ends; ours waits for the API server.

    Iterated anew for each request.
    """

    def __iter__(self) -> Iterator[float]:
        return chain(_BACKOFFS, repeat(_LONGEST_BACKOFF))


ENDLESS_BACKOFFS: Final = _EndlessBackoffs()


def watch_settings(server_timeout: int, silence: float = SILENCE) -> kopf.OperatorSettings:
    """Kopf as a quiet event source; ``server_timeout`` differs from process to process."""
    settings = kopf.OperatorSettings()
    settings.scanning.disabled = True  # no list of CRDs and namespaces
    settings.peering.standalone = True  # a Lease instead
    settings.posting.enabled = False  # we write Events ourselves
    settings.persistence.finalizer = f"{API_GROUP}/kopf"  # never set, must not be ours
    settings.persistence.diffbase_storage = _NoDiffBase()
    settings.persistence.progress_storage = _NoProgress()
    settings.queueing.worker_limit = None  # a limit is held through idle time
    settings.queueing.idle_timeout = 0.5
    settings.watching.chunk_size = 500
    settings.watching.server_timeout = server_timeout  # regular clean reconnects
    settings.watching.client_timeout = server_timeout + 30
    settings.watching.connect_timeout = 10
    settings.watching.reconnect_backoff = 1.0  # before all is listed anew
    settings.watching.inactivity_timeout = silence  # half-open sockets die
    settings.watching.label_selectors["", "v1", "secrets"] = CLIENT_LABEL
    settings.networking.request_timeout = 30
    settings.networking.connect_timeout = 5
    settings.networking.enforce_retry_after = True
    settings.networking.error_backoffs = ENDLESS_BACKOFFS
    settings.process.ultimate_exiting_timeout = 30  # below the grace period of a pod
    return settings
