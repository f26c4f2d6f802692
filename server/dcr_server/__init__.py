"""The registration server: a small ASGI service, see docs/server.md."""
