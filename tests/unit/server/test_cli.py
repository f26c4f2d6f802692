"""The command line: what it prints, where, and the exit status."""

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dcr_server.cli import main
from dcr_server.records import InitialAccessToken, Owner
from dcr_server.storage.sqlite import open_sqlite_storage
from dcr_server.tokens import hash_of

POLICY = "policies: {web: {}}\n"


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(main, arguments, env=environment)


def stored(token: str, database: str) -> InitialAccessToken | None:
    async def look() -> InitialAccessToken | None:
        storage = await open_sqlite_storage(Path(database))
        found = await storage.initial_access_tokens.find(hash_of(token))
        await storage.close()
        return found

    return asyncio.run(look())


def test_token_create_prints_the_token_alone() -> None:
    Path("config.yaml").write_text(POLICY)
    Path("test.db").touch()
    result = run(
        *("token", "create", "--policy", "web", "--max-uses", "3", "--expires-in", "1h"),
        *("--subject", "team", "--note", "for team", "--database", "sqlite:///test.db"),
        *("--config", "config.yaml"),
    )
    assert (result.exit_code, result.stderr) == (0, "")
    (token,) = result.stdout.splitlines()
    found = stored(token, "test.db")
    assert found is not None
    assert found.owner == Owner("web", "team")
    assert (found.max_uses, found.note) == (3, "for team")
    assert found.expires_at == found.created_at + 3600


def test_token_create_finds_the_database_of_dev() -> None:
    assert run("token", "create", "--dev", "--policy", "default").exit_code == 0
    (token,) = run("token", "create", "--policy", "default").stdout.splitlines()
    found = stored(token, ".local/dcr-server.db")
    assert found is not None
    assert (found.expires_at, found.max_uses) == (None, None)


def test_a_token_that_names_no_subject_has_one_of_its_own() -> None:
    arguments = ("token", "create", "--dev", "--policy", "default")
    tokens = [stored(run(*arguments).stdout.strip(), ".local/dcr-server.db") for _ in range(2)]
    subjects = {found.owner.subject for found in tokens if found}
    assert len(subjects) == 2
    assert "" not in subjects


def test_a_policy_that_cannot_be_looked_up_is_said_so() -> None:
    run("token", "create", "--dev", "--policy", "default")
    result = run("token", "create", "--policy", "defualt")
    assert result.exit_code == 0
    assert "make sure that the server has one named defualt" in result.stderr


def test_token_create_keeps_a_token_that_was_made_elsewhere() -> None:
    Path("token").write_text("f" * 64 + "\n")
    arguments = ("token", "create", "--policy", "a", "--database", "sqlite:///test.db")
    for _ in range(2):
        result = run(*arguments, "--token-file", "token")
        assert (result.exit_code, result.stdout) == (0, "")
    assert stored("f" * 64, "test.db") is not None


@pytest.mark.parametrize("token", [b"short", b"a.b" * 20, b"", b"\xff" * 40])
def test_a_token_that_could_be_guessed_is_refused(token: bytes) -> None:
    Path("token").write_bytes(token)
    result = run(
        *("token", "create", "--policy", "a", "--database", "sqlite:///test.db"),
        *("--token-file", "token"),
    )
    assert result.exit_code == 1
    assert "openssl rand -hex 32" in result.stderr
    assert not token or token.decode("latin-1") not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["token", "create"], "--policy", id="a missing option"),
        pytest.param(
            ["token", "create", "--policy", "a", "--max-uses", "0"], "--max-uses", id="no use"
        ),
        pytest.param(
            ["token", "create", "--policy", "a", "--expires-in", "1 hour"], "1h", id="duration"
        ),
        pytest.param(
            ["token", "create", "--policy", "a", "--max-uses", "9" * 23], "--max-uses", id="uses"
        ),
        pytest.param(["token", "create", "--policy", ""], "--policy", id="no policy"),
        pytest.param(
            ["token", "create", "--policy", "a\udcff"], "--policy", id="a policy not in UTF-8"
        ),
        pytest.param(
            ["token", "create", "--policy", "a", "--note", "\udcff"], "--note", id="a note likewise"
        ),
        pytest.param(["serve", "--nonsense"], "--nonsense", id="an unknown option"),
        pytest.param(["nonsense"], "nonsense", id="an unknown command"),
    ],
)
def test_wrong_usage_is_exit_status_2(arguments: list[str], said: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        pytest.param(
            ["token", "create", "--policy", "a"], {}, "DCR_SERVER_DATABASE is not set", id="none"
        ),
        pytest.param(
            ["token", "create", "--policy", "a", "--config", "config.yaml"],
            {},
            "--policy=a: no such policy; configured: web",
            id="an unknown policy",
        ),
        pytest.param(
            ["serve"], {"DCR_SERVER_LISTEN": "127.0.0.1:0"}, "DCR_SERVER_ISSUER", id="no issuer"
        ),
        pytest.param(["serve", "--listen", "x"], {}, "--listen=x: give host:port", id="listen"),
        pytest.param(
            ["serve", "--dev", "--listen", "192.0.2.1:1"],
            {},
            "DCR_SERVER_LISTEN=192.0.2.1:1: ",
            id="an address that is not ours",
        ),
        pytest.param(
            ["serve", "--dev", "--tls-cert-file", "no", "--tls-key-file", "no"],
            {},
            "DCR_SERVER_TLS_CERT_FILE=no",
            id="a certificate that is missing",
        ),
        pytest.param(
            ["serve", "--listen", "127.0.0.1:0", "--issuer", "http://auth.svc"],
            {"DCR_SERVER_DATABASE": "sqlite:///test.db"},
            "http is for loopback and --dev only",
            id="plain http",
        ),
        pytest.param(
            ["serve", "--listen", "127.0.0.1:0", "--issuer", "https://a"],
            {"DCR_SERVER_DATABASE": "sqlite:///test.db"},
            "DCR_SERVER_ENCRYPTION_KEY",
            id="no key in production",
        ),
        pytest.param(["config", "check"], {}, "DCR_SERVER_ISSUER is not set", id="check"),
        pytest.param(
            ["config", "check"],
            {
                "DCR_SERVER_ISSUER": "https://a",
                "DCR_SERVER_DATABASE": "sqlite:///test.db",
                "DCR_SERVER_ENCRYPTION_KEY": "A" * 43 + "=",
                "DCR_SERVER_TLS_CERT_FILE": "/nope",
                "DCR_SERVER_TLS_KEY_FILE": "/nope",
            },
            "DCR_SERVER_TLS_CERT_FILE=/nope",
            id="check of certificate files",
        ),
        pytest.param(
            ["token", "create", "--policy", "a", "--database", "sqlite:///typo.db"],
            {},
            "the database typo.db does not exist",
            id="a database that no server made",
        ),
    ],
)
def test_what_cannot_work_is_said_with_exit_status_1(
    arguments: list[str], environment: dict[str, str], said: str
) -> None:
    Path("config.yaml").write_text(POLICY)
    result = run(*arguments, **environment)
    assert result.exit_code == 1
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_the_file_that_init_prints_passes_check() -> None:
    Path("config.yaml").write_text(run("config", "init").stdout)
    Path("key").write_text("A" * 43 + "=")
    result = run("config", "check", "--config", "config.yaml", DCR_SERVER_ENCRYPTION_KEY_FILE="key")
    assert result.exit_code == 0, result.stderr
    assert "policies: machines, web" in result.stdout


