"""Under which keys a Secret holds the credentials, by preset: what each program looks for. Pure.

`make crds` writes docs/secret-keys.md from these tables. A value is known by its default key.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from dcr_operator.resources import SECRET_VALUES, SecretPreset
from dcr_operator.secret_files import env_file, json_file

_NOT_BY_DEFAULT: Final = frozenset({"userinfo_endpoint"})
_NAME: Final = "<name>"
_SPRING: Final = "spring.security.oauth2.client"


@dataclass(frozen=True, slots=True)
class FileFormat:
    """One key whose value is a whole file with every value that there is."""

    key: str
    render: Callable[[Mapping[str, str]], str]


@dataclass(frozen=True, slots=True)
class Preset:
    """`keys` are by default key; `source` is the page that says what the program expects."""

    use: str
    source: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)  # by key of the Secret
    file: FileFormat | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    scope_separator: str = " "


PRESETS: Final[Mapping[SecretPreset, Preset]] = {
    SecretPreset.DEFAULT: Preset(
        use="Any program: by `secretKeyRef`, `envFrom`, or as files of a volume.",
        keys={name: name for name in SECRET_VALUES if name not in _NOT_BY_DEFAULT},
    ),
    SecretPreset.ENV_FILE: Preset(
        use="A file that a shell, systemd (`EnvironmentFile=`) or a dotenv library reads. Names are"
        " default keys in capitals after `OAUTH_`, such as `OAUTH_CLIENT_ID`; values are quoted.",
        file=FileFormat("oauth-client.env", env_file),
    ),
    SecretPreset.JSON: Preset(
        use="One JSON object, its members named by default key; `client_secret_expires_at` is a"
        " number.",
        file=FileFormat("oauth-client.json", json_file),
    ),
    SecretPreset.OAUTH2_PROXY: Preset(
        use="oauth2-proxy by `envFrom`; its cookie secret is yours to add.",
        source="oauth2-proxy, Configuration, Overview: Environment variables",
        keys={
            "client_id": "OAUTH2_PROXY_CLIENT_ID",
            "client_secret": "OAUTH2_PROXY_CLIENT_SECRET",
            "issuer": "OAUTH2_PROXY_OIDC_ISSUER_URL",
            "scope": "OAUTH2_PROXY_SCOPE",
        },
        constants={"OAUTH2_PROXY_PROVIDER": "oidc"},
    ),
    SecretPreset.ENVOY_GATEWAY: Preset(
        use="`spec.oidc.clientSecret` and `spec.oidc.clientIDRef` of a SecurityPolicy.",
        source="Envoy Gateway, Tasks, Security, OIDC Authentication; API reference of OIDC",
        keys={"client_id": "client-id", "client_secret": "client-secret"},
    ),
    SecretPreset.SPRING_BOOT: Preset(
        use=f"A volume that `spring.config.import=configtree:/etc/oauth/` reads. `{_NAME}`, the"
        " registration's id, is the name of the OAuthClient, with `-` in place of dots.",
        source="Spring Boot, OAuth2, Client; Externalized Configuration, Configuration Trees",
        keys={
            "client_id": f"{_SPRING}.registration.{_NAME}.client-id",
            "client_secret": f"{_SPRING}.registration.{_NAME}.client-secret",
            "token_endpoint_auth_method": (
                f"{_SPRING}.registration.{_NAME}.client-authentication-method"
            ),
            "scope": f"{_SPRING}.registration.{_NAME}.scope",
            "issuer": f"{_SPRING}.provider.{_NAME}.issuer-uri",
        },
        scope_separator=",",
    ),
    SecretPreset.ARGO_CD: Preset(
        use="`oidc.config` of argocd-cm, by references such as `$argocd-oauth:oidc.clientSecret`,"
        " in the namespace of Argo CD. The label lets Argo CD read the Secret.",
        source="Argo CD, User Management, Sensitive Data and SSO Client Secrets",
        keys={
            "client_id": "oidc.clientID",
            "client_secret": "oidc.clientSecret",
            "issuer": "oidc.issuer",
        },
        labels={"app.kubernetes.io/part-of": "argocd"},
    ),
    SecretPreset.GRAFANA: Preset(
        use="Grafana by `envFrom`.",
        source="Grafana, Configure Generic OAuth authentication; Configure Grafana, Override"
        " configuration with environment variables",
        keys={
            "client_id": "GF_AUTH_GENERIC_OAUTH_CLIENT_ID",
            "client_secret": "GF_AUTH_GENERIC_OAUTH_CLIENT_SECRET",
            "authorization_endpoint": "GF_AUTH_GENERIC_OAUTH_AUTH_URL",
            "token_endpoint": "GF_AUTH_GENERIC_OAUTH_TOKEN_URL",
            "userinfo_endpoint": "GF_AUTH_GENERIC_OAUTH_API_URL",
            "scope": "GF_AUTH_GENERIC_OAUTH_SCOPES",
        },
        constants={"GF_AUTH_GENERIC_OAUTH_ENABLED": "true"},
    ),
}


def keys_of(preset: SecretPreset, own: Mapping[str, str], client_name: str) -> dict[str, str]:
    """Return the key of each value: that of the preset unless `own` gives it another."""
    name = client_name.replace(".", "-")
    wanted = {**PRESETS[preset].keys, **own}
    return {value: key.replace(_NAME, name) for value, key in wanted.items()}


_HEAD: Final = """\
<!-- Generated from operator/dcr_operator/secret_presets.py by `make crds`; edit that. -->
# The keys of a Secret

