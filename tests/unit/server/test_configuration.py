"""Every mistake in the file is told at once, with its place, its value and what to do."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from dcr_server.configuration import ConfigurationError, load_settings

OPEN = {"policy": "a", "rate": "9/1h"}


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def file_with(content: Mapping[str, object]) -> Path:
    file = Path("config.yaml")
    file.write_text(yaml.safe_dump(dict(content)))
    return file


def test_mistakes_in_settings_and_policies_are_all_told_at_once() -> None:
    file = file_with(
        {
            "listen": "x",
            "policies": {
                "web": {"scopes": "openid email", "secret_lifetime": "1 year"},
                "machines": {
                    "grant_types": ["client_credential"],
                    "token_endpoint_auth_methods": ["client_secret_basic"],
                },
                "nothing": None,
            },
        }
    )
    with pytest.raises(ConfigurationError) as caught:
        load_settings({}, file)
    lines = str(caught.value).splitlines()
    for line in (
        "listen=x: give host:port, such as",
        "policies.web.scopes=openid email: give a list, such as [one, another]",
        "policies.web.secret_lifetime=1 year: write a number and a unit, such as 90s",
        "policies.nothing: give a mapping, such as {key: value}",
        "policies.machines.grant_types.0=client_credential: is not known, did you mean client_cr",
    ):
        assert [text for text in lines if text.startswith(f"config.yaml: {line}")], lines
    assert len(lines) == 5


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"policies": {"a": {"max_clients": "x"}}}, "policies.a.max_clients=x: give a whole"),
        ({"policies": {"a": {"max_clients": True}}}, "policies.a.max_clients"),
        ({"policies": {"a": {"scopes": [1]}}}, "policies.a.scopes.0=1: give text"),
        (
            {"policies": {"a": {"allow_http_redirect_uris": "maybe"}}},
            "policies.a.allow_http_redirect_uris=maybe: give true or false",
        ),
        ({"policies": {"a": {"rates": "1/1m"}}}, "policies.a.rates: is not a setting, did you"),
        ({"policies": {"a": {"nonsense": 1}}}, "a.nonsense: is not a setting: see dcr-server"),
        ({"policies": ["a"]}, "policies: give a mapping"),
        ({"open_registration": "web"}, "open_registration=web: give a mapping"),
        (
            {"open_registration": {"polcy": "a", **OPEN}},
            "polcy: is not a setting, did you mean",
        ),
        ({"open_registration": {"policy": "a"}}, "open_registration.rate: is missing"),
        (
            {"policies": {"a": {"introspect": "all"}}},
            "policies.a.introspect=all: Input should be 'own' or 'any'",
        ),
        (
            {"policies": {"a": {"redirect_uris": ["https://*"]}}},
            "policies.a.redirect_uris.0=https://*: say which path",
        ),
        (
            {"policies": {"a": {"forced": {"scop": "x"}}}},
            "policies.a.forced.scop=x: is no client metadata, did you mean scope?",
        ),
        ({"policies": {"a\nb": {}}}, "name a policy by 1 to 100"),
        ({"policies": {"": {}}}, "name a policy by 1 to 100"),
    ],
)
def test_a_mistake_in_a_policy_names_key_value_and_remedy(
    content: Mapping[str, object], said: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings({}, file_with(content))
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_policies_in_the_environment_are_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DCR_SERVER_POLICIES", '{"web": {"scopes": ["a"]}}')
    assert load_settings({}, None).policies["web"].scopes == ("a",)
    monkeypatch.setenv("DCR_SERVER_POLICIES", "web: {}")
    with pytest.raises(ConfigurationError, match="such as DCR_SERVER_POLICIES, is not JSON"):
        load_settings({}, None)
