"""All settings of the server in one frozen model: DCR_SERVER_* or the same names in the file."""

import base64
import binascii
import contextlib
import ipaddress
import re
from pathlib import Path
from typing import Annotated, Final, Literal, NamedTuple, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from dcr_protocol.uris import split_uri
from dcr_server.client_addresses import Network
from dcr_server.cross_origin import Origins
from dcr_server.database_urls import checked_database_url, sqlite_path
from dcr_server.durations import Seconds
from dcr_server.encryption import KEY_BYTES
from dcr_server.fetch_targets import parse_allowed_host
from dcr_server.policies import OpenRegistration, Policy, PolicyName
from dcr_server.rates import ParsedRate
from dcr_server.statement_issuers import StatementIssuer, check_statement_issuers

ENVIRONMENT_PREFIX: Final = "DCR_SERVER_"
_LARGEST_PORT: Final = 65535
_MOST_WORKERS: Final = 64
_SHORTEST_AUDIT_RETENTION: Final = 24 * 60 * 60
# RFC 6750 §2.1, and too long to be guessed.
_ADMIN_TOKEN: Final = re.compile(r"[A-Za-z0-9\-._~+/]{32,}=*", re.ASCII)


class Address(NamedTuple):
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def _parse_address(value: object) -> object:
    if not isinstance(value, str):
        return value
    host, colon, port = value.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > _LARGEST_PORT:
        raise ValueError("give host:port, such as 127.0.0.1:8080, or port 0 to have one picked")
    return Address(host.strip("[]") or "127.0.0.1", int(port))


def _parse_admin_address(value: object) -> object:
    return None if value == "off" or value is False else _parse_address(value)


def _check_admin_token(token: SecretStr | None) -> SecretStr | None:
    if token is not None:
        check_admin_token(token.get_secret_value())
    return token


def check_admin_token(text: str) -> None:
    """Raises ValueError with a text that shows nothing of the token."""
    if not _ADMIN_TOKEN.fullmatch(text):
        raise ValueError(
            "give 32 or more of A-Z a-z 0-9 - . _ ~ + /, such as from: openssl rand -hex 32"
        )


def _check_audit_retention(seconds: int) -> int:
    # A unit that was mistaken must not empty the trail.
    if seconds < _SHORTEST_AUDIT_RETENTION:
        raise ValueError("give 1d or more, such as 400d")
    return seconds


def _parse_networks(value: object) -> object:
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",")]
    return tuple(map(_parse_network, value)) if isinstance(value, list) else value


def _parse_network(value: object) -> Network:
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            return ipaddress.ip_network(value)
    raise ValueError(f"{value!r} is no network: give such as 10.0.0.0/8 or 2001:db8::1")


def _parse_allowed_hosts(value: object) -> object:
    if isinstance(value, str):
        value = value.split(",")
    if isinstance(value, list):
        return tuple(parse_allowed_host(str(entry)) for entry in value)
    return value


AllowedHosts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_parse_allowed_hosts)]


