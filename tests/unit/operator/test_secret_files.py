"""Whatever a value holds, the reader of the file gets back that value and nothing else."""

import json
import subprocess
from urllib.parse import unquote

import pytest

from dcr_operator.secret_files import QUOTINGS, as_json, as_shell, as_url, env_file, json_file

VALUES = [
    "plain",
    "with space # and hash",
    "it's",
    'say "x"',
    "$HOME `id` $(id)",
    "'$HOME' `id` \\ \"\\\"",
    "back\\slash",
    "a=b;c&d|e>f",
    "ünïcode ✓",
    "~ !x *",
]


def read_by_shell(document: str, name: str) -> str:
    """Return a variable as a POSIX shell has it after reading the file."""
    script = f'{document}\nprintf %s "${name}"'
    return subprocess.run(
        ["/bin/sh", "-eu", "-c", script], check=True, capture_output=True, text=True, env={}
    ).stdout


@pytest.mark.parametrize("value", VALUES)
def test_a_shell_reads_the_value_and_runs_nothing(value: str) -> None:
    assert read_by_shell(env_file({"client_secret": value}), "OAUTH_CLIENT_SECRET") == value


def test_an_env_file_has_a_line_for_each_value() -> None:
    text = env_file({"client_id": "a", "client_secret": "b c"})
    assert text == "OAUTH_CLIENT_ID='a'\nOAUTH_CLIENT_SECRET='b c'\n"


def test_single_quotes_are_preferred_since_every_reader_takes_them_literally() -> None:
    assert as_shell("a$b") == "'a$b'"
    assert as_shell("a'$b") == '"a\'\\$b"'


def test_a_json_file_holds_the_values_by_name_and_the_expiry_as_a_number() -> None:
    text = json_file({"client_id": 'a"b', "client_secret_expires_at": "0"})
    assert json.loads(text) == {"client_id": 'a"b', "client_secret_expires_at": 0}


@pytest.mark.parametrize("value", VALUES)
def test_quoting_in_a_template_can_be_undone(value: str) -> None:
    assert json.loads(as_json(value)) == value
    assert unquote(as_url(value)) == value
    assert not set(as_url(value)) & set("/:@?#&=+ ")


def test_every_quoting_has_a_name() -> None:
    assert dict(QUOTINGS) == {"json": as_json, "shell": as_shell, "url": as_url}
