"""Where settings come from, what wins, and that every mistake names setting, value and remedy."""

import base64
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from dcr_server.configuration import (
    ConfigurationError,
    admin_token,
    check_issuer_is_safe,
    encryption_key,
    load_settings,
    required,
    unknown_variables,
)
from dcr_server.configuration_example import EXAMPLE
from dcr_server.development import development_issuer, with_development_defaults
from dcr_server.settings import Address, Settings

KEY = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def file_with(content: Mapping[str, object]) -> Path:
    file = Path("config.yaml")
    file.write_text(yaml.safe_dump(dict(content)))
    return file


def test_flags_win_over_environment_over_file(monkeypatch: pytest.MonkeyPatch) -> None:
    file = file_with({"issuer": "https://file", "listen": "127.0.0.1:1", "log_level": "error"})
    monkeypatch.setenv("DCR_SERVER_ISSUER", "https://environment")
    monkeypatch.setenv("DCR_SERVER_LISTEN", "127.0.0.1:2")
    settings = load_settings({"listen": "127.0.0.1:3", "database": None}, file)
    assert settings.issuer == "https://environment"
    assert settings.listen == Address("127.0.0.1", 3)
    assert settings.log_level == "error"


def test_the_file_may_be_named_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    file = file_with({"issuer": "https://file"})
    monkeypatch.setenv("DCR_SERVER_CONFIG", str(file))
    assert load_settings({}, None).issuer == "https://file"


