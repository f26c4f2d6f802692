"""How `statement_issuers` and what is fetched are configured, and what a mistake is told like."""

import base64
import os
import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from dcr_server.cli import main
from dcr_server.statement_issuers import StatementIssuer
from tests.fakes.statement_signer import StatementSigner

GOOD = """
issuer: https://auth.test
database: sqlite:///test.db
encryption_key: {key}
policies:
  web:
    grant_types: [client_credentials]
    token_endpoint_auth_methods: [client_secret_basic]
    software_statement: required
    statement_issuers: [https://statements.test]
statement_issuers:
  https://statements.test:
    jwks_file: jwks.json
    policy: web
"""


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    StatementSigner().write_jwks(tmp_path / "jwks.json")


def check(text: str) -> Result:
    key = base64.b64encode(os.urandom(32)).decode()
    Path("config.yaml").write_text(text.format(key=key), encoding="utf-8")
    return CliRunner().invoke(main, ["config", "check", "--config", "config.yaml"])


def test_issuers_with_their_keys_are_a_configuration() -> None:
    result = check(GOOD)
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("jwks.json", "absent.json", "absent.json: No such file"),
        ("jwks.json", "config.yaml", "config.yaml: the body is not valid JSON"),
        ("jwks_file: jwks.json", "jwks_uri: http://a.test", "jwks_uri=http://a.test: the URL must"),
        ("    jwks_file: jwks.json\n", "", "give one of jwks_file and jwks_uri"),
        ("policy: web", "algorithms: [HS256]", "algorithms.0=HS256: give some of ES256"),
        ("policy: web", "policy: app", "policy=app: there is no such entry under policies"),
        ("policy: web", "polcy: web", "polcy: is not a setting"),
        ("required", "accepted", "set software_statement: required there"),
        ("[https://statements.test]", "[https://a.test]", "list the issuer in its"),
        ("[https://statements.test]", "[]", "list the issuer in its"),
        ("issuer: https", "fetch_ca_file: absent.crt\nissuer: https", "FETCH_CA_FILE=absent.crt"),
        ("issuer: https", "fetch_ca_file: jwks.json\nissuer: https", "FETCH_CA_FILE=jwks.json"),
        ("issuer: https", "fetch_allowed_hosts: ['*']\nissuer: https", "give a name such as"),
    ],
)
def test_a_mistake_names_the_key_and_the_fix(old: str, new: str, said: str) -> None:
    assert old in GOOD
    result = check(GOOD.replace(old, new, 1))
    assert result.exit_code == 1
    assert said in result.stderr


def test_every_member_of_an_issuer_is_shown_in_the_docs(request: pytest.FixtureRequest) -> None:
    page = (request.config.rootpath / "docs" / "server.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```yaml\n(statement_issuers:.+?)```", page, re.DOTALL)
    [issuer] = yaml.safe_load(example)["statement_issuers"].values()
    StatementIssuer.model_validate(issuer)
    assert {*issuer, "jwks_uri"} == StatementIssuer.model_fields.keys()
