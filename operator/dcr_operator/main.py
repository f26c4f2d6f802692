"""Composition root: settings, then adapters, then queue, workers and watches."""

import asyncio
import os
import random
import socket
import time
import uuid
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from dcr_operator.backoff import Backoff
from dcr_operator.client_metrics import ClientMetrics
from dcr_operator.event_recorder import KubernetesEventRecorder
from dcr_operator.events import EventSource, enqueue
from dcr_operator.first_look import FirstLook
from dcr_operator.health import HealthServer
from dcr_operator.key_pairs import KeyPairs
from dcr_operator.kube import Key
from dcr_operator.kubernetes_api import HttpKubernetesApi
from dcr_operator.kubernetes_connection import KubernetesConnection, connect
from dcr_operator.lease import Lease, LeaseTime
from dcr_operator.left_records import LeftRecords
from dcr_operator.lifecycle import Lifecycle
from dcr_operator.metrics import Metrics, QueueMetrics
from dcr_operator.ports import Context
from dcr_operator.preflight import check_cluster, cluster_id
from dcr_operator.provider_lanes import provider_lanes
from dcr_operator.recent_reads import RecentReads
from dcr_operator.reconcile import reconcile
from dcr_operator.registration_client import HttpRegistrationClient
from dcr_operator.resync import InMemoryResync
from dcr_operator.settings import Settings
from dcr_operator.version import VERSION
from dcr_operator.watch_index import WatchIndex
from dcr_operator.watch_streams import WatchStreams
from dcr_operator.watchdog import Watchdog
from dcr_operator.work_queue import Priority, WorkQueue
from dcr_operator.workers import Workers

log = structlog.get_logger("dcr_operator")


@dataclass(frozen=True, slots=True)
class _Adapters:
    """What touches the outside."""

    connection: KubernetesConnection
    api: HttpKubernetesApi
    references: RecentReads
    registrations: HttpRegistrationClient
    recorder: KubernetesEventRecorder
    streams: WatchStreams
    metrics: Metrics
    clients: ClientMetrics


async def run(settings: Settings, environment: Mapping[str, str]) -> None:
    """Run the operator until a signal; raises an error for the user when it cannot."""
    connection = await connect(environment)
    async with AsyncExitStack() as stack:
        adapters = _adapters(connection)
        stack.push_async_callback(adapters.api.close)
        stack.push_async_callback(adapters.registrations.close)
        await check_cluster(
            adapters.api,
            connection.host,
            settings.watch_namespaces,
            settings.namespace,
            namespaced_providers=settings.namespaced_providers,
            watch_secrets=settings.secret_watch,
        )
        cluster = settings.cluster_id or await cluster_id(adapters.api)
        adapters.metrics.info.labels(VERSION, cluster, settings.class_).set(1)
        log.info(
            "starting",
            version=VERSION,
            cluster=cluster,
            namespace=settings.namespace,
            operator_class=settings.class_,
            watch_namespaces=settings.watch_namespaces,
        )
        await _lifecycle(settings, adapters).run()


def _adapters(connection: KubernetesConnection) -> _Adapters:
    metrics = Metrics()
    clients = ClientMetrics()
    metrics.registry.register(clients)

    def count(method: str, code: str) -> None:
        metrics.kubernetes_requests.labels(code, method, connection.host).inc()

    def observe(provider: str, operation: str, code: int, seconds: float) -> None:
        metrics.provider_seconds.labels(provider, operation, str(code)).observe(seconds)

    api = HttpKubernetesApi(connection, count=count)
    return _Adapters(
        connection=connection,
        api=api,
        references=RecentReads(api, time.monotonic),
        registrations=HttpRegistrationClient(observe=observe),
        recorder=KubernetesEventRecorder(
            api, _identity(), now=_now, clock=time.monotonic, log=_warn
        ),
        streams=WatchStreams(time.monotonic, count),
        metrics=metrics,
        clients=clients,
    )


def _lifecycle(settings: Settings, adapters: _Adapters) -> Lifecycle:
    streams = adapters.streams
    resync = InMemoryResync()
    first_look = FirstLook(resync, adapters.clients, settings.resync, _now)
    index = WatchIndex(first_look, listed=lambda: streams.ready_problem() is None)
    queue = _queue(settings, adapters.metrics, index)
    index.enqueue = lambda each: enqueue(queue, each)
    streams.left = index.has_left
    index.changed = adapters.references.forget
    watchdog = Watchdog(time.monotonic)
    source = EventSource(
        adapters.connection,
        index,
        queue,
        streams,
        settings.watch_namespaces,
        settings.secret_watch,
        settings.namespaced_providers,
    )
    context = _context(settings, adapters, index, resync, queue=queue)
    return Lifecycle(
        health=HealthServer(settings.listen_address, adapters.metrics),
        watchdog=watchdog,
        streams=streams,
        queue=queue,
        workers=Workers(queue, reconcile, context, adapters.metrics, watchdog),
        worker_count=settings.workers,
        recorder=adapters.recorder,
        source=source,
        # Different in each process, so that not all of them reconnect at once.
        server_timeout=random.randint(240, 300),  # noqa: S311  # no secret
        lease=_lease(settings, adapters) if settings.leader_election else None,
        left=LeftRecords(context, index.listed, index.uids, index.leave),
    )


def _queue(settings: Settings, metrics: Metrics, index: WatchIndex) -> WorkQueue[Key]:
    return WorkQueue(
        asyncio.get_running_loop(),
        Backoff(random.random),
        observer=QueueMetrics(metrics),
        lanes=provider_lanes(settings.workers, index.provider_of),
    )


def _context(
    settings: Settings,
    adapters: _Adapters,
    index: WatchIndex,
    resync: InMemoryResync,
    *,
    queue: WorkQueue[Key],
) -> Context:
    return Context(
        kubernetes=adapters.api,
        references=adapters.references,
        registrations=adapters.registrations,
        events=adapters.recorder,
        metrics=adapters.clients,
        provider_use=index,
        enqueue=lambda key: queue.add(key, Priority.ROUTINE),
        resync=resync,
        namespace=settings.namespace,
        served_namespaces=settings.watch_namespaces,
        default_resync=settings.resync,
        allow_loopback=settings.allow_loopback,
        namespaced_providers=settings.namespaced_providers,
        operator_class=settings.class_,
        now=_now,
        new_id=lambda: str(uuid.uuid4()),
        new_key_pair=KeyPairs(_now),
        sleep=asyncio.sleep,
    )


def _lease(settings: Settings, adapters: _Adapters) -> Lease:
    clocks = LeaseTime(_now, time.monotonic, asyncio.sleep)
    return Lease(adapters.api, settings.namespace, _identity(), clocks, _tell)


def _identity() -> str:
    """Who holds the Lease: the pod, so that a restarted container leads again at once."""
    host = socket.gethostname()
    in_pod = "KUBERNETES_SERVICE_HOST" in os.environ
    return host if in_pod else f"{host}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


def _now() -> datetime:
    return datetime.now(UTC)


def _tell(event: str, detail: str) -> None:
    log.info(event, detail=detail)


def _warn(event: str, detail: str) -> None:
    log.warning(event, detail=detail)
