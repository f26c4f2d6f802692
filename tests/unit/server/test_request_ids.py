import re

import pytest

from dcr_server.request_ids import RequestIds

MADE = re.compile(r"[0-9a-f]{12}-[0-9a-f]+")


def ids() -> RequestIds:
    return RequestIds(lambda size: bytes(range(size)))


@pytest.mark.parametrize("sent", ["a", "A-z_0.9", "x" * 64, "5f2b1f0e-9d0c-4c0e-8f1a-0d6f6d7c7f11"])
def test_an_id_that_can_stand_in_a_log_is_taken_over(sent: str) -> None:
    assert ids().of([sent.encode()]) == sent


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param([], id="none"),
        pytest.param([b""], id="empty"),
        pytest.param([b"x" * 65], id="too long"),
        pytest.param([b"a\nlevel=error"], id="a line break"),
        pytest.param([b"a\r\nSet-Cookie: x"], id="a header"),
        pytest.param([b"a b"], id="a blank"),
        pytest.param([b'a"'], id="a quote"),
        pytest.param([b"\x1b[31m"], id="a terminal's escape"),
        pytest.param(["ü".encode()], id="beyond ASCII"),
        pytest.param([b"a\n"], id="a line break at the end"),
        pytest.param([b"a", b"b"], id="two"),
    ],
)
def test_anything_else_is_replaced(sent: list[bytes]) -> None:
    made = ids().of(sent)
    assert MADE.fullmatch(made)


def test_what_is_made_is_made_once() -> None:
    maker = ids()
    assert len({maker.of([]) for _ in range(100)}) == 100
    assert maker.of([]).startswith("000102030405-")