class Settings(BaseSettings):
    """What is None here is required to serve, unless --dev fills it in."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX, frozen=True, extra="forbid", env_ignore_empty=True
    )

    issuer: str | None = Field(
        None, description="URL that clients know the server by, https except on loopback"
    )
    listen: Annotated[Address, NoDecode, BeforeValidator(_parse_address)] = Field(
        Address("127.0.0.1", 8080), description="host:port; port 0 picks one and logs it"
    )
    database: str | None = Field(
        None,
        repr=False,  # it may hold a password
        description="sqlite:///path/file.db, with one more slash for an absolute path, "
        "or postgresql://user:password@host/name",
    )
    encryption_key: SecretStr | None = Field(
        None, description="32 bytes in base64; seals what must be readable, such as signing keys"
    )
    encryption_key_file: Path | None = Field(None, description="file that holds encryption_key")
    previous_encryption_keys: SecretStr | None = Field(
        None, description="earlier encryption keys, separated by commas: still open, seal no more"
    )
    previous_encryption_keys_file: Path | None = Field(
        None, description="file that holds previous_encryption_keys, one a line"
    )
    signing_algorithm: Literal["ES256", "RS256"] = Field(
        "ES256", description="of the access tokens, for keys made from now on: ES256 or RS256"
    )
    tls_cert_file: Path | None = Field(
        None, description="certificate chain in PEM; serves https, reloaded when it changes"
    )
    tls_key_file: Path | None = Field(None, description="private key of the certificate")
    admin_listen: Annotated[Address | None, NoDecode, BeforeValidator(_parse_admin_address)] = (
        Field(Address("127.0.0.1", 8082), description="host:port of admin API and metrics, or off")
    )
    admin_token: Annotated[SecretStr | None, AfterValidator(_check_admin_token)] = Field(
        None, description="bearer token of the admin API; unset: that API is off"
    )
    admin_token_file: Path | None = Field(None, description="file that holds admin_token")
    workers: int = Field(
        1,
        ge=1,
        le=_MOST_WORKERS,
        description="processes that answer requests; rates are per process",
    )
    log_format: Literal["json", "text"] = Field("json", description="json or text")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="debug, info, warning or error"
    )
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_parse_networks)] = (
        Field((), description="networks whose forwarded addresses count, separated by commas")
    )
    cors_allowed_origins: Origins = Field(
        (), description="origins whose pages may call the server, separated by commas, or *"
    )
    fetch_allowed_hosts: AllowedHosts = Field(
        (),
        description="hosts that may be fetched from at private addresses, such as "
        ".svc.cluster.local, separated by commas",
    )
    fetch_ca_file: Path | None = Field(
        None, description="authorities in PEM that are trusted beside the system's when fetching"
    )
    failed_authentication_rate: ParsedRate | None = Field(
        None, description="401s of one address, such as 30/1m, before it is answered 429 only"
    )
    audit_retention: Annotated[Seconds, AfterValidator(_check_audit_retention)] | None = Field(
        None, description="how long entries of the audit trail are kept, such as 400d"
    )
    policies: dict[PolicyName, Policy] = Field(
        default_factory=dict, description="who may register what; without any, nobody may"
    )
    statement_issuers: dict[str, StatementIssuer] = Field(
        default_factory=dict,
        description="whose software statements are believed, by iss, and with which keys",
    )
    open_registration: OpenRegistration | None = Field(
        None, description="policy and rate for requests without a token; unset: there are none"
    )

    @field_validator("issuer")
    @classmethod
    def _check_issuer(cls, issuer: str | None) -> str | None:
        if issuer is None:
            return None
        uri = split_uri(issuer)
        if uri is None or uri.scheme not in {"https", "http"} or not uri.host:
            raise ValueError("give an https URL, such as https://auth.example.com")
        # RFC 8414 §2: no query or fragment components.
        if (uri.query, uri.fragment, uri.userinfo) != (None, None, None):
            raise ValueError("give a URL without query, fragment and user")
        # Clients and proxies disagree about what such a path is.
        if "%" in issuer or uri.has_dot_segments:
            raise ValueError("give a URL without percent-encoding and dot segments")
        return issuer

    @field_validator("database")
    @classmethod
    def _check_database(cls, database: str | None) -> str | None:
        if database is None:
            return None
        return checked_database_url(database)

    @field_validator("encryption_key")
    @classmethod
    def _check_encryption_key(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None:
            decode_encryption_key(key.get_secret_value())
        return key

    @field_validator("previous_encryption_keys")
    @classmethod
    def _check_previous_encryption_keys(cls, keys: SecretStr | None) -> SecretStr | None:
        if keys is not None:
            decode_encryption_keys(keys.get_secret_value())
        return keys

    @model_validator(mode="after")
    def _check_pairs(self) -> Self:
        if (self.tls_cert_file is None) != (self.tls_key_file is None):
            raise ValueError("set both DCR_SERVER_TLS_CERT_FILE and DCR_SERVER_TLS_KEY_FILE")
        for name in ("encryption_key", "previous_encryption_keys", "admin_token"):
            if getattr(self, name) is not None and getattr(self, f"{name}_file") is not None:
                variable = ENVIRONMENT_PREFIX + name.upper()
                raise ValueError(f"set one of {variable} and {variable}_FILE")
        return self

    @model_validator(mode="after")
    def _check_statement_issuers(self) -> Self:
        check_statement_issuers(self.statement_issuers, self.policies)
        return self

    @property
    def database_path(self) -> Path | None:
        """The file of an SQLite database; None where there is none."""
        return None if self.database is None else sqlite_path(self.database)

    @property
    def serves_tls(self) -> bool:
        return self.tls_cert_file is not None


def decode_encryption_key(text: str) -> bytes:
    """Raises ValueError with a text that shows nothing of the key."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError(f"give {KEY_BYTES} bytes in base64: openssl rand -base64 {KEY_BYTES}")
    return key


def decode_encryption_keys(text: str) -> tuple[bytes, ...]:
    """Read several, separated by commas or blanks.

    Raises ValueError as above.
    """
    return tuple(decode_encryption_key(part) for part in text.replace(",", " ").split())


def is_loopback(url: str) -> bool:
    uri = split_uri(url)
    return uri is not None and is_loopback_host(uri.host.strip("[]"))


def is_loopback_host(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
