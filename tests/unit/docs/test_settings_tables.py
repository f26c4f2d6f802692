import re
from pathlib import Path

import pytest

from dcr_operator.settings import PREFIX as OPERATOR_PREFIX
from dcr_operator.settings import Settings as OperatorSettings
from dcr_protocol.uri_patterns import parse_uri_pattern
from dcr_server.policies import Policy
from dcr_server.settings import ENVIRONMENT_PREFIX as SERVER_PREFIX
from dcr_server.settings import Settings as ServerSettings
from tests.unit.docs.server_page import documented_policies

_ROW = re.compile(r"^\| `(?P<name>DCR_[A-Z_]+)` \| .+ \| (?P<default>.+) \|$", re.MULTILINE)


def documented(page: str) -> dict[str, str]:
    text = Path("docs", page).read_text(encoding="utf-8")
    return {match["name"]: match["default"] for match in _ROW.finditer(text)}


def test_every_setting_of_the_operator_is_documented_and_no_other() -> None:
    known = {OPERATOR_PREFIX + name.rstrip("_").upper() for name in OperatorSettings.model_fields}
    assert documented("operator.md").keys() == known


def test_every_variable_of_the_server_is_documented_and_no_other() -> None:
    # Policies are too much for a variable; they have sections of their own.
    names = ServerSettings.model_fields.keys() - {
        *("policies", "open_registration", "statement_issuers"),
    }
    assert documented("server.md").keys() == {SERVER_PREFIX + name.upper() for name in names}


def test_every_member_of_a_policy_is_shown_in_the_example() -> None:
    policies = documented_policies().values()
    shown = {member for policy in policies for member in policy.model_fields_set}
    assert shown == Policy.model_fields.keys()


_PATTERN_ROW = re.compile(
    r"^\| `([^`]+)` \| ((?:`[^`|]+`(?:, )?)+) \| ((?:`[^`|]+`(?:, )?)+) \|$", re.MULTILINE
)


def test_patterns_match_what_their_table_says() -> None:
    page = Path("docs", "server.md").read_text(encoding="utf-8")
    rows = _PATTERN_ROW.findall(page.partition("## Patterns")[2].partition("\n## ")[0])
    assert len(rows) == 8
    for pattern, *columns in rows:
        matching, others = (re.findall(r"`([^`]+)`", column) for column in columns)
        matches = parse_uri_pattern(pattern).matches
        assert [uri for uri in matching if not matches(uri)] == []
        assert [uri for uri in others if matches(uri)] == []


@pytest.mark.parametrize("name", ["listen", "workers", "secret_watch", "log_format", "log_level"])
def test_the_documented_default_is_that_of_the_model(name: str) -> None:
    default = str(OperatorSettings.model_fields[name].default)
    shown = documented("operator.md")[OPERATOR_PREFIX + name.rstrip("_").upper()].strip("`")
    assert shown.lower() == default.lower()
