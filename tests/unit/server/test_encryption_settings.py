"""Which encryption keys the settings name: the one that seals, and those that only open."""

import base64
from pathlib import Path

import pytest

from dcr_server.configuration import ConfigurationError, load_settings
from dcr_server.encryption_settings import previous_encryption_keys, sealer_of
from dcr_server.settings import Settings

KEYS = [bytes([number]) * 32 for number in range(3)]
TEXTS = [base64.b64encode(key).decode() for key in KEYS]


def settings(**given: str) -> Settings:
    return load_settings(given, None)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        pytest.param(TEXTS[0], KEYS[:1], id="one"),
        pytest.param(",".join(TEXTS), KEYS, id="commas"),
        pytest.param("\n".join(TEXTS) + "\n", KEYS, id="lines"),
        pytest.param(" , ".join(TEXTS), KEYS, id="commas and blanks"),
    ],
)
def test_several_keys_may_be_named(tmp_path: Path, text: str, keys: list[bytes]) -> None:
    assert previous_encryption_keys(settings(previous_encryption_keys=text)) == tuple(keys)
    file = tmp_path / "keys"
    file.write_text(text)
    assert previous_encryption_keys(settings(previous_encryption_keys_file=str(file))) == tuple(
        keys
    )


def test_there_may_be_none() -> None:
    assert previous_encryption_keys(settings()) == ()


def test_what_an_earlier_key_sealed_opens() -> None:
    sealed = sealer_of(settings(encryption_key=TEXTS[0])).seal(b"value", place="here")
    both = settings(encryption_key=TEXTS[1], previous_encryption_keys=TEXTS[0])
    assert sealer_of(both).open(sealed, place="here") == b"value"


@pytest.mark.parametrize("text", ["x", f"{TEXTS[0]},c2hvcnQ=", "secret" * 20])
def test_a_key_that_is_none_is_told_and_not_shown(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"DCR_SERVER_PREVIOUS|--previous") as caught:
        settings(previous_encryption_keys=text)
    assert text not in str(caught.value)
    file = tmp_path / "keys"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=r"PREVIOUS_ENCRYPTION_KEYS_FILE=.*32 bytes"):
        previous_encryption_keys(settings(previous_encryption_keys_file=str(file)))


def test_a_file_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"PREVIOUS_ENCRYPTION_KEYS_FILE=.*No such file"):
        previous_encryption_keys(settings(previous_encryption_keys_file=str(tmp_path / "none")))


def test_keys_come_from_one_place() -> None:
    with pytest.raises(ConfigurationError, match="set one of DCR_SERVER_PREVIOUS_ENCRYPTION_KEYS"):
        settings(previous_encryption_keys=TEXTS[0], previous_encryption_keys_file="file")
