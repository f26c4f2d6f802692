"""TLS that follows its files: a renewed certificate is served without a restart."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from dcr_server.configuration import ConfigurationError
from dcr_server.file_stamps import FileStamp, stamp_of

SECONDS_BETWEEN_LOOKS: Final = 5.0

log = structlog.get_logger()

Sleep = Callable[[float], Awaitable[None]]
_Stamp = tuple[FileStamp, FileStamp]


@dataclass(frozen=True, slots=True)
class TlsFiles:
    cert_file: Path
    key_file: Path

    def stamp(self) -> _Stamp:
        """Change when a file does. Raises OSError."""
        return stamp_of(self.cert_file), stamp_of(self.key_file)

    def load_into(self, context: ssl.SSLContext) -> None:
        """Raises OSError or ValueError."""
        context.load_cert_chain(self.cert_file, self.key_file, password=_nobody_to_ask)


class ReloadingTls:
    """One SSL context for the life of the server; new connections get what it last loaded."""

    def __init__(self, files: TlsFiles) -> None:
        """Raises ConfigurationError for files that cannot be served."""
        self._files = files
        self.context = _new_context()
        try:
            self.stamp = files.stamp()
            files.load_into(self.context)
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"DCR_SERVER_TLS_CERT_FILE={files.cert_file}, "
                f"DCR_SERVER_TLS_KEY_FILE={files.key_file}: {error}"
            ) from None

    def reload_if_changed(self) -> bool:
        """Load what is there now, unless it is incomplete: then the next look finds the rest."""
        try:
            stamp = self._files.stamp()
            if stamp == self.stamp:
                return False
            # A failed load would take the key out of the context that serves: first elsewhere.
            self._files.load_into(_new_context())
            self._files.load_into(self.context)
        except (OSError, ValueError) as error:
            log.warning("tls_certificate_not_loaded", detail=str(error))
            return False
        self.stamp = stamp
        log.info("tls_certificate_loaded", file=str(self._files.cert_file))
        return True

    async def follow(self, sleep: Sleep = asyncio.sleep) -> None:
        while True:
            await sleep(SECONDS_BETWEEN_LOOKS)
            self.reload_if_changed()


def _nobody_to_ask() -> str:
    # Without this OpenSSL would ask for it on the terminal.
    raise ValueError("the private key needs a pass phrase: store it without one")


def _new_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context