def test_the_file_takes_the_names_of_the_environment() -> None:
    assert load_settings({}, file_with({"DCR_SERVER_ISSUER": "https://a"})).issuer == "https://a"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ISSUER", "auth.example.com", "give an https URL"),
        ("ISSUER", "https://a?b", "without query"),
        ("ISSUER", "https://a/{x:y}", "give an https URL"),
        ("ISSUER", "https://a b", "give an https URL"),
        ("ISSUER", "https://a:x", "give an https URL"),
        ("ISSUER", "https://me@a", "without query"),
        ("ISSUER", "https://h/my%20org", "without percent-encoding"),
        ("ISSUER", "https://h/a/../b", "without percent-encoding"),
        ("LISTEN", "8080", "host:port"),
        ("LISTEN", "127.0.0.1:99999", "host:port"),
        ("LOG_LEVEL", "loud", "debug"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,proxy", "give such as 10.0.0.0/8"),
        ("TRUSTED_PROXIES", "10.0.0.1/8", "give such as 10.0.0.0/8"),
    ],
)
def test_a_mistake_in_the_environment_names_variable_value_and_remedy(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(f"DCR_SERVER_{name}", value)
    with pytest.raises(ConfigurationError) as caught:
        load_settings({}, None)
    assert str(caught.value).startswith(f"DCR_SERVER_{name}={value}: ")
    assert said in str(caught.value)


def test_variables_with_our_prefix_that_mean_nothing_are_found() -> None:
    named = ["ISUER", "ISSUER", "CONFIG", "ENCRYPTION_KEY_FILE", "PORT_8080"]
    links = ["PORT", "SERVICE_HOST", "SERVICE_PORT_HTTP", "PORT_8080_TCP_ADDR"]
    environment = {f"DCR_SERVER_{name}": "x" for name in [*named, *links]} | {"HOME": "/"}
    assert unknown_variables(environment) == ["DCR_SERVER_ISUER", "DCR_SERVER_PORT_8080"]


@pytest.mark.parametrize("from_file", [True, False])
def test_trusted_proxies_are_networks(monkeypatch: pytest.MonkeyPatch, from_file: bool) -> None:
    networks = ["10.0.0.0/8", "2001:db8::1"]
    file = file_with({"trusted_proxies": networks} if from_file else {})
    if not from_file:
        monkeypatch.setenv("DCR_SERVER_TRUSTED_PROXIES", ", ".join(networks))
    trusted = load_settings({}, file).trusted_proxies
    assert [str(network) for network in trusted] == ["10.0.0.0/8", "2001:db8::1/128"]


def test_open_registration_needs_a_policy_and_a_rate() -> None:
    settings = load_settings({}, file_with({"open_registration": {"policy": "a", "rate": "9/1h"}}))
    assert settings.open_registration is not None
    assert settings.open_registration.rate == (9, 3600)
    for given in ({"policy": "a"}, {"rate": "9/1h"}, {"policy": "a", "rate": "9"}):
        with pytest.raises(ConfigurationError, match=r"open_registration\.(policy|rate)"):
            load_settings({}, file_with({"open_registration": given}))


def test_a_mistake_in_a_flag_names_the_flag() -> None:
    with pytest.raises(ConfigurationError, match="--listen=x: give host:port"):
        load_settings({"listen": "x"}, None)


def test_a_mistake_in_the_file_names_file_and_place() -> None:
    file = file_with({"policies": {"web": {"redirect_uris": ["nonsense"]}}, "isuer": "x"})
    with pytest.raises(ConfigurationError) as caught:
        load_settings({}, file)
    lines = sorted(str(caught.value).splitlines())
    # An unknown name may be a misspelt secret's: its value is not shown.
    assert lines[0] == "config.yaml: isuer: is not a setting, did you mean issuer?"
    assert lines[1].startswith("config.yaml: policies.web.redirect_uris.0=nonsense: ")


@pytest.mark.parametrize(
    "content", ["[1]", "a: [", "\x00", "issuer: 2024-13-45", "policies: {a: {}, a: {}}"]
)
def test_a_file_that_is_no_mapping_is_said_so(content: str) -> None:
    Path("config.yaml").write_text(content)
    with pytest.raises(ConfigurationError, match=r"config\.yaml is not"):
        load_settings({}, Path("config.yaml"))


def test_a_file_that_is_missing_is_said_so() -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.yaml: No such file"):
        load_settings({}, Path("nowhere.yaml"))


@pytest.mark.parametrize(
    ("name", "value"),
    [("ENCRYPTION_KEY", "c2VjcmV0"), ("DATABASE", "postgresql://u:secret@db")],
)
def test_no_error_shows_a_secret(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"DCR_SERVER_{name}", value)
    with pytest.raises(ConfigurationError) as caught:
        load_settings({}, None)
    assert value not in str(caught.value)
    assert "give " in str(caught.value)


def test_settings_do_not_show_the_password_of_the_database() -> None:
    settings = Settings(database="postgresql://u:secret@db/x")
    assert "secret" not in repr(settings) + str(settings)


@pytest.mark.parametrize("name", ["encryption-key", "admin_tokn"])
def test_no_error_shows_the_value_of_an_unknown_name(name: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings({}, file_with({name: KEY}))
    assert name in str(caught.value)
    assert KEY not in str(caught.value)


def test_the_repr_of_settings_shows_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DCR_SERVER_ENCRYPTION_KEY", KEY)
    settings = load_settings({}, None)
    assert KEY not in repr(settings)
    assert encryption_key(settings) == bytes(range(32))


def test_the_key_may_be_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("key").write_text(f"{KEY}\n")
    monkeypatch.setenv("DCR_SERVER_ENCRYPTION_KEY_FILE", "key")
    assert encryption_key(load_settings({}, None)) == bytes(range(32))


@pytest.mark.parametrize("content", [None, "", "short", "\x00\xff"])
def test_a_key_file_without_a_key_is_named(
    monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    if content is not None:
        Path("key").write_text(content)
    monkeypatch.setenv("DCR_SERVER_ENCRYPTION_KEY_FILE", "key")
    with pytest.raises(ConfigurationError, match=r"DCR_SERVER_ENCRYPTION_KEY_FILE=key: "):
        encryption_key(load_settings({}, None))


@pytest.mark.parametrize(
    "names",
    [
        ("TLS_CERT_FILE",),
        ("TLS_KEY_FILE",),
        ("ENCRYPTION_KEY", "ENCRYPTION_KEY_FILE"),
    ],
)
def test_settings_that_contradict_each_other(
    monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]
) -> None:
    for name in names:
        monkeypatch.setenv(f"DCR_SERVER_{name}", KEY)
    with pytest.raises(ConfigurationError, match=r"set .* DCR_SERVER_"):
        load_settings({}, None)


def test_what_is_missing_is_listed() -> None:
    with pytest.raises(ConfigurationError) as caught:
        required(load_settings({}, None), ["issuer", "database"])
    assert "DCR_SERVER_ISSUER is not set" in str(caught.value)
    assert "DCR_SERVER_DATABASE is not set" in str(caught.value)
    with pytest.raises(ConfigurationError, match=r"DCR_SERVER_ENCRYPTION_KEY \(or"):
        encryption_key(load_settings({}, None))


@pytest.mark.parametrize(
    ("issuer", "safe"),
    [
        ("https://a", True),
        ("http://127.0.0.1:8080", True),
        ("http://[::1]", True),
        ("http://localhost", True),
        ("http://auth.svc", False),
        ("http://127.0.0.1.evil.example", False),
    ],
)
def test_s002_plain_http_is_for_loopback(issuer: str, safe: bool) -> None:
    settings = Settings(issuer=issuer)
    if safe:
        check_issuer_is_safe(settings)
    else:
        with pytest.raises(ConfigurationError, match="http is for loopback"):
            check_issuer_is_safe(settings)


def test_dev_fills_in_database_key_and_policy_once() -> None:
    filled = with_development_defaults(load_settings({}, None), bytes)
    assert filled.database_path == Path(".local/dcr-server.db")
    assert list(filled.policies) == ["default"]
    again = with_development_defaults(load_settings({}, None), lambda _: bytes(range(32)))
    assert encryption_key(again) == encryption_key(filled) == bytes(32)
    assert Path(".local/dcr-server.db.key").stat().st_mode & 0o077 == 0


def test_dev_leaves_what_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DCR_SERVER_ENCRYPTION_KEY", KEY)
    monkeypatch.setenv("DCR_SERVER_DATABASE", "sqlite:///deep/er/my.db")
    file = file_with({"policies": {"mine": {}}})
    filled = with_development_defaults(load_settings({}, file), bytes)
    assert filled.database_path == Path("deep/er/my.db")
    assert encryption_key(filled) == bytes(range(32))
    assert list(filled.policies) == ["mine"]


@pytest.mark.parametrize(
    ("listen", "issuer"),
    [
        ("127.0.0.1:0", "http://127.0.0.1:4711"),
        ("0.0.0.0:0", "http://127.0.0.1:4711"),
        ("[::1]:0", "http://[::1]:4711"),
        ("localhost:0", "http://localhost:4711"),
    ],
)
def test_the_issuer_of_dev_is_where_it_listens(listen: str, issuer: str) -> None:
    settings = load_settings({"listen": listen}, None)
    assert development_issuer(settings, 4711) == issuer


def test_the_example_is_a_configuration() -> None:
    Path("example.yaml").write_text(EXAMPLE)
    settings = load_settings({}, Path("example.yaml"))
    required(settings, ["issuer", "database", "encryption_key_file"])
    check_issuer_is_safe(settings)
    assert set(settings.policies) == {"machines", "web"}
    missing = [name for name in Settings.model_fields if f"{name}:" not in EXAMPLE]
    # Secrets themselves do not belong into a file that people share.
    assert missing == ["encryption_key", "previous_encryption_keys", "admin_token"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"admin_listen": "8082"}, "DCR_SERVER_ADMIN_LISTEN=8082: give host:port"),
        ({"admin_token": "short-but-secret"}, "DCR_SERVER_ADMIN_TOKEN: give 32 or more"),
        ({"admin_token": "ä" * 40}, "DCR_SERVER_ADMIN_TOKEN: give 32 or more"),
        ({"admin_token": "x" * 32, "admin_token_file": "f"}, "set one of DCR_SERVER_ADMIN_TOKEN"),
        ({"workers": "0"}, "DCR_SERVER_WORKERS=0"),
        ({"workers": "65"}, "DCR_SERVER_WORKERS=65"),
        ({"workers": "two"}, "DCR_SERVER_WORKERS=two"),
    ],
)
def test_settings_of_the_operation_are_checked(
    settings: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"DCR_SERVER_{name.upper()}", value)
    with pytest.raises(ConfigurationError) as caught:
        load_settings({}, None)
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


def test_the_admin_token_is_read_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "admin-token"
    settings = load_settings({"admin_token_file": str(file)}, None)
    with pytest.raises(ConfigurationError, match=r"DCR_SERVER_ADMIN_TOKEN_FILE=.*: No such file"):
        admin_token(settings)
    file.write_text("short-but-secret\n")
    with pytest.raises(ConfigurationError, match="give 32 or more") as caught:
        admin_token(settings)
    assert "secret" not in str(caught.value)
    file.write_text("x" * 32 + "\n")
    token = admin_token(settings)
    assert token is not None
    assert token.get_secret_value() == "x" * 32


def test_allowed_hosts_come_as_a_list_or_separated_by_commas() -> None:
    expected = (".svc.cluster.local", "keys.internal")
    for given in (".svc.cluster.local, keys.internal", [".SVC.cluster.local", "keys.internal"]):
        settings = Settings.model_validate({"fetch_allowed_hosts": given})
        assert settings.fetch_allowed_hosts == expected


def test_an_allowed_host_that_is_a_url_is_refused_with_what_to_give() -> None:
    with pytest.raises(ValueError, match="give a name such as"):
        Settings.model_validate({"fetch_allowed_hosts": ["https://keys.internal"]})
