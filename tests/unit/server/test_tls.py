"""A renewed certificate is served to new connections; an incomplete one never."""

import asyncio
import shutil
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives import serialization

from dcr_server.configuration import ConfigurationError
from dcr_server.tls import ReloadingTls, TlsFiles
from tests.processes.certificates import ServerCertificate, make_server_certificate


@pytest.fixture
def renewals(tmp_path: Path) -> list[ServerCertificate]:
    return [make_server_certificate(tmp_path / name, "127.0.0.1") for name in ("one", "two")]


@pytest.fixture
def served(tmp_path: Path, renewals: list[ServerCertificate]) -> TlsFiles:
    files = TlsFiles(tmp_path / "tls.crt", tmp_path / "tls.key")
    _put(renewals[0], files)
    return files


@pytest.fixture
def tls(served: TlsFiles) -> ReloadingTls:
    return ReloadingTls(served)


def test_an_encrypted_key_is_refused_without_asking_for_its_pass_phrase(
    served: TlsFiles,
) -> None:
    key = serialization.load_pem_private_key(served.key_file.read_bytes(), password=None)
    served.key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"pass phrase"),
        )
    )
    with pytest.raises(ConfigurationError, match="needs a pass phrase"):
        ReloadingTls(served)


@pytest_asyncio.fixture
async def port(tls: ReloadingTls) -> AsyncIterator[int]:
    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=tls.context)
    yield int(server.sockets[0].getsockname()[1])
    server.close()
    await server.wait_closed()


async def test_a_renewed_certificate_is_served_to_new_connections(
    tls: ReloadingTls, served: TlsFiles, renewals: list[ServerCertificate], port: int
) -> None:
    await _connect(port, renewals[0])
    assert not tls.reload_if_changed()
    _put(renewals[1], served)
    assert tls.reload_if_changed()
    await _connect(port, renewals[1])
    with pytest.raises(ssl.SSLCertVerificationError):
        await _connect(port, renewals[0])


async def test_half_a_renewal_waits_for_the_other_half(
    tls: ReloadingTls, served: TlsFiles, renewals: list[ServerCertificate], port: int
) -> None:
    shutil.copy(renewals[1].cert_file, served.cert_file)
    assert not tls.reload_if_changed()
    await _connect(port, renewals[0])
    shutil.copy(renewals[1].key_file, served.key_file)
    assert tls.reload_if_changed()
    await _connect(port, renewals[1])


def test_a_file_that_vanishes_changes_nothing(tls: ReloadingTls, served: TlsFiles) -> None:
    served.key_file.unlink()
    assert not tls.reload_if_changed()


async def test_files_are_looked_at_again_and_again(
    tls: ReloadingTls, served: TlsFiles, renewals: list[ServerCertificate], port: int
) -> None:
    looks = 0

    async def renew_then_stop(_seconds: float) -> None:
        nonlocal looks
        looks += 1
        if looks > 2:
            raise asyncio.CancelledError
        _put(renewals[looks - 1], served)

    with pytest.raises(asyncio.CancelledError):
        await tls.follow(renew_then_stop)
    await _connect(port, renewals[1])


def test_files_that_cannot_be_served_are_named(
    tmp_path: Path, renewals: list[ServerCertificate]
) -> None:
    with pytest.raises(ConfigurationError, match=r"DCR_SERVER_TLS_KEY_FILE=.*two/tls\.key"):
        ReloadingTls(TlsFiles(renewals[0].cert_file, renewals[1].key_file))
    with pytest.raises(ConfigurationError, match="No such file"):
        ReloadingTls(TlsFiles(tmp_path / "nowhere", renewals[1].key_file))


def _put(certificate: ServerCertificate, files: TlsFiles) -> None:
    shutil.copy(certificate.cert_file, files.cert_file)
    shutil.copy(certificate.key_file, files.key_file)


async def _connect(port: int, trusted: ServerCertificate) -> None:
    context = ssl.create_default_context(cafile=trusted.ca_file)
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    writer.close()
    await writer.wait_closed()
