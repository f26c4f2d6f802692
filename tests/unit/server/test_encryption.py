"""What was sealed opens with the same key at the same place, and nowhere else."""

import pytest

from dcr_server.encryption import Sealer, WrongEncryptionKey
from dcr_server.tokens import system_entropy

SEALER = Sealer(bytes(32), system_entropy)
SEALED = SEALER.seal(b"value", place="here")


def test_what_was_sealed_opens() -> None:
    assert SEALER.open(SEALED, place="here") == b"value"


def test_the_same_value_is_sealed_differently_each_time() -> None:
    assert len({SEALER.seal(b"value", place="here") for _ in range(10)}) == 10


@pytest.mark.parametrize(
    ("sealed", "place"),
    [
        pytest.param(SEALED, "there", id="another place"),
        pytest.param(SEALED[:-1] + bytes([SEALED[-1] ^ 1]), "here", id="a flipped bit"),
        pytest.param(b"\x02" + SEALED[1:], "here", id="another version"),
        pytest.param(SEALED[:20], "here", id="cut off"),
        pytest.param(b"", "here", id="nothing"),
    ],
)
def test_anything_else_does_not_open(sealed: bytes, place: str) -> None:
    with pytest.raises(WrongEncryptionKey):
        SEALER.open(sealed, place=place)


def test_another_key_does_not_open_it() -> None:
    with pytest.raises(WrongEncryptionKey):
        Sealer(b"k" * 32, system_entropy).open(SEALED, place="here")
