"""For every CEL rule what passes and what is refused; a test sees to it that none is missing."""

from tests.integration.crd_credential_examples import OF_CREDENTIALS
from tests.integration.crd_rules import CLIENT, CLUSTER_PROVIDER, PROVIDERS, Example, rules

_ISSUER = "https://id.example.com"
_METADATA = "spec.clientMetadata"
_METHOD = f"{_METADATA}.tokenEndpointAuthMethod"
_REDIRECTS = f"{_METADATA}.redirectUris"
_PEM = "-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n"
_PUBLIC = {"kty": "EC", "crv": "P-256", "x": "…", "y": "…"}
_JWKS = {"keys": [_PUBLIC]}
_REQUIREMENT = "spec.allowedNamespaces.selector.matchExpressions"
_SELECTOR = "spec.allowedNamespaces.selector"

_OF_CLIENTS = (
    *OF_CREDENTIALS,
    Example(
        CLIENT,
        "",
        "metadata.name must have at most 63",
        {"metadata.name": "a" * 63},
        {"metadata.name": "a" * 64},
    ),
    Example(
        CLIENT,
        "spec.secret.keys",
        "keys must name values by their default keys",
        {"spec.secret": {"keys": {"client_id": "OAUTH_ID"}}},
        {"spec.secret": {"keys": {"clientId": "OAUTH_ID"}}},
    ),
    Example(
        CLIENT,
        "spec.secret.template",
        "the keys of template must be keys of a Secret",
        {"spec.secret": {"template": {".config.ini": "id=${client_id}"}}},
        {"spec.secret": {"template": {"../config.ini": "id=${client_id}"}}},
    ),
    Example(
        CLIENT,
        "spec",
        "adopt cannot be added",
        {"spec.deletionPolicy": "Retain"},
        {"spec.adopt": {"clientId": "a", "registrationRef": {"name": "a"}}},
        transition=True,
    ),
    Example(
        CLIENT,
        _METADATA,
        "set one of jwks and jwksUri",
        {f"{_METADATA}.jwks": _JWKS},
        {f"{_METADATA}.jwks": _JWKS, f"{_METADATA}.jwksUri": f"{_ISSUER}/jwks"},
    ),
    Example(
        CLIENT,
        _METADATA,
        "self_signed_tls_client_auth needs jwks or jwksUri",
        {_METHOD: "self_signed_tls_client_auth", f"{_METADATA}.jwks": _JWKS},
        {_METHOD: "self_signed_tls_client_auth"},
    ),
    Example(
        CLIENT,
        _METADATA,
        "redirectUris are needed",
        {f"{_METADATA}.grantTypes": ["implicit"], _REDIRECTS: ["https://app.example.com/"]},
        {f"{_METADATA}.grantTypes": []},
    ),
    Example(
        CLIENT,
        _METADATA,
        "redirectUris of applicationType web",
        {f"{_METADATA}.applicationType": "native", _REDIRECTS: ["com.example.app:/callback"]},
        {_REDIRECTS: ["com.example.app:/callback"]},
    ),
    Example(
        CLIENT,
        _METADATA,
        "tls_client_auth needs exactly one",
        {_METHOD: "tls_client_auth", f"{_METADATA}.tlsClientAuthSanDns": "a.example.com"},
        {
            _METHOD: "tls_client_auth",
            f"{_METADATA}.tlsClientAuthSanDns": "a.example.com",
            f"{_METADATA}.tlsClientAuthSanIp": "192.0.2.1",
        },
    ),
    Example(
        CLIENT,
        _REDIRECTS,
        "redirectUris must not contain a fragment",
        {_REDIRECTS: ["https://app.example.com/callback?tenant=a"]},
        {_REDIRECTS: ["https://app.example.com/callback", "https://app.example.com/#"]},
    ),
    Example(
        CLIENT,
        _REDIRECTS,
        "redirectUris must be absolute",
        {_REDIRECTS: ["http://127.0.0.1/callback"]},
        {f"{_METADATA}.applicationType": "native", _REDIRECTS: ["/callback"]},
    ),
    Example(
        CLIENT,
        f"{_METADATA}.jwks.keys[]",
        "jwks must hold public keys only",
        {f"{_METADATA}.jwks": _JWKS},
        {f"{_METADATA}.jwks": {"keys": [{**_PUBLIC, "d": "…"}]}},
    ),
    *(
        Example(
            CLIENT,
            f"spec.secret.{field}",
            f"{field} must not have keys under",
            {f"spec.secret.{field}": {"team": "a", "example.com/kubernetes.io": "b"}},
            {f"spec.secret.{field}": {"app.kubernetes.io/managed-by": "me"}},
        )
        for field in ("labels", "annotations")
    ),
    *(
        Example(
            CLIENT,
            f"{_METADATA}.localized.{member}",
            "the keys of localized must be language tags",
            {f"{_METADATA}.localized": {member: {"de": "…", "zh-Hant-TW": "…"}}},
            {f"{_METADATA}.localized": {member: {"de_DE": "…"}}},
        )
        for member in ("clientName", "clientUri", "logoUri", "policyUri", "tosUri")
    ),
)

