"""What the page about running the server shows is what the program takes."""

import re
from pathlib import Path

import yaml
from click.testing import CliRunner

from dcr_server.cli import main
from dcr_server.configuration import check_issuer_is_safe, load_settings, required
from dcr_server.settings import ENVIRONMENT_PREFIX, Settings
from tests.unit.docs.server_page import documented_configuration

PAGE = Path("docs", "running-the-server.md").read_text(encoding="utf-8")


def test_the_configuration_is_complete(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(documented_configuration())
    settings = load_settings({}, file)
    required(settings, ["issuer", "database", "encryption_key_file", "admin_token_file"])
    check_issuer_is_safe(settings)
    assert settings.policies


def test_every_variable_in_the_examples_exists() -> None:
    known = {f"{ENVIRONMENT_PREFIX}{name.upper()}" for name in Settings.model_fields}
    used = set(re.findall(rf"{ENVIRONMENT_PREFIX}[A-Z_]+", PAGE))
    assert used <= known | {f"{ENVIRONMENT_PREFIX}CONFIG"}


def test_the_compose_file_is_one() -> None:
    [example] = re.findall(r"```yaml\n(services:.+?)```", PAGE, re.DOTALL)
    compose = yaml.safe_load(example)
    assert compose["services"].keys() == {"server", "database"}
    volumes = {volume.split(":")[0] for volume in compose["services"]["database"]["volumes"]}
    assert volumes == compose["volumes"].keys()


def test_a_new_volume_for_the_database_belongs_to_the_user_of_the_image() -> None:
    [folder] = set(re.findall(r"-v dcr-server:(\S+)", PAGE))
    dockerfile = Path("server", "Dockerfile").read_text(encoding="utf-8")
    [user] = re.findall(r"^USER (\S+)$", dockerfile, re.MULTILINE)
    assert f"COPY --from=build --chown={user} {folder} {folder}\n" in dockerfile
    assert f"chown {user.split(':')[0]} " in PAGE


def commands() -> list[str]:
    blocks = re.findall(r"```(?:sh|console)\n(.+?)```", PAGE, re.DOTALL)
    spans = re.findall(r"`(dcr-server [^`\n]+)`", PAGE)
    found = re.findall(
        r"dcr-server (?!dcr-server)([a-z]+(?: [a-z]+)?)", "\n".join([*blocks, *spans])
    )
    return sorted(set(found))


def test_every_command_in_the_examples_exists() -> None:
    assert "token create" in commands()
    for command in commands():
        result = CliRunner().invoke(main, [*command.split(), "--help"])
        assert result.exit_code == 0, command
