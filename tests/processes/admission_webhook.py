"""A validating webhook on loopback that holds each review until it is told to let go."""

import json
import ssl
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

from tests.processes.certificates import make_server_certificate

HOST = "127.0.0.1"
LONGEST = 25.0  # seconds; the API server waits for at most 30


@dataclass
class HoldingWebhook:
    """Allows everything; ``begun`` is set by the first review, ``let_go`` ends the wait."""

    url: str = ""
    ca_bundle: str = ""
    begun: Event = field(default_factory=Event)
    let_go: Event = field(default_factory=Event)

    def configuration(self, name: str, namespace: str, **rule: list[str]) -> dict[str, object]:
        """Return the ValidatingWebhookConfiguration for objects of one namespace."""
        selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
        webhook = {
            "name": "held.dcr-operator.dev",
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "timeoutSeconds": 30,
            "namespaceSelector": selector,
            "clientConfig": {"url": self.url, "caBundle": self.ca_bundle},
            "rules": [{"apiVersions": ["*"], "scope": "Namespaced", **rule}],
        }
        return {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": name},
            "webhooks": [webhook],
        }


@contextmanager
def holding_webhook(directory: Path) -> Iterator[HoldingWebhook]:
    certificate = make_server_certificate(directory, HOST)
    held = HoldingWebhook(ca_bundle=b64encode(certificate.ca_bundle.encode()).decode())
    server = ThreadingHTTPServer((HOST, 0), _handler(held))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.cert_file, certificate.key_file)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    held.url = f"https://{HOST}:{server.server_port}/"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield held
    finally:
        held.let_go.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(held: HoldingWebhook) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            held.begun.set()
            held.let_go.wait(LONGEST)
            answer = {"uid": review["request"]["uid"], "allowed": True}
            body = json.dumps({**review, "request": None, "response": answer}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing: a test that fails says why."""

    return Handler
