"""What people set: every ``DCR_OPERATOR_*`` variable, its meaning and its default.

Read once, in ``main``; frozen; passed down. An error is one line that names the
variable, the value and the way to mend it.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "DCR_OPERATOR_"
DEFAULT_NAMESPACE = "dcr-system"
POD_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_PORTS = 65_536


class SettingsError(Exception):
    """Raised when the environment does not make sense; the text is for the user."""


class LogFormat(StrEnum):
    JSON = "json"
    TEXT = "text"


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def _seconds(text: object) -> object:
    if not isinstance(text, str):
        return text
    match = re.fullmatch(r"(\d{1,9})([smhd])", text.strip())
    if match is None:
        msg = "give a number and a unit, such as 90s, 30m, 1h or 7d"
        raise ValueError(msg)
    return int(match[1]) * _UNITS[match[2]]


def _names(text: object) -> object:
    if not isinstance(text, str):
        return text
    return tuple(name for name in (part.strip() for part in text.split(",")) if name)


def _lower(text: object) -> object:
    return text.lower() if isinstance(text, str) else text


class Settings(BaseSettings):
    """Settings of ``dcr-operator run``."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    namespace: str = Field(
        default=DEFAULT_NAMESPACE,
        description="namespace of the records and the Lease; default: the pod's own",
    )
    watch_namespaces: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)] = Field(
        default=(), description="namespaces to serve, separated by commas; empty: all"
    )
    class_: str = Field(
        default="",
        max_length=63,
        description="serve the providers with this spec.operatorClass; empty: those without one",
    )
    listen: str = Field(
        default="0.0.0.0:8081",  # probes come from the node, not from loopback
        description="host:port of /healthz, /readyz and /metrics; port 0 picks one and logs it",
    )
    workers: int = Field(default=16, ge=1, le=256, description="reconcile workers")
    resync: Annotated[float, BeforeValidator(_seconds)] = Field(
        default=3600.0,
        ge=0,
        description="how often a steady client is checked at its provider (90s, 1h); 0s is never",
    )
    cluster_id: str = Field(
        default="",
        max_length=63,
        description=(
            "names the cluster in the log's first line and in the metric dcr_operator_info;"
            " default: the uid of namespace kube-system"
        ),
    )
    secret_watch: bool = Field(
        default=True, description="notice changed or deleted tenant Secrets at once (true, false)"
    )
    namespaced_providers: bool = Field(
        default=True, description="serve OAuthProviders, which teams write themselves (true, false)"
    )
    allow_loopback: bool = Field(
        default=False,
        description="allow providers on http and loopback, for demo and tests (true, false)",
    )
    leader_election: bool = Field(
        default=True, description="lead by a Lease, so that a second process stands by"
    )
    log_format: Annotated[LogFormat, BeforeValidator(_lower)] = Field(
        default=LogFormat.JSON, description="json or text"
    )
    log_level: Annotated[LogLevel, BeforeValidator(_lower)] = Field(
        default=LogLevel.INFO, description="debug, info, warning or error"
    )

    @field_validator("namespace")
    @classmethod
    def _one_namespace(cls, name: str) -> str:
        return _namespace(name)

    @field_validator("watch_namespaces")
    @classmethod
    def _all_namespaces(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_namespace(name) for name in names)

    @field_validator("class_")
    @classmethod
    def _class_name(cls, name: str) -> str:
        if name and _NAME.fullmatch(name) is None:
            msg = "use a-z, 0-9 and -, at most 63 characters"
            raise ValueError(msg)
        return name

    @field_validator("listen")
    @classmethod
    def _host_and_port(cls, listen: str) -> str:
        host, _, port = listen.rpartition(":")
        if not host or not port.isdecimal() or int(port) >= _PORTS:
            msg = "give host:port, such as 0.0.0.0:8081 or [::]:8081"
            raise ValueError(msg)
        return listen

    @property
    def listen_address(self) -> tuple[str, int]:
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)


def variable_of(name: str) -> str:
    """The environment variable of a field; Python has a use of its own for ``class``."""
    return PREFIX + name.removesuffix("_").upper()


def load_settings(environment: Mapping[str, str], *, pod_namespace: str | None = None) -> Settings:
    """Read the settings; raises SettingsError with one line per mistake."""
    values = {
        name: environment[variable_of(name)]
        for name in Settings.model_fields
        if environment.get(variable_of(name), "") != ""
    }
    values.setdefault("namespace", pod_namespace or DEFAULT_NAMESPACE)
    try:
        # Everything comes by the argument, so that nothing else is read.
        return Settings.model_validate(values)
    except ValidationError as error:
        lines = [_explain(each["loc"], each["input"], each["msg"]) for each in error.errors()]
        raise SettingsError("; ".join(lines)) from None


def pod_namespace(file: Path = POD_NAMESPACE_FILE) -> str | None:
    """The namespace of the pod that this process runs in, if it runs in one."""
    try:
        return file.read_text(encoding="utf-8").strip() or None
    except OSError:
        return None


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Variables with our prefix that mean nothing: most likely misspelt."""
    known = {variable_of(name) for name in Settings.model_fields}
    return sorted(name for name in environment if name.startswith(PREFIX) and name not in known)


def _namespace(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        msg = f"{name!r} is no namespace name: use a-z, 0-9 and -, at most 63 characters"
        raise ValueError(msg)
    return name


def _explain(location: tuple[int | str, ...], value: object, message: str) -> str:
    variable = variable_of(str(location[0]))
    advice = message.removeprefix("Value error, ")
    return f"{variable}={value!r}: {advice[:1].lower()}{advice[1:]}"
