"""A machine client at the real application that authenticates in any of the ways there are."""

import functools
import uuid
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

import httpx
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, OKPKey, RSAKey

from tests.unit.server.registrant import Registered, Registrant

if TYPE_CHECKING:
    from dcr_protocol.json_document import JsonValue

Key = ECKey | OKPKey | RSAKey
SCOPE: Final = "a b"
_ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_KEYS: Final[Mapping[str, Callable[[], Key]]] = {
    "RS": lambda: RSAKey.generate_key(2048, auto_kid=True),
    "PS": lambda: RSAKey.generate_key(2048, auto_kid=True),
    "ES256": lambda: ECKey.generate_key("P-256", auto_kid=True),
    "ES384": lambda: ECKey.generate_key("P-384", auto_kid=True),
    "ES512": lambda: ECKey.generate_key("P-521", auto_kid=True),
    "Ed": lambda: OKPKey.generate_key("Ed25519", auto_kid=True),
}


@functools.cache
def key_for(algorithm: str) -> Key:
    return next(make for start, make in _KEYS.items() if algorithm.startswith(start))()


@dataclass(frozen=True)
class Machine:
    registrant: Registrant
    client: Registered
    method: str
    algorithm: str

    async def post(self, endpoint: str, **form: str) -> httpx.Response:
        """Send a form with what shows who sends it."""
        if self.method == "client_secret_basic":
            return await self.registrant.http.post(endpoint, data=form, auth=self.client.basic)
        return await self.registrant.http.post(endpoint, data=form | self._credentials())

    async def get_token(self, **form: str) -> httpx.Response:
        return await self.post("/token", grant_type="client_credentials", **form)

    def _credentials(self) -> dict[str, str]:
        client_id = self.client["client_id"]
        if self.method == "client_secret_post":
            return {"client_id": client_id, "client_secret": self.client["client_secret"]}
        key, now = key_for(self.algorithm), int(self.registrant.clock())
        claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": self.registrant.server.urls.issuer,
            "jti": str(uuid.uuid4()),
            "iat": now,
            "exp": now + 60,
        }
        header = {"alg": self.algorithm, "kid": key.kid}
        with warnings.catch_warnings():
            # Clients still write EdDSA, which RFC 9864 has renamed.
            warnings.simplefilter("ignore", SecurityWarning)
            assertion = jwt.encode(header, claims, key, algorithms=[self.algorithm])
        return {"client_assertion_type": _ASSERTION_TYPE, "client_assertion": assertion}


async def machine_at(registrant: Registrant, method: str, algorithm: str = "ES256") -> Machine:
    members: dict[str, JsonValue] = {
        "grant_types": ["client_credentials"],
        "scope": SCOPE,
        "token_endpoint_auth_method": method,
    }
    if method == "private_key_jwt":
        public = cast("JsonValue", key_for(algorithm).as_dict(private=False))
        members["jwks"] = {"keys": [public]}
    return Machine(registrant, await registrant.register(members), method, algorithm)