`spec.secret.preset` of an `OAuthClient` chooses the keys under which its Secret holds what was
registered. A value that does not exist has no key: no `client_secret` for a client without one, no
endpoint that the provider does not have.

`spec.secret.keys` gives a value another key, or one where the preset has none. It names the value
by its default key:

```yaml
secret:
  preset: OAuth2Proxy
  keys: {client_id: CLIENT_ID}
```

With every preset the Secret also has `ca.crt` when the provider has a CA of its own, and with
`type: kubernetes.io/basic-auth` the keys `username` and `password`. Two values for one key are
refused: `TemplateInvalid`.

`spec.secret.template` adds keys with a text of your own, in which `${client_id}` stands for a
value:

```yaml
secret:
  template:
    config.ini: |
      id = ${client_id}
      issuer = ${issuer}
    client.yaml: |
      secret: ${client_secret|json}
```

`|json` writes the value as a JSON string, which YAML and TOML read too; `|shell` as a quoted word;
`|url` percent-encoded. Without one of them the value stands as it is: quote it where the format
asks for it. `$${` is a plain `${`. A placeholder that is not in the table below, or whose value the
client does not have, is refused: `TemplateInvalid`. There is no way to anything but the values of
this client. A value with control characters is never published.

## Values

| default key, and placeholder | value |
| --- | --- |
"""


def render_page() -> str:
    """Return docs/secret-keys.md."""
    values = [f"| `{name}` | {meaning} |" for name, meaning in SECRET_VALUES.items()]
    return _HEAD + "\n".join([*values, "", *_sections()]) + "\n"


def _sections() -> list[str]:
    lines: list[str] = []
    for name, preset in PRESETS.items():
        lines += [
            f"## {name}",
            "",
            preset.use,
            "",
            "| key | value |",
            "| --- | --- |",
            *_rows(preset),
        ]
        lines += ["", f"See: {preset.source}.", ""] if preset.source else [""]
    return lines[:-1]


def _rows(preset: Preset) -> list[str]:
    rows = [f"| `{key}` | `{value}` |" for value, key in preset.keys.items()]
    if preset.scope_separator != " ":
        rows = [row.replace("| `scope` |", "| `scope`, separated by commas |") for row in rows]
    rows += [f"| `{key}` | always `{value}` |" for key, value in preset.constants.items()]
    if preset.file is not None:
        rows.append(f"| `{preset.file.key}` | the file, with every value that there is |")
    rows += [f"| label `{key}` | always `{value}` |" for key, value in preset.labels.items()]
    return rows
