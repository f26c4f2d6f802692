import base64
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from click.testing import CliRunner

from dcr_server.bootstrap import Made, Wanted, make_missing_secrets
from dcr_server.bootstrap_command import bootstrap
from dcr_server.settings import decode_encryption_key

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@dataclass
class Namespace:
    secrets: dict[str, tuple[str, Mapping[str, bytes]]] = field(default_factory=dict)

    def create(self, name: str, secret_type: str, data: Mapping[str, bytes]) -> bool:
        return self.secrets.setdefault(name, (secret_type, data))[1] is data


def entropy(count: int) -> bytes:
    return b"\x07" * count


def make(wanted: Wanted, namespace: Namespace) -> list[Made]:
    return list(make_missing_secrets(wanted, namespace, entropy=entropy, now=NOW))


@pytest.mark.parametrize(
    ("wanted", "keys"),
    [
        (Wanted(), {}),
        (Wanted(encryption_key_secret="key"), {"key": {"encryption-key"}}),
        (Wanted(initial_access_token_secret="iat"), {"iat": {"token"}}),
        (
            Wanted(tls_secret="tls", tls_dns_names=("server.svc",)),
            {"tls": {"tls.crt", "tls.key", "ca.crt"}},
        ),
    ],
    ids=["nothing", "encryption key", "initial access token", "certificate"],
)
def test_only_what_is_wanted_is_made(wanted: Wanted, keys: dict[str, set[str]]) -> None:
    namespace = Namespace()
    made = make(wanted, namespace)
    assert made == [Made(name, now=True) for name in keys]
    assert {name: set(data) for name, (_, data) in namespace.secrets.items()} == keys


def test_the_server_takes_the_encryption_key() -> None:
    namespace = Namespace()
    make(Wanted(encryption_key_secret="key"), namespace)
    stored = namespace.secrets["key"][1]["encryption-key"]
    assert decode_encryption_key(stored.decode()) == entropy(32)


def test_the_server_recognises_the_token_by_its_form() -> None:
    namespace = Namespace()
    make(Wanted(initial_access_token_secret="iat"), namespace)
    token = namespace.secrets["iat"][1]["token"].decode()
    prefix, _, rest = token.rpartition("_")
    assert prefix == "dcr_iat"
    assert base64.urlsafe_b64decode(rest + "=") == entropy(32)


def test_what_is_there_stays_as_it_is() -> None:
    brought = {"encryption-key": b"brought by somebody"}
    namespace = Namespace({"key": ("Opaque", brought)})
    assert make(Wanted(encryption_key_secret="key"), namespace) == [Made("key", now=False)]
    assert namespace.secrets["key"][1] is brought


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--tls-secret", "tls"], 2, "--tls-secret needs a --tls-dns-name"),
        (["--encryption-key-secret", "key"], 1, "this is not a pod with a ServiceAccount's token"),
    ],
    ids=["certificate for no name", "outside of a cluster"],
)
def test_the_command_says_what_is_missing(arguments: list[str], status: int, said: str) -> None:
    ran = CliRunner(env={"KUBERNETES_SERVICE_HOST": None}).invoke(bootstrap, arguments)
    assert ran.exit_code == status
    assert said in ran.output
