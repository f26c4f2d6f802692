"""What --dev fills in, so that `dcr-server serve --dev` is all it takes to try the server."""

import base64
import os
from pathlib import Path
from typing import Final

from dcr_server.configuration import ConfigurationError
from dcr_server.database_urls import SQLITE
from dcr_server.encryption import KEY_BYTES
from dcr_server.policies import development_policies
from dcr_server.settings import Settings
from dcr_server.tokens import Entropy

DATABASE: Final = Path(".local/dcr-server.db")
_ANY_ADDRESS: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - recognised here, not listened on


def with_development_defaults(settings: Settings, entropy: Entropy) -> Settings:
    """Fill in database, key and policy; the issuer follows once the port is known."""
    changes: dict[str, object] = {}
    path = settings.database_path or DATABASE
    if settings.database is None:
        changes["database"] = f"{SQLITE}{path}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if settings.encryption_key is None and settings.encryption_key_file is None:
            changes["encryption_key_file"] = _key_beside(path, entropy)
    except OSError as error:
        raise ConfigurationError(f"--dev: {error.filename}: {error.strerror}") from None
    if not settings.policies:
        changes["policies"] = development_policies()
    return settings.model_copy(update=changes)


def development_issuer(settings: Settings, port: int) -> str:
    scheme = "https" if settings.serves_tls else "http"
    address = settings.listen._replace(port=port)
    if address.host in _ANY_ADDRESS:
        address = address._replace(host="127.0.0.1")
    return f"{scheme}://{address}"


def _key_beside(database: Path, entropy: Entropy) -> Path:
    """Make the key once, complete or not at all: another process may start at the same moment."""
    file = database.with_name(f"{database.name}.key")
    if file.exists():
        return file
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(base64.b64encode(entropy(KEY_BYTES)))
    try:
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return file
