"""A gateway that makes our server a provider like most others: nobody hears of Idempotency-Key.

The key goes no further, and the discovery document does not offer it. All else is passed on.
"""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Final

_TIMEOUT: Final = 20.0
_KEY: Final = "idempotency-key"
_OFFER: Final = "registration_idempotency_supported"
_OF_ONE_HOP: Final = {"connection", "transfer-encoding", "content-length", "date", "server"}


class _Gateway(BaseHTTPRequestHandler):
    upstream: str
    protocol_version = "HTTP/1.1"

    def _pass_on(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        headers = {name: value for name, value in self.headers.items() if name.lower() != _KEY}
        connection = http.client.HTTPConnection(self.upstream, timeout=_TIMEOUT)
        try:
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if "/.well-known/" in self.path and answer.status == http.client.OK:
            document = json.loads(content)
            document.pop(_OFFER, None)
            content = json.dumps(document).encode()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _OF_ONE_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = _pass_on  # noqa: N815 - as http.server asks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as above
        """Say nothing: the server behind has a log."""


class _Listener(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: who is killed leaves connections behind."""


@contextmanager
def forgetful_gateway(port: int, upstream: str) -> Iterator[None]:
    """Listen on the port, and pass everything on to `host:port` upstream."""
    handler = type("Gateway", (_Gateway,), {"upstream": upstream})
    server = _Listener(("127.0.0.1", port), handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
