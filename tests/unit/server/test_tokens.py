"""Tokens from injected entropy; durations as people write them."""

import pytest

from dcr_server.durations import parse_duration
from dcr_server.tokens import (
    hash_of,
    is_opaque_token,
    mint,
    new_client_id,
    without_credentials,
)


def test_a_token_is_256_bits_that_need_no_escaping() -> None:
    asked: list[int] = []

    def entropy(size: int) -> bytes:
        asked.append(size)
        return b"\xff" * size

    minted = mint("dcr_iat_", entropy)
    assert asked == [32]
    assert minted.value.get_secret_value() == "dcr_iat_" + "_" * 42 + "8"
    assert minted.hash == hash_of(minted.value.get_secret_value())


def test_a_token_does_not_show_itself() -> None:
    assert "AAAA" not in repr(mint("dcr_iat_", bytes))


def test_client_ids_grow_with_time() -> None:
    early = new_client_id(lambda size: b"\xff" * size, 1_800_000_000.000)
    late = new_client_id(bytes, 1_800_000_000.001)
    assert early < late
    assert len(early) == len(late) == 32


@pytest.mark.parametrize(
    ("token", "opaque"),
    [("dcr_iat_a-B", True), ("f" * 64, True), ("a.b.c", False), ("", False), ("a b", False)],
)
def test_our_tokens_are_told_by_their_form(token: str, *, opaque: bool) -> None:
    assert is_opaque_token(token) is opaque


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("15m", 900), ("1h", 3600), ("30d", 2_592_000)]
)
def test_durations(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "1", "h", "0s", "-1h", "1.5h", "1 h", "1w", "٣h"])
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="such as 90s"):
        parse_duration(text)


@pytest.mark.parametrize("prefix", ["dcr_iat_", "dcr_rat_", "dcr_sec_"])
def test_s144_what_we_minted_is_cut_out_of_a_text(prefix: str) -> None:
    token = mint(prefix, bytes).value.get_secret_value()
    assert without_credentials(f"not granted: {token} b") == f"not granted: {prefix}... b"


def test_a_text_without_credentials_stays_as_it_is() -> None:
    assert (
        without_credentials("not granted: orders.read dcr_iat")
        == "not granted: orders.read dcr_iat"
    )
