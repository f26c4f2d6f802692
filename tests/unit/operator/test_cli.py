"""The command line as people meet it: real processes where it matters, CliRunner elsewhere."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from dcr_operator.cli import main
from dcr_operator.settings import Settings, variable_of
from dcr_operator.version import VERSION

PROGRAM = str(Path(sys.executable).with_name("dcr-operator"))
DEAD_KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: dead
clusters: [{name: dead, cluster: {server: "http://127.0.0.1:1"}}]
contexts: [{name: dead, context: {cluster: dead, user: nobody}}]
users: [{name: nobody, user: {token: t0ken}}]
"""
CLIENT = """
apiVersion: dcr-operator.dev/v1alpha1
kind: OAuthClient
metadata: {name: dashboard, namespace: team}
spec:
  providerRef: {kind: ClusterOAuthProvider, name: main}
  clientMetadata:
    clientName: Dashboard
    redirectUris: [https://dashboard.example.com/callback]
"""
PROVIDER = """
apiVersion: dcr-operator.dev/v1alpha1
kind: ClusterOAuthProvider
metadata: {name: main}
spec:
  issuer: https://id.example.com
  allowedNamespaces: {names: ["*"]}
"""


def invoke(*arguments: str, standard_input: str = "") -> Result:
    return CliRunner().invoke(main, arguments, input=standard_input)


def run(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    home = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        [PROGRAM, "run"],
        env=home | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("dcr-operator: ")
    return lines[0]


def test_help_says_what_it_is_for_and_how_to_begin() -> None:
    text = invoke("--help").output
    assert "RFC 7591" in text
    assert "dcr-operator crds | kubectl apply --server-side -f -" in text


def test_help_of_run_names_every_setting() -> None:
    text = invoke("run", "--help").output
    for name in Settings.model_fields:
        assert variable_of(name) in text


def test_the_version_is_that_of_the_distribution() -> None:
    assert VERSION in invoke("--version").output


def test_crds_are_printed_as_yaml() -> None:
    documents = list(yaml.safe_load_all(invoke("crds").output))
    assert [each["kind"] for each in documents] == ["CustomResourceDefinition"] * 3


def test_a_plan_shows_the_request_and_the_secret() -> None:
    result = invoke("plan", "-f", "-", standard_input=CLIENT)
    assert result.exit_code == 0
    assert "POST <registration_endpoint of ClusterOAuthProvider main>" in result.output
    assert '"redirect_uris": [' in result.output
    assert "Secret team/dashboard" in result.output


def test_a_plan_knows_the_provider_of_the_same_file() -> None:
    result = invoke("plan", "-f", "-", standard_input=f"{PROVIDER}---{CLIENT}")
    assert "POST <registration_endpoint of https://id.example.com>" in result.output


def test_a_plan_as_json_can_be_read_by_programs() -> None:
    result = invoke("plan", "-f", "-", "--output", "json", standard_input=CLIENT)
    (plan,) = json.loads(result.output)
    assert plan["body"]["client_name"] == "Dashboard"
    assert plan["body"]["token_endpoint_auth_method"] == "client_secret_basic"


def test_a_list_is_read_like_its_items() -> None:
    items = [yaml.safe_load(CLIENT), yaml.safe_load(PROVIDER)]
    listed = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": items})
    result = invoke("plan", "-f", "-", "--output", "json", standard_input=listed)
    assert len(json.loads(result.output)) == 2


def test_a_plan_names_what_is_wrong() -> None:
    broken = CLIENT.replace("clientName", "clientNme")
    result = invoke("plan", "-f", "-", standard_input=broken)
    assert result.exit_code == 1
    assert "problem: spec.clientMetadata.clientNme is not a known field" in result.output


@pytest.mark.parametrize(
    "broken",
    [
        CLIENT.replace("[https://dashboard.example.com/callback]", "[nope]"),
        PROVIDER.replace("https://", "http://"),
    ],
    ids=["client", "provider"],
)
def test_a_plan_of_what_would_be_refused_exits_1(broken: str) -> None:
    result = invoke("plan", "-f", "-", standard_input=broken)
    assert result.exit_code == 1
    assert "problem: spec." in result.output


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "it is not YAML"),
        ("kind: Pod", "it holds none of OAuthClient"),
        ("", "it holds none of OAuthClient"),
    ],
)
def test_a_file_without_resources_is_told_in_one_line(content: str, told: str) -> None:
    result = invoke("plan", "-f", "-", standard_input=content)
    assert result.exit_code == 1
    assert told in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_usage_errors_exit_2() -> None:
    assert invoke("plan").exit_code == 2
    assert invoke("nonsense").exit_code == 2


def test_bad_settings_exit_2_and_name_the_variable(tmp_path: Path) -> None:
    done = run(tmp_path, DCR_OPERATOR_WORKERS="many")
    assert done.returncode == 2
    assert "DCR_OPERATOR_WORKERS='many'" in one_line(done)


def test_no_cluster_is_told_in_one_line(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == 1
    assert "set KUBECONFIG" in one_line(done)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "does not exist"),
        ("{", "is malformed"),
        ("[]", "is malformed"),
        ("", "is empty: set KUBECONFIG to a file that names a cluster"),
        ("kind: Config", "or set KUBECONFIG to another file"),
        (DEAD_KUBECONFIG.replace("dead\n", "gone\n"), "cannot be used"),
        (DEAD_KUBECONFIG, "no cluster at http://127.0.0.1:1"),
    ],
    ids=["absent", "no YAML", "a list", "empty", "no context", "no such context", "nobody there"],
)
def test_a_bad_kubeconfig_is_told_in_one_line(
    tmp_path: Path, content: str | None, told: str
) -> None:
    file = tmp_path / "kubeconfig"
    if content is not None:
        file.write_text(content)
    done = run(tmp_path, KUBECONFIG=str(file))
    assert done.returncode == 1
    assert told in one_line(done)
    assert "t0ken" not in done.stderr
