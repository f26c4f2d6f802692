"""Examples of the rules about rotation and keys; see `crd_rule_examples`."""

from tests.integration.crd_rules import CLIENT, Example

_ISSUER = "https://id.example.com"
_METADATA = "spec.clientMetadata"
_METHOD = f"{_METADATA}.tokenEndpointAuthMethod"
_KEYS = "spec.clientKeys"
_JWKS = {"keys": [{"kty": "EC", "crv": "P-256", "x": "…", "y": "…"}]}

OF_CREDENTIALS = (
    Example(
        CLIENT,
        "spec",
        "rotation is for clients that authenticate with a client secret",
        {"spec.rotation": {"every": "30d"}, _METHOD: "client_secret_post"},
        {"spec.rotation": {"every": "30d"}, _METHOD: "none"},
    ),
    Example(
        CLIENT,
        "spec.rotation",
        "overlap, which is 1h when omitted",
        {"spec.rotation": {"every": "1h"}},
        {"spec.rotation": {"every": "59m"}},
    ),
    Example(
        CLIENT,
        "spec.rotation.every",
        "every must be between",
        {"spec.rotation": {"every": "10s", "overlap": "10s"}},
        {"spec.rotation": {"every": "9s", "overlap": "0s"}},
    ),
    Example(
        CLIENT,
        "spec.rotation.beforeExpiry",
        "beforeExpiry must be between",
        {"spec.rotation": {"beforeExpiry": "3650d"}},
        {"spec.rotation": {"beforeExpiry": "3651d"}},
    ),
    Example(
        CLIENT,
        "spec.rotation.overlap",
        "overlap must be between",
        {"spec.rotation": {"overlap": "2160h"}},
        {"spec.rotation": {"overlap": "91d"}},
    ),
    Example(
        CLIENT,
        "spec",
        "private_key_jwt needs jwks, jwksUri or spec.clientKeys",
        {_METHOD: "private_key_jwt", _KEYS: {}},
        {_METHOD: "private_key_jwt"},
    ),
    Example(
        CLIENT,
        "spec",
        "clientKeys needs tokenEndpointAuthMethod private_key_jwt",
        {_METHOD: "private_key_jwt", _KEYS: {"algorithm": "RS256"}},
        {_KEYS: {}},
    ),
    Example(
        CLIENT,
        "spec",
        "clientKeys makes the keys",
        {_METHOD: "private_key_jwt", f"{_METADATA}.jwksUri": f"{_ISSUER}/jwks"},
        {_METHOD: "private_key_jwt", f"{_METADATA}.jwks": _JWKS, _KEYS: {}},
    ),
    Example(
        CLIENT,
        "spec",
        "tokenEndpointAuthSigningAlg must be the algorithm of clientKeys",
        {
            _METHOD: "private_key_jwt",
            f"{_METADATA}.tokenEndpointAuthSigningAlg": "ES256",
            _KEYS: {},
        },
        {
            _METHOD: "private_key_jwt",
            f"{_METADATA}.tokenEndpointAuthSigningAlg": "ES256",
            _KEYS: {"algorithm": "RS256"},
        },
    ),
    Example(
        CLIENT,
        _KEYS,
        "overlap, which is 24h when omitted",
        {_METHOD: "private_key_jwt", _KEYS: {"rotateEvery": "24h"}},
        {_METHOD: "private_key_jwt", _KEYS: {"rotateEvery": "23h"}},
    ),
    Example(
        CLIENT,
        f"{_KEYS}.rotateEvery",
        "rotateEvery must be between",
        {_METHOD: "private_key_jwt", _KEYS: {"rotateEvery": "10s", "overlap": "0s"}},
        {_METHOD: "private_key_jwt", _KEYS: {"rotateEvery": "9s", "overlap": "0s"}},
    ),
    Example(
        CLIENT,
        f"{_KEYS}.overlap",
        "overlap must be between",
        {_METHOD: "private_key_jwt", _KEYS: {"overlap": "90d"}},
        {_METHOD: "private_key_jwt", _KEYS: {"overlap": "91d"}},
    ),
)
