"""A template gets at the values of its own client, and at nothing else."""

import re

import pytest

from dcr_operator.resources import SECRET_VALUES
from dcr_operator.secret_template import LONGEST_TEXT, TemplateInvalidError, check, render

GIVEN = {"client_id": "app", "client_secret": 'a"b', "issuer": "https://id.example.com"}


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("", ""),
        ("no placeholder, $5 and {x}", "no placeholder, $5 and {x}"),
        ("id=${client_id}\nissuer=${issuer}\n", "id=app\nissuer=https://id.example.com\n"),
        ("${client_id}${client_id}", "appapp"),
        ("secret: ${client_secret|json}", 'secret: "a\\"b"'),
        ("S=${client_secret|shell}", "S='a\"b'"),
        ("https://x/?s=${client_secret|url}", "https://x/?s=a%22b"),
        ("$${client_id} is ${client_id}", "${client_id} is app"),
        ("$$", "$$"),
    ],
)
def test_placeholders_stand_for_values(text: str, rendered: str) -> None:
    assert check({"file": text}, SECRET_VALUES) is None
    assert render("file", text, GIVEN) == rendered


def test_what_a_value_holds_is_not_read_again() -> None:
    values = {"client_id": "${client_secret}", "client_secret": "s"}
    assert render("file", "${client_id}", values) == "${client_secret}"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("${registration_access_token}", '"${registration_access_token}" is no placeholder'),
        ("${initial_access_token}", '"${initial_access_token}" is no placeholder'),
        ("${client_id.__class__}", '"${client_id.__class__}" is no placeholder'),
        ("${ client_id }", '"${ client_id }" is no placeholder'),
        ("${a\nb}", '"${a\\nb}" is no placeholder'),
        ("${}", '"${}" is no placeholder'),
        ("${client_id", "a placeholder is not closed"),
        ("${" + "a" * 100 + "}", "a placeholder is not closed"),
        ("${client_id|yaml}", '"|yaml" is no way to quote; these are: json, shell, url'),
        ("${client_id|}", '"|" is no way to quote'),
    ],
)
def test_everything_else_is_refused_with_the_key_and_what_there_is(text: str, problem: str) -> None:
    found = check({"fine": "${client_id}", "config.ini": text}, SECRET_VALUES)
    assert found is not None
    assert found.startswith(f"spec.secret.template config.ini: {problem}")


def test_the_message_lists_the_placeholders() -> None:
    found = check({"file": "${tenant}"}, SECRET_VALUES)
    assert found is not None
    assert found.endswith(f"these are: {', '.join(SECRET_VALUES)}")


def test_a_value_that_the_client_does_not_have_is_refused() -> None:
    with pytest.raises(TemplateInvalidError, match="file: this client has no scope"):
        render("file", "${scope}", GIVEN)


def test_a_text_that_would_get_huge_is_refused_before_it_is_built() -> None:
    with pytest.raises(TemplateInvalidError, match=re.escape("file: its text gets too long")):
        render("file", "${client_id}" * 1300, {"client_id": "x" * 65536})
    assert len(render("file", "x" * LONGEST_TEXT, {})) == LONGEST_TEXT


def test_a_text_of_nothing_but_beginnings_is_judged_at_once() -> None:
    assert check({"file": "${" * 8192}, SECRET_VALUES) is not None
