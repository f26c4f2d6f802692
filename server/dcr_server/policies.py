"""Policies: what the bearer of an initial access token may register. What none allows is denied."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from dcr_protocol.client_metadata import ClientMetadata
from dcr_protocol.errors import InvalidClientMetadata, InvalidRedirectUri
from dcr_protocol.rules import MetadataRules
from dcr_protocol.uri_patterns import parse_uri_pattern
from dcr_server.durations import Seconds
from dcr_server.provisioning import NOTHING, ProvisionedMetadata, provision
from dcr_server.rates import ParsedRate

DEVELOPMENT_POLICY: Final = "default"
ANY: Final = "*"
LONGEST_ACCESS_TOKEN_LIFETIME: Final = 86_400
"""Seconds; for as long a signing key stays published that signs no more."""
_LONGEST_NAME: Final = 100


# Policies are few and stay for the life of the process. Not kept by a policy itself: a changed copy
# of it would judge by what was kept before.
_pattern = functools.cache(parse_uri_pattern)


def _is_pattern(text: str) -> str:
    _pattern(text)
    return text


class Policy(BaseModel):
    """One named entry under `policies` in the file; what it does not list it denies."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    grant_types: tuple[str, ...] = Field((), description="grant types that a client may register")
    response_types: tuple[str, ...] = Field(
        (), description="response types that a client may register"
    )
    token_endpoint_auth_methods: tuple[str, ...] = Field(
        (), description="ways in which a client may authenticate; none admits public clients"
    )
    redirect_uris: tuple[Annotated[str, AfterValidator(_is_pattern)], ...] = Field(
        (), description="patterns of redirection URIs, such as https://*.apps.example.com/*"
    )
    scopes: tuple[str, ...] = Field(
        (), description="scope values that a client is granted, orders.* for all that begin so"
    )
    audiences: tuple[str, ...] = Field(
        (), description="audiences of the access tokens; none: the issuer"
    )
    allow_http_redirect_uris: bool = Field(
        default=False, description="http redirect URIs beyond loopback for web clients"
    )
    allow_schemes_without_dot: bool = Field(
        default=False, description="redirect URIs of native clients such as cursor://callback"
    )
    pages_on_redirect_hosts: bool = Field(
        default=False, description="logo, terms and the like only from hosts of redirect URIs"
    )
    max_clients: int | None = Field(
        None, ge=0, strict=True, description="how many clients may exist under this policy"
    )
    max_clients_per_subject: int | None = Field(
        None, ge=0, strict=True, description="how many of them one subject may own"
    )
    rate: ParsedRate | None = Field(
        None, description="registrations of one subject, such as 60/1m, counted by each process"
    )
    defaults: ProvisionedMetadata = Field(
        NOTHING, description="client metadata for what a request leaves out"
    )
    forced: ProvisionedMetadata = Field(
        NOTHING, description="client metadata that wins over the request's"
    )
    secret_lifetime: Seconds | None = Field(
        None, description="after which a client secret expires, such as 90d; none: never"
    )
    client_lifetime: Seconds | None = Field(
        None, description="after which a client is removed; none: never"
    )
    unused_client_lifetime: Seconds | None = Field(
        None, description="after which a client is removed that never authenticated; none: never"
    )
    access_token_lifetime: Seconds | None = Field(
        None,
        le=LONGEST_ACCESS_TOKEN_LIFETIME,
        description="of the access tokens, at most 1d; none: 1h",
    )
    client_assertion_audience: Literal["issuer_or_token_endpoint", "issuer"] = Field(
        "issuer_or_token_endpoint",
        description="which names of this server a private_key_jwt may have as its audience",
    )
    software_statement: Literal["ignored", "accepted", "required"] = Field(
        "ignored", description="ignored, accepted or required: what comes of a software statement"
    )
    statement_issuers: tuple[str, ...] = Field(
        (), description="issuers whose software statements count under this policy"
    )
    introspect: Literal["own", "any"] = Field(
        "own", description="own or any: whose tokens a client may introspect"
    )

    @property
    def rules(self) -> MetadataRules:
        """The switches that the standards leave to a server (S-044, S-046, S-071, S-172)."""
        return MetadataRules(
            keep_software_statement=self.software_statement != "ignored",
            allow_http_redirect_uris=self.allow_http_redirect_uris,
            allow_schemes_without_dot=self.allow_schemes_without_dot,
            pages_on_redirect_hosts=self.pages_on_redirect_hosts,
        )

    def provision(self, metadata: ClientMetadata) -> ClientMetadata:
        """Fill in the defaults and put in what is forced, before anything is checked (S-021)."""
        return provision(metadata, defaults=self.defaults, forced=self.forced)

    def admit(self, metadata: ClientMetadata) -> ClientMetadata:
        """Check complete metadata, defaults included, and drop scopes that are not granted.

        Raises InvalidRedirectUri or InvalidClientMetadata.
        """
        _check_values("grant_types", metadata.grant_types, self.grant_types)
        # RFC 6749 §3.1.1: the order within a response type carries no meaning (S-025).
        _check_values("response_types", metadata.response_types, self.response_types, _as_set)
        method = metadata.token_endpoint_auth_method
        _check_values(
            "token_endpoint_auth_method",
            () if method is None else (method,),
            self.token_endpoint_auth_methods,
        )
        self._check_redirect_uris(metadata)
        return self._grant_scope(metadata)

    def _check_redirect_uris(self, metadata: ClientMetadata) -> None:
        for uri in metadata.redirect_uris or ():
            if not self._admits_uri(uri):
                raise InvalidRedirectUri(f"the policy does not allow the redirect URI {uri}")
        for uri in metadata.post_logout_redirect_uris or ():
            if not self._admits_uri(uri):
                raise InvalidClientMetadata(
                    f"the policy does not allow the post-logout redirect URI {uri}"
                )

    def _admits_uri(self, uri: str) -> bool:
        return any(_pattern(pattern).matches(uri) for pattern in self.redirect_uris)

    def _grant_scope(self, metadata: ClientMetadata) -> ClientMetadata:
        if metadata.scope is None:
            return metadata
        granted = [value for value in metadata.scope.split() if self.grants_scope(value)]
        if not granted:
            raise InvalidClientMetadata(
                f"the policy grants none of the requested scope: {metadata.scope}"
            )
        scope = " ".join(granted)
        return metadata if scope == metadata.scope else metadata.model_copy(update={"scope": scope})

    def grants_scope(self, value: str) -> bool:
        return any(
            value.startswith(scope[:-1]) if scope.endswith(ANY) else value == scope
            for scope in self.scopes
        )


