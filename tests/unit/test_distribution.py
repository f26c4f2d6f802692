import pytest

from tests.distribution import shared_scope


@pytest.mark.parametrize(
    ("nodeid", "scope"),
    [
        ("tests/integration/test_a.py::test_x[1]", "tests/integration/test_a.py"),
        ("tests/interop/test_a.py::test_x[our::server]", "tests/interop/test_a.py"),
        ("tests/unit/test_a.py::test_x[1]", "tests/unit/test_a.py::test_x[1]"),
    ],
)
def test_modules_with_a_stage_stay_together(nodeid: str, scope: str) -> None:
    assert shared_scope(nodeid) == scope
