from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from dcr_operator.client_metrics import ClientMetrics
from dcr_operator.health import HealthServer
from dcr_operator.metrics import Metrics, QueueMetrics


@asynccontextmanager
async def running(server: HealthServer) -> AsyncIterator[httpx.AsyncClient]:
    url = await server.start()
    try:
        async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
            yield client
    finally:
        await server.stop()


async def test_a_problem_fails_the_probe_and_is_named() -> None:
    server = HealthServer(("127.0.0.1", 0), Metrics())
    server.live.append(lambda: None)
    server.ready.append(lambda: "2 watches are not open yet")
    async with running(server) as client:
        live, ready = await client.get("/healthz"), await client.get("/readyz")
    assert (live.status_code, live.text) == (200, "ok\n")
    assert (ready.status_code, ready.text) == (503, "2 watches are not open yet\n")


async def test_metrics_have_the_names_that_dashboards_know() -> None:
    metrics = Metrics()
    metrics.registry.register(ClientMetrics())
    queue = QueueMetrics(metrics)
    queue.depth(3)
    queue.waited(0.1)
    queue.retried()
    metrics.reconciles.labels("oauthclient", "success").inc()
    metrics.reconcile_seconds.labels("oauthclient").observe(0.1)
    metrics.active_workers.labels("oauthclient").set(1)
    metrics.kubernetes_requests.labels("200", "GET", "https://k").inc()
    metrics.leading.labels("dcr-operator").set(1)
    metrics.provider_seconds.labels("p", "register", "201").observe(0.1)
    async with running(HealthServer(("127.0.0.1", 0), metrics)) as client:
        text = (await client.get("/metrics")).text
    for name in (
        'controller_runtime_reconcile_total{controller="oauthclient",result="success"} 1.0',
        'controller_runtime_reconcile_time_seconds_count{controller="oauthclient"} 1.0',
        'controller_runtime_active_workers{controller="oauthclient"} 1.0',
        'workqueue_depth{name="oauthclient"} 3.0',
        'workqueue_queue_duration_seconds_count{name="oauthclient"} 1.0',
        'workqueue_retries_total{name="oauthclient"} 1.0',
        'rest_client_requests_total{code="200",host="https://k",method="GET"} 1.0',
        'leader_election_master_status{name="dcr-operator"} 1.0',
        'dcr_provider_requests_seconds_count{code="201",operation="register",provider="p"} 1.0',
        "dcr_pending_intents 0.0",
    ):
        assert name in text


def exposed(clients: ClientMetrics) -> list[str]:
    metrics = Metrics()
    metrics.registry.register(clients)
    lines = metrics.exposition().decode().splitlines()
    return [line for line in lines if line.startswith("dcr_") and "_created" not in line]


def test_clients_are_counted_by_provider_and_readiness() -> None:
    clients = ClientMetrics()
    clients.client_seen("u1", "main", ready=True, secret_expires_at=2_000)
    clients.client_seen("u2", "main", ready=True, secret_expires_at=1_000)
    clients.client_seen("u3", "main", ready=False, secret_expires_at=None)
    clients.client_seen("u4", "main", ready=False, secret_expires_at=0)
    clients.client_gone("u4")
    clients.intent_opened("u1")
    clients.intent_opened("u1")
    clients.intent_opened("u2")
    clients.intent_closed("u2")
    clients.possible_orphan("main")
    clients.unregistered_by_record("main")
    clients.records_in_doubt(2)
    assert exposed(clients) == [
        'dcr_clients{provider="main",ready="false"} 1.0',
        'dcr_clients{provider="main",ready="true"} 2.0',
        'dcr_client_secret_expiry_seconds{provider="main"} 1000.0',
        "dcr_pending_intents 1.0",
        'dcr_orphans_total{provider="main"} 1.0',
        'dcr_unregistered_by_record_total{provider="main"} 1.0',
        "dcr_records_in_doubt 2.0",
    ]
