import pytest

from tests.sizes import python_files, violations

LONG_FUNCTION = "def f():\n" + "    pass\n" * 40


@pytest.mark.parametrize(
    ("path", "source", "expected"),
    [
        pytest.param("a.py", "x = 1\n" * 350, [], id="a file of the limit passes"),
        pytest.param(
            "a.py", "x = 1\n" * 351, ["a.py:1: 351 lines, at most 350"], id="a longer one fails"
        ),
        pytest.param(
            "t/conftest.py",
            "x = 1\n" * 151,
            ["t/conftest.py:1: 151 lines, at most 150"],
            id="a conftest is shorter",
        ),
        pytest.param(
            "a.py", LONG_FUNCTION, ["a.py:1: f: 41 lines, at most 40"], id="a long function fails"
        ),
        pytest.param(
            "a.py",
            "@decorated(\n" + "    1,\n" * 60 + ")\ndef f(): ...\n",
            [],
            id="decorators do not count",
        ),
    ],
)
def test_sizes_are_judged_by_lines(path: str, source: str, expected: list[str]) -> None:
    assert list(violations(path, source)) == expected


def test_the_size_check_sees_itself() -> None:
    assert "tests/sizes.py" in python_files()
