"""From flags, environment and file to settings that can be served, or to errors that help.

Flags win over the environment, the environment over the file.
"""

import os
import re
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import SettingsError

from dcr_protocol.json_document import JsonValue
from dcr_server.policies import OpenRegistration, Policy
from dcr_server.policy_check import problems_in_unread_policies
from dcr_server.settings import (
    ENVIRONMENT_PREFIX,
    Settings,
    check_admin_token,
    decode_encryption_key,
    is_loopback,
)
from dcr_server.suggestions import did_you_mean

CONFIG_VARIABLE: Final = f"{ENVIRONMENT_PREFIX}CONFIG"

# Their values are not repeated in an error; a database URL may hold a password.
_SECRETS: Final = frozenset(
    {"encryption_key", "previous_encryption_keys", "database", "admin_token"}
)
_LONGEST_VALUE_SHOWN: Final = 80
# What Kubernetes tells a pod about a Service named dcr-server, unless enableServiceLinks is false.
_SERVICE_LINK: Final = re.compile(
    rf"{ENVIRONMENT_PREFIX}(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)"
)

_REMEDIES: Final = {
    "tuple_type": "give a list, such as [one, another]",
    "dict_type": "give a mapping, such as {key: value}",
    "model_type": "give a mapping, such as {key: value}",
    "string_type": "give text, in quotes where it looks like something else",
    "int_type": "give a whole number",
    "int_parsing": "give a whole number",
    "bool_type": "give true or false",
    "bool_parsing": "give true or false",
    "missing": "is missing",
}

Flags = Mapping[str, str | None]


class ConfigurationError(Exception):
    """One line per problem: which setting, its value unless secret, what to do."""


def load_settings(flags: Flags, file: Path | None) -> Settings:
    """Read everything, filling in nothing.

    Raises ConfigurationError.
    """
    file = configuration_file(file)
    given = {name: value for name, value in flags.items() if value is not None}
    from_file = {
        name: value
        for name, value in (_read_file(file) if file else {}).items()
        if not os.environ.get(ENVIRONMENT_PREFIX + name.upper())
    }
    try:
        # Arguments win over the environment; what the environment has was left out above.
        return Settings.model_validate(from_file | given)
    except ValidationError as error:
        lines = _describe(error.errors(), given, from_file, file)
        # Whoever mends a file wants to hear everything at once.
        others = problems_in_unread_policies(from_file.get("policies"))
        lines += [f"{file}: {problem}" for problem in others if problem.is_error]
        raise ConfigurationError("\n".join(lines)) from None


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Return the variables with our prefix that mean nothing: most likely misspelt."""
    known = {CONFIG_VARIABLE, *map(_variable, Settings.model_fields)}
    return sorted(
        name
        for name in environment
        if name.startswith(ENVIRONMENT_PREFIX)
        and name not in known
        and _SERVICE_LINK.fullmatch(name) is None
    )


def required(settings: Settings, names: Sequence[str]) -> None:
    """Raise ConfigurationError for those that are not set."""
    missing = [
        f"{_variable(name)} is not set: {Settings.model_fields[name].description}"
        for name in names
        if getattr(settings, name) is None
    ]
    if missing:
        raise ConfigurationError("\n".join([*missing, "or try: dcr-server serve --dev"]))


def check_issuer_is_safe(settings: Settings) -> None:
    """S-002: plain http beyond loopback only where somebody asked for it by name, --dev."""
    issuer = settings.issuer
    if issuer is None:
        return
    if not issuer.startswith("https://") and not is_loopback(issuer):
        raise ConfigurationError(
            f"{_variable('issuer')}={issuer}: http is for loopback and --dev only, "
            "give an https URL"
        )


def encryption_key(settings: Settings) -> bytes:
    """Raises ConfigurationError when there is none or the file does not hold one."""
    if settings.encryption_key is not None:
        return decode_encryption_key(settings.encryption_key.get_secret_value())
    name = _variable("encryption_key")
    file = settings.encryption_key_file
    if file is None:
        what = Settings.model_fields["encryption_key"].description
        raise ConfigurationError(f"{name} (or {name}_FILE) is not set: {what}")
    try:
        return decode_encryption_key(file.read_text(encoding="ascii", errors="replace"))
    except OSError as error:
        raise ConfigurationError(f"{name}_FILE={file}: {error.strerror}") from None
    except ValueError as error:
        raise ConfigurationError(f"{name}_FILE={file}: {error}") from None


def admin_token(settings: Settings) -> SecretStr | None:
    """Read it from where it is set; None: there is none. Raises ConfigurationError."""
    file = settings.admin_token_file
    if file is None:
        return settings.admin_token
    name = _variable("admin_token_file")
    try:
        token = file.read_text(encoding="ascii", errors="replace").strip()
        check_admin_token(token)
    except OSError as error:
        raise ConfigurationError(f"{name}={file}: {error.strerror}") from None
    except ValueError as error:
        raise ConfigurationError(f"{name}={file}: {error}") from None
    return SecretStr(token)


def configuration_file(flag: Path | None) -> Path | None:
    """Return the file that is read: the flag's, else that of the environment."""
    named = os.environ.get(CONFIG_VARIABLE)
    return flag or (Path(named) if named else None)


