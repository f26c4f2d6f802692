"""A database with many clients, made by the storage itself and kept for the next run.

Each is registered as the server registers one: the same transaction, rows and audit entry. Only
the requests are left out, and thousands share an fsync.
"""

import asyncio
import hashlib
import os
import shutil
import sys
import time
from pathlib import Path

from dcr_protocol.client_metadata import parse_client_metadata
from dcr_protocol.rules import check_client_metadata
from dcr_server.credentials import Credentials
from dcr_server.records import Actor, Client, Origin, Owner
from dcr_server.storage.protocol import ClientStorage
from dcr_server.storage.requests import Fresh, Registered, Registration
from dcr_server.storage.sqlite import open_sqlite_storage
from dcr_server.tokens import HASH_BYTES, new_client_id, system_entropy
from tests.bench.contenders import WEB_CLIENT
from tests.bench.report import FOLDER

_TOGETHER = 5_000
_OWNER = Owner("default", "bench")
_ORIGIN = Origin(Actor.REGISTRANT, "127.0.0.1", "bench")
_SOURCES = Path(__file__).parents[2] / "server" / "dcr_server" / "storage"


def copy_with_clients(count: int, file: Path) -> None:
    """Put a database with that many clients there; the first time takes minutes."""
    kept = FOLDER / f"clients-{count}-{_fingerprint()}.db"
    if not kept.exists():
        for outdated in FOLDER.glob(f"clients-{count}-*.db"):
            outdated.unlink()
        print(f"registering {count:,} clients (minutes, once)", file=sys.stderr, flush=True)
        draft = file.with_suffix(".draft")
        asyncio.run(fill(draft, count))
        draft.rename(kept)
    shutil.copyfile(kept, file)
    file.chmod(0o600)


def _fingerprint() -> str:
    """Tell databases apart that another state of the sources would make differently."""
    sources = sorted(_SOURCES.glob("*.py"))
    return hashlib.sha256(b"".join(each.read_bytes() for each in sources)).hexdigest()[:16]


async def fill(file: Path, count: int) -> None:
    storage = await open_sqlite_storage(file)
    # One a second until now: ids grow with time, as those of a long-lived server.
    began = time.time() - count
    for first in range(0, count, _TOGETHER):
        times = [began + number for number in range(first, min(first + _TOGETHER, count))]
        await asyncio.gather(*(_register(storage.clients, at) for at in times))
    await storage.close()


async def _register(clients: ClientStorage, at: float) -> None:
    # Of a random token and secret the hashes are as random.
    fresh = Fresh(os.urandom(HASH_BYTES), os.urandom(HASH_BYTES), 0)
    client = Client(
        client_id=new_client_id(system_entropy, at),
        owner=_OWNER,
        issued_at=int(at),
        metadata=_METADATA,
        credentials=(Credentials(1, fresh.token_hash, fresh.secret_hash),),
    )
    outcome = await clients.register(
        Registration(
            client=client,
            fresh=fresh,
            initial_access_token_hash=None,
            now=int(at),
            max_clients=None,
            max_clients_per_subject=None,
            repeatable=None,
            origin=_ORIGIN,
        )
    )
    assert isinstance(outcome, Registered), outcome


_METADATA = check_client_metadata(parse_client_metadata(WEB_CLIENT)).to_wire()
