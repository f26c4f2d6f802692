import pytest

from dcr_server.header_fields import HeaderFields

ONCE = [(b"host", b"a"), (b"accept", b"b")]
REPEATED = [(b"host", b"a"), (b"accept", b"b"), (b"host", b"c")]


@pytest.mark.parametrize(
    ("fields", "name", "values"),
    [
        pytest.param([], b"host", [], id="no field at all"),
        pytest.param(ONCE, b"host", [b"a"], id="one of several"),
        pytest.param(ONCE, b"cookie", [], id="another one"),
        pytest.param(ONCE, b"Host", [], id="a name in capitals"),
        pytest.param(REPEATED, b"host", [b"a", b"c"], id="twice, in their order"),
        pytest.param(REPEATED, b"accept", [b"b"], id="once, where another came twice"),
        pytest.param(REPEATED, b"cookie", [], id="none, where another came twice"),
    ],
)
def test_every_value_of_a_name_is_found(
    fields: list[tuple[bytes, bytes]], name: bytes, values: list[bytes]
) -> None:
    assert HeaderFields(fields).values(name) == values
