"""A worker has the settings of its supervisor, whole, without what is none of its business."""

import json
from pathlib import Path

import pytest

from dcr_server.configuration import load_settings
from dcr_server.configuration_example import EXAMPLE
from dcr_server.development import with_development_defaults
from dcr_server.settings import Settings
from dcr_server.worker_brief import WorkerBrief
from tests.unit.docs.server_page import documented_policies

KEY = "A" * 43 + "="
EVERYTHING = {
    "issuer": "https://auth.example.com",
    "listen": "[::1]:0",
    "database": "postgresql://u:password@db/x",
    "encryption_key": KEY,
    "trusted_proxies": "10.0.0.0/8,2001:db8::/32",
    "cors_allowed_origins": "https://a.example.com",
    "admin_listen": "0.0.0.0:1",
    "workers": 2,
    "open_registration": {"policy": "web", "rate": "10/1h"},
}


def passed_on(settings: Settings) -> Settings:
    return WorkerBrief.from_line(WorkerBrief(settings, 1, 5, 3.0).to_line()).settings


def test_all_settings_come_through() -> None:
    settings = Settings.model_validate({**EVERYTHING, "policies": documented_policies()})
    assert passed_on(settings) == settings


def test_those_of_the_example_and_of_dev_come_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text(EXAMPLE)
    for settings in (
        load_settings({}, Path("config.yaml")),
        with_development_defaults(load_settings({}, None), bytes),
    ):
        assert passed_on(settings).model_dump(exclude={"admin_token_file"}) == settings.model_dump(
            exclude={"admin_token_file"}
        )


def test_the_environment_of_the_worker_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings.model_validate(EVERYTHING)
    monkeypatch.setenv("DCR_SERVER_LOG_LEVEL", "debug")
    monkeypatch.setenv("DCR_SERVER_ISSUER", "https://other.example.com")
    monkeypatch.setenv("DCR_SERVER_TLS_CERT_FILE", "x")
    assert passed_on(settings) == settings


def test_the_admin_token_stays_with_the_supervisor() -> None:
    settings = Settings.model_validate({**EVERYTHING, "admin_token": "x" * 32})
    line = WorkerBrief(settings, 1, 5, 3.0).to_line()
    assert b"x" * 32 not in line
    assert json.loads(line)["settings"]["admin_token"] is None


def test_it_is_one_line() -> None:
    brief = WorkerBrief(Settings.model_validate(EVERYTHING), 1, 5, 3.0)
    assert brief.to_line().count(b"\n") == 1
    assert WorkerBrief.from_line(brief.to_line()) == brief
