"""The keys of each preset, their page in the docs, and what they are together with own keys."""

import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from dcr_operator.reasons import Reason
from dcr_operator.resources import SECRET_VALUES, SecretPreset
from dcr_operator.secret_content import SecretContent, Unpublishable, form_problem, secret_content
from dcr_operator.secret_form import SecretForm
from dcr_operator.secret_presets import PRESETS, keys_of, render_page
from tests.fakes.operator_states import WANTED, registration, snapshot

PROVIDER = snapshot(
    authorization_endpoint="https://id.example.com/authorize",
    userinfo_endpoint="https://id.example.com/userinfo",
    jwks_uri="https://id.example.com/jwks",
)
GRANTED = registration(
    metadata={**WANTED, "scope": "openid email"}, previous_client_secret=SecretStr("p")
)
CREDENTIALS = {"client_id": "client-1", "client_secret": "s"}
EVERY_VALUE = {
    **CREDENTIALS,
    "client_secret_expires_at": "0",
    "previous_client_secret": "p",
    "issuer": "https://id.example.com",
    "token_endpoint": "https://id.example.com/token",
    "authorization_endpoint": "https://id.example.com/authorize",
    "userinfo_endpoint": "https://id.example.com/userinfo",
    "jwks_uri": "https://id.example.com/jwks",
    "token_endpoint_auth_method": "client_secret_basic",
    "scope": "openid email",
}
_OAUTH2 = "spring.security.oauth2.client"
EXPECTED = {
    SecretPreset.OAUTH2_PROXY: {
        "OAUTH2_PROXY_PROVIDER": "oidc",
        "OAUTH2_PROXY_CLIENT_ID": "client-1",
        "OAUTH2_PROXY_CLIENT_SECRET": "s",
        "OAUTH2_PROXY_OIDC_ISSUER_URL": "https://id.example.com",
        "OAUTH2_PROXY_SCOPE": "openid email",
    },
    SecretPreset.ENVOY_GATEWAY: {"client-id": "client-1", "client-secret": "s"},
    SecretPreset.SPRING_BOOT: {
        f"{_OAUTH2}.registration.dash-board.client-id": "client-1",
        f"{_OAUTH2}.registration.dash-board.client-secret": "s",
        f"{_OAUTH2}.registration.dash-board.client-authentication-method": "client_secret_basic",
        f"{_OAUTH2}.registration.dash-board.scope": "openid,email",
        f"{_OAUTH2}.provider.dash-board.issuer-uri": "https://id.example.com",
    },
    SecretPreset.ARGO_CD: {
        "oidc.clientID": "client-1",
        "oidc.clientSecret": "s",
        "oidc.issuer": "https://id.example.com",
    },
    SecretPreset.GRAFANA: {
        "GF_AUTH_GENERIC_OAUTH_ENABLED": "true",
        "GF_AUTH_GENERIC_OAUTH_CLIENT_ID": "client-1",
        "GF_AUTH_GENERIC_OAUTH_CLIENT_SECRET": "s",
        "GF_AUTH_GENERIC_OAUTH_AUTH_URL": "https://id.example.com/authorize",
        "GF_AUTH_GENERIC_OAUTH_TOKEN_URL": "https://id.example.com/token",
        "GF_AUTH_GENERIC_OAUTH_API_URL": "https://id.example.com/userinfo",
        "GF_AUTH_GENERIC_OAUTH_SCOPES": "openid email",
    },
    SecretPreset.DEFAULT: {
        name: value for name, value in EVERY_VALUE.items() if name != "userinfo_endpoint"
    },
}


def form(preset: SecretPreset = SecretPreset.DEFAULT, **given: dict[str, str]) -> SecretForm:
    return SecretForm("dashboard", preset=preset, client_name="dash.board", **given)  # type: ignore[arg-type]  # keys and template


def data(wanted: SecretForm) -> dict[str, str]:
    found = secret_content(wanted, PROVIDER, GRANTED)
    assert isinstance(found, SecretContent)
    return {key: value.decode() for key, value in found.data.items()}


@pytest.mark.parametrize(("preset", "expected"), EXPECTED.items())
def test_a_preset_has_the_keys_that_its_program_looks_for(
    preset: SecretPreset, expected: dict[str, str]
) -> None:
    assert data(form(preset)) == expected


