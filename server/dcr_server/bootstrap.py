"""What an installation in Kubernetes needs and nobody brought: keys, made in the cluster itself.

`dcr-server bootstrap` runs as a Job at every install and upgrade. It only ever creates Secrets: one
that is there stays as it is, so that running it again is harmless and its account needs no right
to read. No key passes through a release, a repository or a pipeline.
"""

import base64
import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from dcr_server.encryption import KEY_BYTES
from dcr_server.serving_certificate import make_serving_certificate
from dcr_server.tokens import INITIAL_ACCESS_TOKEN_PREFIX, Entropy, mint

ENCRYPTION_KEY = "encryption-key"
INITIAL_ACCESS_TOKEN = "token"


class SecretMaker(Protocol):
    def create(self, name: str, secret_type: str, data: Mapping[str, bytes]) -> bool:
        """Return whether it was made now; False: a Secret of that name is there already."""
        ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """Names of the Secrets to make; an empty one is brought by somebody else, or not needed."""

    encryption_key_secret: str = ""
    initial_access_token_secret: str = ""
    tls_secret: str = ""
    tls_dns_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Made:
    name: str
    now: bool


def make_missing_secrets(
    wanted: Wanted, secrets: SecretMaker, *, entropy: Entropy, now: dt.datetime
) -> Iterator[Made]:
    if wanted.encryption_key_secret:
        key = base64.b64encode(entropy(KEY_BYTES))
        name = wanted.encryption_key_secret
        yield Made(name, secrets.create(name, "Opaque", {ENCRYPTION_KEY: key}))
    if wanted.initial_access_token_secret:
        token = mint(INITIAL_ACCESS_TOKEN_PREFIX, entropy).value.get_secret_value()
        name = wanted.initial_access_token_secret
        yield Made(name, secrets.create(name, "Opaque", {INITIAL_ACCESS_TOKEN: token.encode()}))
    if wanted.tls_secret:
        certificate = make_serving_certificate(wanted.tls_dns_names, now)
        data = {
            "tls.crt": certificate.tls_crt,
            "tls.key": certificate.tls_key,
            "ca.crt": certificate.ca_crt,
        }
        name = wanted.tls_secret
        yield Made(name, secrets.create(name, "kubernetes.io/tls", data))
