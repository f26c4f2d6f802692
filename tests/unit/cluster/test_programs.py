import pytest

from tests.cluster.programs import CONTROL_PLANE, HELM, Program, required_version


@pytest.mark.parametrize("program", [*CONTROL_PLANE, HELM], ids=lambda program: program.name)
def test_each_program_is_a_tool_of_the_module_that_pins_it(program: Program) -> None:
    tool_block = (program.module / "go.mod").read_text().partition("tool")[2]
    assert program.package in tool_block
    assert program.version in (program.module / "go.sum").read_text()


@pytest.mark.parametrize(
    "go_mod",
    ["require example.org/one v1.2.3\n", "require (\n\texample.org/one v1.2.3 // indirect\n)\n"],
    ids=["on one line", "in a block"],
)
def test_the_version_is_read_where_it_is_required(go_mod: str) -> None:
    assert required_version(go_mod, "example.org/one") == "v1.2.3"


def test_a_module_that_is_not_required_is_an_error() -> None:
    with pytest.raises(LookupError, match=r"example\.org/two"):
        required_version("require example.org/two/more v1.0.0\n", "example.org/two")


def test_kubernetes_says_its_version() -> None:
    flags = {program.name: program.linker_flags for program in CONTROL_PLANE}
    version = next(one.version for one in CONTROL_PLANE if one.name == "kube-apiserver")
    assert f"gitVersion={version}" in flags["kube-apiserver"]