def test_the_files_hold_every_value() -> None:
    (text,) = data(form(SecretPreset.JSON)).values()
    assert json.loads(text) == {**EVERY_VALUE, "client_secret_expires_at": 0}
    (text,) = data(form(SecretPreset.ENV_FILE)).values()
    names = [line.partition("=")[0] for line in text.splitlines()]
    assert sorted(names) == sorted(f"OAUTH_{name.upper()}" for name in EVERY_VALUE)


def test_every_preset_is_defined_tried_and_names_its_source() -> None:
    files = {SecretPreset.JSON, SecretPreset.ENV_FILE}
    assert set(PRESETS) == set(SecretPreset) == set(EXPECTED) | files
    ours = {SecretPreset.DEFAULT, *files}
    assert all(bool(PRESETS[each].source) is (each not in ours) for each in PRESETS)


def test_every_preset_names_values_that_there_are() -> None:
    assert set(EVERY_VALUE) == set(SECRET_VALUES)
    for preset in PRESETS.values():
        assert preset.keys.keys() <= SECRET_VALUES.keys()


def test_own_keys_take_the_place_of_single_keys() -> None:
    renamed = data(form(keys={"client_id": "OAUTH_ID", "userinfo_endpoint": "userinfo"}))
    assert renamed["OAUTH_ID"] == "client-1"
    assert renamed["userinfo"] == "https://id.example.com/userinfo"
    assert "client_id" not in renamed
    grafana = data(form(SecretPreset.GRAFANA, keys={"client_id": "ID"}))
    assert grafana["ID"] == "client-1"
    assert "GF_AUTH_GENERIC_OAUTH_CLIENT_ID" not in grafana


def test_a_template_adds_keys_beside_those_of_the_preset() -> None:
    found = data(form(SecretPreset.ENVOY_GATEWAY, template={"config.ini": "id=${client_id}"}))
    assert found == {"client-id": "client-1", "client-secret": "s", "config.ini": "id=client-1"}


@pytest.mark.parametrize(
    ("wanted", "key"),
    [
        (form(keys={"client_id": "issuer"}), "issuer"),
        (form(keys={"client_id": "x", "client_secret": "x"}), "x"),
        (form(keys={"client_id": "ca.crt"}), "ca.crt"),
        (form(template={"client_secret": "${client_id}"}), "client_secret"),
        (form(SecretPreset.JSON, template={"oauth-client.json": "{}"}), "oauth-client.json"),
        (
            form(SecretPreset.GRAFANA, template={"GF_AUTH_GENERIC_OAUTH_ENABLED": "false"}),
            "GF_AUTH_GENERIC_OAUTH_ENABLED",
        ),
    ],
)
def test_two_values_for_one_key_are_refused(wanted: SecretForm, key: str) -> None:
    assert form_problem(wanted) is not None
    found = secret_content(wanted, PROVIDER, GRANTED)
    assert isinstance(found, Unpublishable)
    assert found.reason is Reason.TEMPLATE_INVALID
    assert f"under the key {key};" in found.message


def test_a_template_that_needs_what_the_client_has_not_is_told_so() -> None:
    public = registration(metadata={**WANTED, "token_endpoint_auth_method": "none"})
    found = secret_content(form(template={"f": "${client_secret}"}), PROVIDER, public)
    assert isinstance(found, Unpublishable)
    assert found.reason is Reason.TEMPLATE_INVALID
    assert "this client has no client_secret" in found.message


def test_the_keys_of_basic_auth_cannot_be_taken() -> None:
    wanted = SecretForm("x", type="kubernetes.io/basic-auth", keys={"issuer": "username"})
    assert "under the key username;" in (form_problem(wanted) or "")


def test_the_page_lists_every_key_of_every_preset() -> None:
    page = render_page()
    assert Path("docs", "secret-keys.md").read_text(encoding="utf-8") == page
    for name, preset in PRESETS.items():
        section = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        shown = [*preset.keys.values(), *preset.constants, *preset.labels]
        shown += [preset.file.key] if preset.file else []
        assert [key for key in shown if f"`{key}`" not in section] == []


def test_no_credential_is_in_the_repr() -> None:
    found = secret_content(
        form(), PROVIDER, registration(client_secret=SecretStr("hidden-credential"))
    )
    assert "hidden-credential" not in repr(found)


def test_keys_of_another_client_are_its_own() -> None:
    keys = keys_of(SecretPreset.SPRING_BOOT, {}, "reports")
    assert keys["client_id"] == f"{_OAUTH2}.registration.reports.client-id"
