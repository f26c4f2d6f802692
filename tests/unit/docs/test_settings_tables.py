import re
from pathlib import Path

import pytest

from dcr_operator.settings import PREFIX as OPERATOR_PREFIX
from dcr_operator.settings import Settings as OperatorSettings

_ROW = re.compile(r"^\| `(?P<name>DCR_[A-Z_]+)` \| .+ \| (?P<default>.+) \|$", re.MULTILINE)


def documented(page: str) -> dict[str, str]:
    text = Path("docs", page).read_text(encoding="utf-8")
    return {match["name"]: match["default"] for match in _ROW.finditer(text)}


def test_every_setting_of_the_operator_is_documented_and_no_other() -> None:
    known = {OPERATOR_PREFIX + name.upper() for name in OperatorSettings.model_fields}
    assert documented("operator.md").keys() == known


@pytest.mark.parametrize("name", ["listen", "workers", "secret_watch", "log_format", "log_level"])
def test_the_documented_default_is_that_of_the_model(name: str) -> None:
    default = str(OperatorSettings.model_fields[name].default)
    shown = documented("operator.md")[OPERATOR_PREFIX + name.upper()].strip("`")
    assert shown.lower() == default.lower()
