import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcr_protocol.errors import InvalidRequest
from dcr_protocol.json_document import (
    MAX_RESPONSE_BYTES,
    JsonValue,
    parse_json_object,
    read_json_object,
)

JSON_VALUES: st.SearchStrategy[JsonValue] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3)
    ),
    max_leaves=6,
)
JSON_OBJECTS = st.dictionaries(st.text(), JSON_VALUES, max_size=5)


@pytest.mark.parametrize(
    ("body", "description"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"not json", "not valid JSON"),
        (b"{'a': 1}", "not valid JSON"),
        (b'{"a": 1} {"b": 2}', "not valid JSON"),
        (b'{"a": 1,}', "not valid JSON"),
        (b'{"a": "line\nbreak"}', "not valid JSON"),
        (b'\xef\xbb\xbf{"a": 1}', "not valid JSON"),
        (b"[" * 100_000, "larger than"),
        (b"[" * 60_000, "nested deeper than"),
        (b"null", "must be a JSON object"),
        (b"[]", "must be a JSON object"),
        (b'[{"a": 1}]', "must be a JSON object"),
        (b'"text"', "must be a JSON object"),
        (b"1", "must be a JSON object"),
        (b'{"a": 1, "a": 1}', "repeats the name"),
        (b'{"a": {"b": 1, "b": 2}}', "repeats the name"),
        (b'{"a": 1, "\\u0061": 2}', "repeats the name"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": Infinity}', "Infinity is not JSON"),
        (b'{"a": -Infinity}', "Infinity is not JSON"),
        (b'{"a": 1e999}', "out of range"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not valid JSON"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b'{"\\udfff": 1}', "surrogate"),
        (b'{"a": ["\\udc00\\ud800"]}', "surrogate"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b'{"a": "\xed\xa0\x80"}', "not UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
        (b'{"a": ' + b"[" * 16 + b"]" * 16 + b"}", "nested deeper than 16 levels"),
        (b'{"a": ' + b'{"b":' * 16 + b"1" + b"}" * 17, "nested deeper than 16 levels"),
    ],
)
def test_s007_what_is_not_exactly_one_json_object_is_refused(body: bytes, description: str) -> None:
    with pytest.raises(InvalidRequest, match=description) as caught:
        parse_json_object(body)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("body", "document"),
    [
        (b"{}", {}),
        (b' {"a": 1}\n', {"a": 1}),
        (b'{"a": "\\ud83d\\ude00"}', {"a": "😀"}),
        ('{"a": "é"}'.encode(), {"a": "é"}),
        (b'{"a": 1.5, "b": -0.0}', {"a": 1.5, "b": 0.0}),
        (b'{"a": ' + b"[" * 15 + b"]" * 15 + b"}", None),
        (b'{"a": [[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[]]}', None),
    ],
)
def test_one_json_object_is_read(body: bytes, document: dict[str, JsonValue] | None) -> None:
    assert parse_json_object(body) == (json.loads(body) if document is None else document)


def test_s007_the_size_is_limited_before_anything_is_parsed() -> None:
    with pytest.raises(InvalidRequest, match="larger than 10 bytes"):
        parse_json_object(b'{"a": 123456}', max_bytes=10)
    assert parse_json_object(b'{"a": 1}', max_bytes=8) == {"a": 1}


def test_s007_the_refusal_quotes_nothing_of_the_body() -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_json_object(b'{"client_secret": "topsecret", }')
    assert "topsecret" not in str(caught.value)
    assert caught.value.__cause__ is None


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with suppress(InvalidRequest):
        parse_json_object(body)
    read_json_object(body)


@given(JSON_OBJECTS)
@settings(deadline=None)
def test_what_is_written_is_read_back(document: dict[str, JsonValue]) -> None:
    body = json.dumps(document).encode()
    assert parse_json_object(body, max_depth=100) == document
    assert read_json_object(body) == document


@pytest.mark.parametrize(
    ("body", "document"),
    [
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b'{"a": NaN, "b": 1e999, "c": 1.5}', {"a": None, "b": None, "c": 1.5}),
        (b'{"a": "\\ud800x"}', {"a": "?x"}),
        (b'{"a": "\xff"}', {"a": "\ufffd"}),
    ],
)
def test_a_response_with_credentials_is_not_lost_for_a_small_fault(
    body: bytes, document: dict[str, JsonValue]
) -> None:
    assert read_json_object(body) == document


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b"[" * 100_000,
        b'{"a": ' + b"[" * 40 + b"]" * 40 + b"}",
        b'{"a": "' + b"x" * MAX_RESPONSE_BYTES + b'"}',
    ],
)
def test_c052_what_is_no_object_of_sane_size_is_nothing(body: bytes) -> None:
    assert read_json_object(body) is None
