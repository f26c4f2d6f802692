"""RFC 7515 §2, App. C; RFC 4648 §5, §10."""

import pytest

from dcr_protocol import base64url

CASES = [(b"", ""), (b"f", "Zg"), (b"fo", "Zm8"), (b"foo", "Zm9v"), (b"\x03\xec\xff\xe0", "A-z_4A")]


@pytest.mark.parametrize(("octets", "text"), CASES)
def test_octets_have_one_spelling(octets: bytes, text: str) -> None:
    assert base64url.encode(octets) == text
    assert base64url.decode(text) == octets
    assert base64url.decode_only_form(text) == octets


@pytest.mark.parametrize("text", ["Zg==", "Zh", "A-z_4B", "A+z/4A"])
def test_other_spellings_are_understood_where_that_does_no_harm(text: str) -> None:
    base64url.decode(text)
    with pytest.raises(ValueError, match="only form"):
        base64url.decode_only_form(text)


@pytest.mark.parametrize("text", ["Z", "Z g", "Zg\n", "é", "=", "Zg=x"])
def test_what_is_none_is_refused(text: str) -> None:
    for read in (base64url.decode, base64url.decode_only_form):
        with pytest.raises(ValueError, match=r"."):
            read(text)