_OF_BOTH_PROVIDERS = tuple(
    example
    for kind in PROVIDERS
    for example in (
        Example(
            kind,
            "spec.clientPolicy.redirectUris[]",
            "a pattern begins with https:// or",
            {"spec.clientPolicy.redirectUris": ["https://*.example.com/*", "*"]},
            {"spec.clientPolicy.redirectUris": ["*.example.com"]},
        ),
        Example(
            kind,
            "spec.clientPolicy.scopes[]",
            "write one scope value",
            {"spec.clientPolicy.scopes": ["openid", "orders.*", "*"]},
            {"spec.clientPolicy.scopes": ["openid profile"]},
        ),
        Example(
            kind,
            "spec.issuer",
            "issuer cannot be changed",
            {"spec.issuer": _ISSUER},
            {"spec.issuer": f"{_ISSUER}/"},
            transition=True,
        ),
        Example(
            kind,
            "spec.issuer",
            "issuer must be an https URL",
            {"spec.issuer": "http://127.0.0.1:8080/realms/a"},
            {"spec.issuer": "http://id.example.com"},
        ),
        Example(
            kind,
            "spec.issuer",
            "issuer must not have",
            {"spec.issuer": f"{_ISSUER}/realms/@a"},
            {"spec.issuer": f"{_ISSUER}/?realm=a"},
        ),
        Example(
            kind,
            "spec.registrationEndpoint",
            "registrationEndpoint must be an https URL",
            {"spec.registrationEndpoint": f"{_ISSUER}/register?tenant=a"},
            {"spec.registrationEndpoint": "http://192.0.2.1/register"},
        ),
        Example(
            kind,
            "spec.registrationEndpoint",
            "registrationEndpoint must not have",
            {"spec.registrationEndpoint": f"{_ISSUER}/register"},
            {"spec.registrationEndpoint": "https://user@id.example.com/register"},
        ),
        Example(
            kind,
            "spec.allowedOrigins[]",
            "allowedOrigins must hold origins",
            {"spec.allowedOrigins": ["https://api.example.com:8443", "http://[::1]:8080"]},
            {"spec.allowedOrigins": ["https://api.example.com/"]},
        ),
        Example(
            kind,
            "spec.limits",
            "burst does nothing without",
            {"spec.limits": {"burst": 5, "requestsPerSecond": 1}},
            {"spec.limits": {"burst": 5}},
        ),
        Example(
            kind,
            "spec.limits.timeout",
            "timeout must be between",
            {"spec.limits": {"timeout": "30s"}},
            {"spec.limits": {"timeout": "61s"}},
        ),
        Example(
            kind,
            "spec.tls",
            "set one of caBundle and caRef",
            {"spec.tls": {"caBundle": _PEM}},
            {"spec.tls": {}},
        ),
        Example(
            kind,
            "spec.tls.caBundle",
            "caBundle must hold PEM",
            {"spec.tls": {"caBundle": _PEM}},
            {"spec.tls": {"caBundle": "/etc/ssl/ca.pem"}},
        ),
    )
)

_OF_CLUSTER_PROVIDERS = (
    Example(
        CLUSTER_PROVIDER,
        "spec.backchannelOrigin",
        "backchannelOrigin must be an origin",
        {"spec.backchannelOrigin": "http://dcr-server.dcr-system.svc:8080"},
        {"spec.backchannelOrigin": "http://dcr-server.example.com:8080"},
    ),
    Example(
        CLUSTER_PROVIDER,
        "spec.allowedNamespaces",
        "allowedNamespaces must hold names or a selector",
        {"spec.allowedNamespaces": {"names": ["*"]}},
        {"spec.allowedNamespaces": {"names": []}},
    ),
    Example(
        CLUSTER_PROVIDER,
        _SELECTOR,
        "selector must not be empty",
        {_SELECTOR: {"matchLabels": {"team": "a"}}},
        {_SELECTOR: {}},
    ),
    Example(
        CLUSTER_PROVIDER,
        f"{_REQUIREMENT}[]",
        "values belong to the operators",
        {_REQUIREMENT: [{"key": "team", "operator": "In", "values": ["a"]}]},
        {_REQUIREMENT: [{"key": "team", "operator": "Exists", "values": ["a"]}]},
    ),
)

# Every member that extra must not hold has the same rule, on a field of its own.
EXTRA = f"{_METADATA}.extra"
_A_VALUE_OF = {"string": "a", "integer": 1, "boolean": True, "array": ["a"], "object": _JWKS}


def _of_extra() -> tuple[Example, ...]:
    return tuple(
        Example(
            CLIENT,
            rule.path,
            "remove it",
            {EXTRA: {"a_member_of_its_own": {"nested": [1, True, None]}}},
            {EXTRA: {rule.path.rpartition(".")[2]: _A_VALUE_OF[rule.type]}},
        )
        for rule in rules()
        if rule.path.startswith(f"{EXTRA}.")
    )


EXAMPLES = (*_OF_CLIENTS, *_OF_BOTH_PROVIDERS, *_OF_CLUSTER_PROVIDERS, *_of_extra())
