"""Sockets to listen on: bound early, so that what cannot work is said before anything starts."""

import errno
import socket
from typing import Final

import structlog

from dcr_server.configuration import ConfigurationError
from dcr_server.settings import Address, Settings

_BACKLOG: Final = 2048
_LISTEN: Final = "DCR_SERVER_LISTEN"
_ADMIN_LISTEN: Final = "DCR_SERVER_ADMIN_LISTEN"

log = structlog.get_logger()


def bind(address: Address, setting: str = _LISTEN) -> socket.socket:
    """Take the address; nobody is let in yet. Raises ConfigurationError."""
    try:
        return _bound(address)
    except OSError as error:
        raise _cannot_listen(setting, address, error) from None


def open_for_connections(listener: socket.socket, address: Address) -> None:
    """Raises ConfigurationError: another process may have bound the port before either listened."""
    try:
        listener.listen(_BACKLOG)
    except OSError as error:
        raise _cannot_listen(_LISTEN, address, error) from None


def admin_listener(settings: Settings) -> socket.socket | None:
    """Listen for administrators, unless told not to.

    The default may be another server's on the same machine: then there is a warning and no
    listener. Raises ConfigurationError where somebody asked for the address.
    """
    address = settings.admin_listen
    if address is None:
        return None
    listener: socket.socket | None = None
    try:
        listener = _bound(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        if listener:
            listener.close()
        if "admin_listen" in settings.model_fields_set or error.errno != errno.EADDRINUSE:
            raise _cannot_listen(_ADMIN_LISTEN, address, error) from None
        log.warning(
            "no_admin_listener",
            detail=f"{address} is in use: no admin API, no /metrics; set {_ADMIN_LISTEN}",
        )
        return None
    return listener


def bound_address(listener: socket.socket, address: Address) -> Address:
    """Fill in the port that was picked."""
    return address._replace(port=int(listener.getsockname()[1]))


def _bound(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener


def _cannot_listen(setting: str, address: Address, error: OSError) -> ConfigurationError:
    return ConfigurationError(f"{setting}={address}: {error.strerror or error}")
