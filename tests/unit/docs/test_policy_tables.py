"""What docs/server.md and the example say about policies is what the models say."""

import re
from pathlib import Path

from dcr_server.configuration_example import EXAMPLE
from dcr_server.policies import OpenRegistration, Policy
from dcr_server.statement_issuers import StatementIssuer

_MEMBER_ROW = re.compile(r"^\| `([a-z_]+)` \| (.+) \|$", re.MULTILINE)


def test_the_table_of_policy_members_is_that_of_the_model() -> None:
    page = Path("docs", "server.md").read_text(encoding="utf-8")
    table = page.partition("| member | what it says |")[2].partition("\n\n")[0]
    described = {name: field.description for name, field in Policy.model_fields.items()}
    assert dict(_MEMBER_ROW.findall(table)) == described


def test_the_example_of_config_init_shows_every_member() -> None:
    members = [
        member
        for model in (Policy, OpenRegistration, StatementIssuer)
        for member in model.model_fields
    ]
    assert [name for name in members if not re.search(rf"\b{name}: ", EXAMPLE)] == []
