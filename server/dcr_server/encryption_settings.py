"""From settings to what seals and opens: the key in force, and those before it."""

from dcr_server.configuration import ConfigurationError, encryption_key
from dcr_server.encryption import Sealer
from dcr_server.settings import ENVIRONMENT_PREFIX, Settings, decode_encryption_keys
from dcr_server.tokens import system_entropy

_KEY = f"{ENVIRONMENT_PREFIX}ENCRYPTION_KEY"
_PREVIOUS = f"{ENVIRONMENT_PREFIX}PREVIOUS_ENCRYPTION_KEYS"


def sealer_of(settings: Settings) -> Sealer:
    """Raises ConfigurationError for a key that is missing or is none."""
    return Sealer(encryption_key(settings), system_entropy, previous_encryption_keys(settings))


def previous_encryption_keys(settings: Settings) -> tuple[bytes, ...]:
    """Raises ConfigurationError for a file that does not hold keys."""
    if settings.previous_encryption_keys is not None:
        return decode_encryption_keys(settings.previous_encryption_keys.get_secret_value())
    file = settings.previous_encryption_keys_file
    if file is None:
        return ()
    try:
        return decode_encryption_keys(file.read_text(encoding="ascii", errors="replace"))
    except OSError as error:
        raise ConfigurationError(f"{_PREVIOUS}_FILE={file}: {error.strerror}") from None
    except ValueError as error:
        raise ConfigurationError(f"{_PREVIOUS}_FILE={file}: {error}") from None


def wrong_encryption_key() -> ConfigurationError:
    return ConfigurationError(
        f"{_KEY} is not the key that the database's signing keys are sealed with: give that one, "
        f"or name it in {_PREVIOUS} beside the new one; without it they cannot be read"
    )
