from pathlib import Path

import pytest
from pydantic import ValidationError

from dcr_operator.settings import (
    LogFormat,
    LogLevel,
    Settings,
    SettingsError,
    load_settings,
    pod_namespace,
    unknown_variables,
    variable_of,
)


def test_defaults_are_those_of_the_documentation() -> None:
    assert load_settings({}).model_dump() == {
        "namespace": "dcr-system",
        "watch_namespaces": (),
        "class_": "",
        "listen": "0.0.0.0:8081",
        "workers": 16,
        "resync": 3600.0,
        "cluster_id": "",
        "secret_watch": True,
        "namespaced_providers": True,
        "allow_loopback": False,
        "leader_election": True,
        "log_format": LogFormat.JSON,
        "log_level": LogLevel.INFO,
    }


@pytest.mark.parametrize(
    ("variable", "text", "expected"),
    [
        ("NAMESPACE", "ops", "ops"),
        ("WATCH_NAMESPACES", "a, b,,c", ("a", "b", "c")),
        ("LISTEN", "[::]:0", "[::]:0"),
        ("WORKERS", "4", 4),
        ("RESYNC", "90s", 90.0),
        ("RESYNC", "2d", 172800.0),
        ("RESYNC", "0s", 0.0),
        ("CLUSTER_ID", "eu-1", "eu-1"),
        ("CLASS", "blue", "blue"),
        ("SECRET_WATCH", "false", False),
        ("NAMESPACED_PROVIDERS", "false", False),
        ("ALLOW_LOOPBACK", "true", True),
        ("LEADER_ELECTION", "0", False),
        ("LOG_FORMAT", "TEXT", LogFormat.TEXT),
        ("LOG_LEVEL", "debug", LogLevel.DEBUG),
    ],
)
def test_each_variable_is_read(variable: str, text: str, expected: object) -> None:
    settings = load_settings({f"DCR_OPERATOR_{variable}": text})
    assert {variable_of(name): value for name, value in settings}[
        f"DCR_OPERATOR_{variable}"
    ] == expected


@pytest.mark.parametrize(
    ("variable", "text", "advice"),
    [
        ("NAMESPACE", "Not_A_Name", "use a-z, 0-9 and -"),
        ("CLASS", "Blue!", "use a-z, 0-9 and -"),
        ("WATCH_NAMESPACES", "good,Bad", "'Bad' is no namespace name"),
        ("LISTEN", "8081", "give host:port"),
        ("LISTEN", "localhost:99999", "give host:port"),
        ("WORKERS", "many", "should be a valid integer"),
        ("WORKERS", "0", "greater than or equal to 1"),
        ("RESYNC", "3600", "give a number and a unit, such as 90s"),
        ("RESYNC", "-1h", "give a number and a unit"),
        ("SECRET_WATCH", "maybe", "should be a valid boolean"),
        ("LOG_FORMAT", "xml", "'json' or 'text'"),
        ("LOG_LEVEL", "loud", "'debug', 'info', 'warning' or 'error'"),
    ],
)
def test_a_mistake_is_named_in_one_line(variable: str, text: str, advice: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({f"DCR_OPERATOR_{variable}": text})
    message = str(caught.value)
    assert message.startswith(f"DCR_OPERATOR_{variable}=")
    assert text.split(",", maxsplit=1)[0] in message
    assert advice in message
    assert "\n" not in message


def test_all_mistakes_are_named_at_once() -> None:
    with pytest.raises(SettingsError, match=r"WORKERS.*; .*RESYNC"):
        load_settings({"DCR_OPERATOR_WORKERS": "x", "DCR_OPERATOR_RESYNC": "y"})


def test_an_empty_variable_counts_as_unset() -> None:
    assert load_settings({"DCR_OPERATOR_RESYNC": ""}).resync == 3600.0


def test_the_pods_namespace_is_the_default_of_the_namespace(tmp_path: Path) -> None:
    (tmp_path / "namespace").write_text("apps\n")
    assert (
        load_settings({}, pod_namespace=pod_namespace(tmp_path / "namespace")).namespace == "apps"
    )


def test_without_a_pod_there_is_no_pod_namespace(tmp_path: Path) -> None:
    assert pod_namespace(tmp_path / "absent") is None


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings(workers=3).workers = 4  # type: ignore[misc]  # what the test is about


def test_every_setting_has_a_description() -> None:
    assert [name for name, each in Settings.model_fields.items() if not each.description] == []


def test_misspelt_variables_are_found() -> None:
    environment = {"DCR_OPERATOR_WORKER": "3", "DCR_OPERATOR_WORKERS": "3", "PATH": "/bin"}
    assert unknown_variables(environment) == ["DCR_OPERATOR_WORKER"]


@pytest.mark.parametrize(
    ("listen", "address"),
    [("127.0.0.1:0", ("127.0.0.1", 0)), ("[::1]:8081", ("::1", 8081))],
)
def test_the_listening_address_is_split(listen: str, address: tuple[str, int]) -> None:
    assert load_settings({"DCR_OPERATOR_LISTEN": listen}).listen_address == address
