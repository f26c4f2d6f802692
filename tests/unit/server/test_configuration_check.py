"""What `config check` looks at beyond single policies, and that it tells everything at once."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from dcr_server.configuration import ConfigurationError
from dcr_server.configuration_check import check_settings
from dcr_server.settings import Settings

STRANGERS: Mapping[str, object] = {
    "grant_types": ["client_credentials"],
    "token_endpoint_auth_methods": ["client_secret_basic"],
    "max_clients": 100,
}
OPEN = {"policy": "strangers", "rate": "10/1h"}
SETTINGS: Mapping[str, object] = {
    "issuer": "https://auth.example.com",
    "listen": "0.0.0.0:8080",
    "policies": {"strangers": STRANGERS},
}


def told(settings: Mapping[str, object]) -> list[str]:
    return check_settings(Settings.model_validate({**SETTINGS, **settings}), None)


def test_good_settings_are_told_nothing() -> None:
    assert told({"open_registration": OPEN}) == []


@pytest.mark.parametrize(
    ("settings", "warning"),
    [
        pytest.param(
            {
                "open_registration": OPEN,
                "policies": {"strangers": {**STRANGERS, "max_clients": None}},
            },
            "open_registration.policy=strangers: anybody can fill the database",
            id="open without a limit",
        ),
        pytest.param(
            {"open_registration": OPEN, "policies": {"strangers": {**STRANGERS, "rate": "1/1m"}}},
            "policies.strangers.rate: has no effect on open registration",
            id="a rate of subjects that nobody shares",
        ),
        pytest.param(
            {"trusted_proxies": "10.0.0.0/8,::/0"},
            "trusted_proxies=::/0: anybody may choose an address: name proxies",
            id="everybody is a proxy",
        ),
        pytest.param(
            {"open_registration": OPEN, "listen": "127.0.0.1:8080"},
            "trusted_proxies: not set, and the server listens on loopback",
            id="a proxy that is not named",
        ),
        pytest.param(
            {"failed_authentication_rate": "9/1m", "listen": "[::1]:8080"},
            "trusted_proxies: not set, and the server listens on loopback",
            id="the same for failures",
        ),
    ],
)
def test_what_works_but_hardly_as_it_was_meant(
    settings: Mapping[str, object], warning: str
) -> None:
    assert [line for line in told(settings) if line.startswith(warning)]


@pytest.mark.parametrize(
    "settings",
    [
        {"listen": "127.0.0.1:8080"},
        {"open_registration": OPEN, "listen": "127.0.0.1:8080", "issuer": "http://127.0.0.1:8080"},
        {
            "open_registration": OPEN,
            "listen": "127.0.0.1:8080",
            "trusted_proxies": "127.0.0.1",
        },
    ],
)
def test_a_server_on_loopback_is_fine(settings: Mapping[str, object]) -> None:
    assert told(settings) == []


def test_open_registration_names_a_policy_that_there_is() -> None:
    with pytest.raises(ConfigurationError) as caught:
        told({"open_registration": {"policy": "stranger", "rate": "10/1h"}})
    assert str(caught.value) == (
        "open_registration.policy=stranger: no such policy, did you mean strangers?; "
        "configured: strangers"
    )


def test_all_errors_are_told_at_once_with_the_file() -> None:
    def broken(_settings: Settings) -> None:
        raise ConfigurationError("a certificate is missing")

    settings = Settings.model_validate(
        {**SETTINGS, "open_registration": {**OPEN, "policy": "x"}, "trusted_proxies": "::/0"}
    )
    with pytest.raises(ConfigurationError) as caught:
        check_settings(settings, Path("a.yaml"), [broken, lambda _settings: None, broken])
    assert str(caught.value).splitlines() == [
        "a certificate is missing",
        "a certificate is missing",
        "a.yaml: open_registration.policy=x: no such policy; configured: strangers",
    ]
