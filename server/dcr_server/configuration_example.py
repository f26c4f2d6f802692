"""The starting file that `dcr-server config init` prints; a test reads it with the real reader."""

from typing import Final

EXAMPLE: Final = """\
# Configuration of dcr-server: dcr-server serve --config FILE, or DCR_SERVER_CONFIG=FILE.
# Every setting can also come from the environment, as DCR_SERVER_ and its name in capitals:
# DCR_SERVER_LISTEN wins over listen here, a flag such as --listen wins over both.

# The URL that clients know the server by. Every URL in a response begins with it.
issuer: https://auth.example.com

# host:port; port 0 picks a free one and logs it.
listen: 127.0.0.1:8080

# A SQLite file. Four slashes begin an absolute path, three a relative one. For several replicas:
# postgresql://user:password@host/name, better as DCR_SERVER_DATABASE than in this file.
database: sqlite:////var/lib/dcr-server/dcr-server.db

# Seals what must be readable in the database: openssl rand -base64 32 > encryption-key
encryption_key_file: /etc/dcr-server/encryption-key
# Keys that came before, one a line: they still open, until dcr-server keys reseal has run.
# previous_encryption_keys_file: /etc/dcr-server/previous-encryption-keys

# Of the access tokens. Another one takes effect with dcr-server keys rotate.
# signing_algorithm: ES256     # or RS256

# Serve https; renewed files are noticed without a restart.
# tls_cert_file: /etc/dcr-server/tls/tls.crt
# tls_key_file: /etc/dcr-server/tls/tls.key

# Admin API, /metrics and /healthz for those who run the server: host:port, or off. The API is off
# unless there is a token: openssl rand -hex 32 > admin-token
# admin_listen: 127.0.0.1:8082
# admin_token_file: /etc/dcr-server/admin-token

# Processes that answer requests. Rates are counted by each.
# workers: 1

# log_format: json     # or text
# log_level: info      # debug, info, warning, error

# Reverse proxies that tell by Forwarded or X-Forwarded-For for whom a request comes.
# trusted_proxies: [10.0.0.0/8]

# Web applications whose pages may call the server themselves (CORS).
# cors_allowed_origins: [https://inspector.example.com]

# A client's jwks_uri and sector_identifier_uri lead to public addresses only, unless their host is
# allowed here: .svc.cluster.local for all names below, another entry for one host.
# fetch_allowed_hosts: [.svc.cluster.local]
# fetch_ca_file: /etc/dcr-server/internal-ca.crt

# More 401s than this from one address, and it is answered 429 whatever it sends. For servers that
# see their clients' own addresses: behind a shared one, one client's mistake would stop them all.
# failed_authentication_rate: 30/1m

# Entries of the audit trail that are older are removed; without this it keeps all of them.
# audit_retention: 400d

# Who may register what. An initial access token is made for one policy:
#   dcr-server token create --policy machines --expires-in 1h --max-uses 1
# What a policy does not list it denies. The policy that admitted a client governs its updates.
policies:
  machines:
    grant_types: [client_credentials]
    token_endpoint_auth_methods: [client_secret_basic]
    # Granted if asked for; others are dropped. orders.* grants all that begin so.
    scopes: [orders.read, orders.write]
    # Who the access tokens are for; without it, the issuer.
    audiences: [https://orders.example.com]
    # 403 beyond these; 429 beyond the rate, which each process counts for itself.
    max_clients: 1000
    max_clients_per_subject: 10
    rate: 60/1m
    # Metadata for what a request leaves out, and metadata that wins over the request's.
    # defaults: {scope: orders.read}
    # forced: {contacts: [platform@example.com]}
    # Durations: 90s, 15m, 12h, 30d. Without them nothing expires.
    # secret_lifetime: 90d
    # client_lifetime: 365d
    # unused_client_lifetime: 7d           # never authenticated
    # access_token_lifetime: 10m             # at most 1d
    # client_assertion_audience: issuer      # private_key_jwt; or issuer_or_token_endpoint
    # introspect: any                      # or own: the tokens issued to the client itself

  web:
    grant_types: [authorization_code, refresh_token]
    response_types: [code]
    token_endpoint_auth_methods: [client_secret_basic]
    # Exact, or: * for the first label or the whole host, /* for any path below, :* for any port.
    redirect_uris: ["https://*.apps.example.com/oauth/*"]
    # allow_http_redirect_uris: true     # http beyond loopback
    # allow_schemes_without_dot: true    # native apps with schemes such as cursor://
    # pages_on_redirect_hosts: true      # no logo_uri, tos_uri, ... of another host
    # software_statement: required         # or accepted, or ignored
    # statement_issuers: [https://statements.example.com]
    scopes: [openid, profile, email]

# Whose software statements are believed (RFC 7591 §2.3), by iss. Policies name those that count.
# statement_issuers:
#   https://statements.example.com:
#     jwks_file: /etc/dcr-server/statements.jwks.json   # or jwks_uri: https://...
#     algorithms: [ES256, RS256, PS256]
#     max_age: 30d                    # since iat
#     software_ids: [shop, stock]     # without it, all software of this issuer
#     single_use: true                # one client for each statement, told by its jti
#     policy: web                     # a statement alone registers, under this policy

# Requests without a token are refused unless this names a policy for them.
# open_registration: {policy: web, rate: 10/1h}
"""