def test_a_variable_that_is_no_setting_is_told_and_no_failure() -> None:
    Path("key").write_text("A" * 43 + "=")
    result = run(
        *("config", "check"),
        DCR_SERVER_ISSUER="https://a",
        DCR_SERVER_DATABASE="sqlite:///test.db",
        DCR_SERVER_ENCRYPTION_KEY_FILE="key",
        DCR_SERVER_LOGLEVEL="debug",
    )
    assert result.exit_code == 0
    told = "dcr-server: DCR_SERVER_LOGLEVEL is not a setting: see dcr-server config init\n"
    assert result.stderr == told


def test_config_check_tells_what_may_be_misspelt_before_what_is_missing() -> None:
    result = run("config", "check", DCR_SERVER_ISSUR="https://a")
    assert result.exit_code == 1
    misspelt = result.stderr.index("DCR_SERVER_ISSUR is not a setting")
    assert misspelt < result.stderr.index("DCR_SERVER_ISSUER is not set")


def test_config_check_tells_warnings_without_failing() -> None:
    Path("key").write_text("A" * 43 + "=")
    Path("config.yaml").write_text("policies: {web: {}}\n")
    result = run(
        *("config", "check", "--config", "config.yaml"),
        DCR_SERVER_ISSUER="https://a",
        DCR_SERVER_DATABASE="sqlite:///test.db",
        DCR_SERVER_ENCRYPTION_KEY_FILE="key",
    )
    assert result.exit_code == 0
    told = "dcr-server: config.yaml: policies.web: admits nothing: list grant_types\n"
    assert result.stderr == told
    assert result.stdout == "settings are complete; policies: web\n"


def test_config_check_tells_all_that_is_wrong_at_once() -> None:
    Path("config.yaml").write_text(
        "policies: {web: {grant_types: [authorization_cod]}}\n"
        "open_registration: {policy: wbe, rate: 10/1h}\n"
    )
    result = run("config", "check", "--config", "config.yaml", DCR_SERVER_TLS_CERT_FILE="/nope")
    assert result.exit_code == 1
    # The pair of TLS settings is checked before anything can be asked of them.
    assert "set both DCR_SERVER_TLS_CERT_FILE and DCR_SERVER_TLS_KEY_FILE" in result.stderr
    assert "config.yaml: policies.web.grant_types.0=authorization_cod: is not" in result.stderr
    result = run("config", "check", "--config", "config.yaml")
    assert result.exit_code == 1
    for said in (
        "DCR_SERVER_ISSUER is not set",
        "DCR_SERVER_DATABASE is not set",
        "DCR_SERVER_ENCRYPTION_KEY",
        "config.yaml: policies.web.grant_types.0=authorization_cod: is not known, did you mean",
        "config.yaml: open_registration.policy=wbe: no such policy, did you mean web?",
    ):
        assert said in result.stderr


def test_serve_refuses_a_policy_that_config_check_refuses() -> None:
    Path("config.yaml").write_text("policies: {web: {grant_types: [authorization_cod]}}\n")
    result = run("serve", "--dev", "--listen", "127.0.0.1:0", "--config", "config.yaml")
    assert result.exit_code == 1
    assert "did you mean authorization_code?" in result.stderr


@pytest.mark.parametrize("command", [[], ["serve"], ["token", "create"], ["config", "check"]])
def test_help_is_there(command: list[str]) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert "Usage: " in result.stdout
