"""Ports for programs whose address must be known before they start."""

import random
import socket

# Below the range from which the kernel takes the local ports of outgoing connections, so that
# none of those can take the port before the program listens.
_FIRST, _LAST = 18_000, 32_000
_TRIES = 200


def free_port() -> int:
    """Pick a loopback port that nobody listens on; the program binds it right after."""
    for _ in range(_TRIES):
        port = random.SystemRandom().randint(_FIRST, _LAST)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise RuntimeError(f"no free loopback port between {_FIRST} and {_LAST}")