def _read_file(file: Path) -> dict[str, JsonValue]:
    try:
        # A SafeLoader, as its name says.
        document = yaml.load(file.read_text(encoding="utf-8"), _UniqueKeysSafeLoader)  # noqa: S506
    except OSError as error:
        raise ConfigurationError(f"the configuration file {file}: {error.strerror}") from None
    except (yaml.YAMLError, ValueError) as error:
        place = " ".join(str(error).split())
        raise ConfigurationError(f"the configuration file {file} is not YAML: {place}") from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigurationError(
            f"the configuration file {file} is not a mapping: see dcr-server config init"
        )
    return {_setting_name(str(name)): value for name, value in document.items()}


class _UniqueKeysSafeLoader(yaml.SafeLoader):
    """YAML requires unique keys; of two policies with one name the last would win silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - the signature is PyYAML's
        mapping = super().construct_mapping(node, deep=deep)
        if len(mapping) < len(node.value):
            raise yaml.constructor.ConstructorError(
                None, None, "a key comes twice in one mapping", node.start_mark
            )
        return mapping


def _setting_name(name: str) -> str:
    """Take DCR_SERVER_LISTEN and listen for the same."""
    return name.removeprefix(ENVIRONMENT_PREFIX).lower()


def _describe(
    errors: Sequence[ErrorDetails],
    flags: Mapping[str, object],
    from_file: Mapping[str, object],
    file: Path | None,
) -> list[str]:
    lines = []
    for error in errors:
        path = [_printable(str(part)) for part in error["loc"]]
        message = _remedy(error)
        if not path:
            lines.append(message)
            continue
        where = _where(path, flags, from_file, file)
        lines.append(f"{where}{_shown(path[0], error)}: {message}")
    return lines


def _remedy(error: ErrorDetails) -> str:
    if error["type"] == "extra_forbidden":
        return _remedy_for_unknown([str(part) for part in error["loc"]])
    if isinstance(error.get("ctx", {}).get("error"), SettingsError):
        return "a variable for what has parts, such as DCR_SERVER_POLICIES, is not JSON"
    message = error["msg"].removeprefix("Value error, ").removeprefix(f"{error['input']!r}: ")
    return _REMEDIES.get(error["type"], message)


def _remedy_for_unknown(path: Sequence[str]) -> str:
    *above, name = path
    model: type[BaseModel] = Settings
    if above:
        model = Policy if above[0] == "policies" else OpenRegistration
    near = did_you_mean(name.lower(), model.model_fields)
    return f"is not a setting{near or ': see dcr-server config init'}"


def _where(
    path: Sequence[str],
    flags: Mapping[str, object],
    from_file: Mapping[str, object],
    file: Path | None,
) -> str:
    if path[0] in flags:
        return "--" + path[0].replace("_", "-")
    if path[0] in from_file:
        return f"{file}: {'.'.join(path)}"
    return _variable(path[0])


def _shown(name: str, error: ErrorDetails) -> str:
    value = error["input"]
    # An unknown name may be a secret's, misspelt.
    if name in _SECRETS or error["type"] == "extra_forbidden":
        return ""
    if not isinstance(value, str | int | float):
        return ""
    return f"={_printable(str(value))}"[:_LONGEST_VALUE_SHOWN]


def _printable(text: str) -> str:
    return text if text.isprintable() else repr(text)


def _variable(name: str) -> str:
    return ENVIRONMENT_PREFIX + name.upper()
