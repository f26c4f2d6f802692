"""Where the server listens for administrators, and what becomes of an address that is taken."""

import contextlib
import socket
from collections.abc import Iterator

import pytest
import structlog
from structlog.testing import capture_logs

from dcr_server import listening
from dcr_server.configuration import ConfigurationError, load_settings
from dcr_server.listening import admin_listener, bind, bound_address
from dcr_server.settings import Address, Settings

ANY_PORT = Address("127.0.0.1", 0)


@pytest.fixture
def taken() -> Iterator[Address]:
    with contextlib.closing(bind(ANY_PORT)) as listener:
        listener.listen()
        yield bound_address(listener, ANY_PORT)


def test_a_free_address_is_listened_on() -> None:
    listener = admin_listener(load_settings({"admin_listen": "127.0.0.1:0"}, None))
    assert listener is not None
    with contextlib.closing(listener):
        address = bound_address(listener, ANY_PORT)
        socket.create_connection(address).close()


def test_a_default_that_is_in_use_is_left_to_the_other_server(
    taken: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One that was used before keeps the configuration of that time.
    monkeypatch.setattr(listening, "log", structlog.get_logger())
    settings = Settings.model_construct(_fields_set=set(), admin_listen=taken)
    with capture_logs() as entries:
        assert admin_listener(settings) is None
    (entry,) = entries
    assert (entry["log_level"], entry["event"]) == ("warning", "no_admin_listener")
    assert str(taken) in entry["detail"]


def test_an_address_that_somebody_asked_for_must_be_free(taken: Address) -> None:
    settings = load_settings({"admin_listen": str(taken)}, None)
    with pytest.raises(ConfigurationError, match=f"DCR_SERVER_ADMIN_LISTEN={taken}: "):
        admin_listener(settings)


def test_an_address_that_is_not_ours_is_an_error_though_nobody_asked_for_it() -> None:
    settings = Settings.model_construct(_fields_set=set(), admin_listen=Address("192.0.2.1", 1))
    with pytest.raises(ConfigurationError, match="DCR_SERVER_ADMIN_LISTEN"):
        admin_listener(settings)


@pytest.mark.parametrize("told", ["off", False])
def test_it_can_be_turned_off(told: object) -> None:
    assert admin_listener(Settings.model_validate({"admin_listen": told})) is None