class OpenRegistration(BaseModel):
    """The switch by which a request without a token may register (S-004)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    policy: str = Field(description="name of the policy that says what may be registered")
    rate: ParsedRate = Field(description="registrations of one address, such as 10/1h")


def _check_name(name: str) -> str:
    # It stands in log lines, in labels of metrics and in what an Idempotency-Key is unique within.
    if not name.isprintable() or not name.strip() or len(name) > _LONGEST_NAME:
        raise ValueError(f"name a policy by 1 to {_LONGEST_NAME} printable characters")
    return name


PolicyName = Annotated[str, AfterValidator(_check_name)]
Policies = Mapping[str, Policy]


def _check_values(
    member: str,
    values: Sequence[str] | None,
    allowed: Sequence[str],
    meaning: Callable[[str], str] = str,
) -> None:
    for value in values or ():
        if value not in allowed and meaning(value) not in map(meaning, allowed):
            raise InvalidClientMetadata(
                f"{member}: the policy does not allow {value}; it allows "
                f"{', '.join(allowed) or 'nothing'}"
            )


@functools.lru_cache(maxsize=64)
def _as_set(response_type: str) -> str:
    return " ".join(sorted(response_type.split()))


def development_policies() -> dict[str, Policy]:
    """What --dev admits when nothing is configured: ordinary web, native and machine clients."""
    ordinary = Policy(
        grant_types=("authorization_code", "refresh_token", "client_credentials"),
        response_types=("code",),
        token_endpoint_auth_methods=(
            "client_secret_basic",
            "client_secret_post",
            "private_key_jwt",
            "none",
        ),
        redirect_uris=(ANY,),
        scopes=(ANY,),
    )
    return {DEVELOPMENT_POLICY: ordinary}
