"""Rules that the API server checks itself (CEL), declared beside the fields they guard."""

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import JsonValue

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
CLUSTER_LOCAL_SUFFIXES = (".svc", ".svc.cluster.local")


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of `x-kubernetes-validations`; `field_path` is where the error is shown."""

    rule: str
    message: str
    field_path: str = ""

    def to_schema(self) -> dict[str, JsonValue]:
        entry: dict[str, JsonValue] = {"rule": self.rule, "message": self.message}
        if self.field_path:
            entry["fieldPath"] = self.field_path
        return entry


def schema(*rules: Rule, **keywords: JsonValue) -> dict[str, JsonValue]:
    """Return what a field or model adds to its JSON schema; `_` in a keyword stands for `-`."""
    extra: dict[str, JsonValue] = {name.replace("_", "-"): keywords[name] for name in keywords}
    if rules:
        extra["x-kubernetes-validations"] = [rule.to_schema() for rule in rules]
    return extra


def in_seconds(duration: str) -> str:
    """Return the CEL expression for how long a duration such as 12h is."""
    unit = f"{duration}.substring({duration}.size() - 1)"
    number = f"int({duration}.substring(0, {duration}.size() - 1))"
    return f"{number} * {{'s': 1, 'm': 60, 'h': 3600, 'd': 86400}}[{unit}]"


def immutable(message: str) -> Rule:
    return Rule("self == oldSelf", message)


def https_url(*, cluster_local: bool = False) -> str:
    """Return the CEL condition: https, or http where nobody is on the wire.

    RFC 7591 §5 and RFC 8414 §2 ask for TLS. Loopback passes here and is refused by an operator
    that is not told to allow it.
    """
    plain = f"url(self).getHostname() in {quoted(LOOPBACK_HOSTS)}"
    for suffix in CLUSTER_LOCAL_SUFFIXES if cluster_local else ():
        plain += f" || url(self).getHostname().endsWith('{suffix}')"
    return (
        "isURL(self) && url(self).getHostname() != ''"
        " && (url(self).getScheme() == 'https'"
        f" || (url(self).getScheme() == 'http' && ({plain})))"
    )


def no_user_info(then: str = "") -> str:
    return "!self.matches('^[^/]*//[^/]*@')" + then


def quoted(values: Iterable[str]) -> str:
    """Return a CEL list of strings."""
    return "[" + ", ".join(f"'{value}'" for value in values) + "]"


def none_of(names: Iterable[str]) -> str:
    return " && ".join(f"!has(self.{name})" for name in names)
