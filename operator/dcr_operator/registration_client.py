"""RFC 7591 and 7592 over httpx: the adapter of `ports.RegistrationClient`.

It sends; `dcr_protocol`'s pure parsers judge; `outcome_mapping` says what it means. A
token goes to configured origins alone, redirects are never followed.
"""

import random
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from pydantic import SecretStr

from dcr_operator import outcome_mapping
from dcr_operator.discovery import Discovery
from dcr_operator.outcomes import (
    CannotTell,
    DiscoveryOutcome,
    DiscoveryRefused,
    Malformed,
    Outcome,
    ProbeOutcome,
    Unreachable,
)
from dcr_operator.ports import Management, ProviderConnection
from dcr_operator.provider_origins import OriginRefusedError
from dcr_operator.provider_session import (
    Answer,
    MakeTransport,
    Observe,
    ProviderRequest,
    ProviderSession,
    transport_for,
)
from dcr_protocol.basic_credentials import format_basic_credentials
from dcr_protocol.secret_rotation import secret_rotation_url

_SESSIONS = 256
_JSON = {"Content-Type": "application/json"}
_OPERATIONS = {"GET": "read", "PUT": "update", "DELETE": "delete", "POST": "rotate"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True)
class _Provider:
    session: ProviderSession
    discovery: Discovery

    async def send(self, request: ProviderRequest) -> Answer:
        """Raises OriginRefusedError."""
        answer = await self.session.send(request)
        if isinstance(answer, Unreachable):
            self.discovery.doubt()
        return answer


class HttpRegistrationClient:
    """Keeps one session for each provider in use; close it at the end."""

    def __init__(
        self,
        *,
        observe: Observe = lambda _provider, _operation, _code, _seconds: None,
        make_transport: MakeTransport = transport_for,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._observe = observe
        self._make_transport = make_transport
        self._clock = clock
        self._jitter = jitter
        self._providers: OrderedDict[ProviderConnection, _Provider] = OrderedDict()

    async def close(self) -> None:
        for provider in self._providers.values():
            await provider.session.close()
        self._providers.clear()

    async def discover(self, connection: ProviderConnection) -> DiscoveryOutcome:
        try:
            provider = await self._provider(connection)
        except OriginRefusedError as error:
            return DiscoveryRefused(str(error), ours=True)
        return await provider.discovery.outcome()

    async def register(
        self,
        connection: ProviderConnection,
        endpoint: str,
        body: bytes,
        *,
        initial_access_token: SecretStr | None,
        idempotency_key: str,
    ) -> Outcome:
        headers = {**_JSON, "Idempotency-Key": idempotency_key, **_bearer(initial_access_token)}
        request = ProviderRequest("register", "POST", endpoint, headers, body)
        had_token = initial_access_token is not None
        try:
            answer = await (await self._provider(connection)).send(request)
            return outcome_mapping.registration(answer, had_token=had_token)
        except OriginRefusedError as error:
            return _not_sent("registration_endpoint", error)

    async def read(self, connection: ProviderConnection, management: Management) -> Outcome:
        return await self._manage(connection, management, "GET")

    async def update(
        self,
        connection: ProviderConnection,
        management: Management,
        body: bytes,
        *,
        idempotency_key: str,
    ) -> Outcome:
        headers = {**_JSON, "Idempotency-Key": idempotency_key}
        return await self._manage(connection, management, "PUT", headers=headers, body=body)

    async def rotate(
        self,
        connection: ProviderConnection,
        management: Management,
        body: bytes,
        *,
        idempotency_key: str,
    ) -> Outcome:
        headers = {**_JSON, "Idempotency-Key": idempotency_key}
        return await self._manage(connection, management, "POST", headers=headers, body=body)

    async def delete(self, connection: ProviderConnection, management: Management) -> Outcome:
        return await self._manage(connection, management, "DELETE")

    async def probe(
        self,
        connection: ProviderConnection,
        token_endpoint: str,
        *,
        client_id: str,
        client_secret: SecretStr,
        auth_method: str,
    ) -> ProbeOutcome:
        form = {"grant_type": "client_credentials"}
        headers = dict(_FORM)
        if auth_method == "client_secret_basic":
            credentials = format_basic_credentials(client_id, client_secret)
            headers["Authorization"] = credentials.get_secret_value()
        elif auth_method == "client_secret_post":
            form |= {"client_id": client_id, "client_secret": client_secret.get_secret_value()}
        else:
            return CannotTell(f"clients with {auth_method} cannot be tried")
        body = urlencode(form).encode("ascii")
        request = ProviderRequest("probe", "POST", token_endpoint, headers, body)
        try:
            return outcome_mapping.probe(await (await self._provider(connection)).send(request))
        except OriginRefusedError as error:
            return CannotTell(f"the token endpoint: {error}")

    async def _manage(
        self,
        connection: ProviderConnection,
        management: Management,
        method: str,
        *,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
    ) -> Outcome:
        url = management.registration_client_uri
        all_headers = {**(headers or {}), **_bearer(management.registration_access_token)}
        operation = _OPERATIONS[method]
        if method == "POST":
            url = secret_rotation_url(url)
        request = ProviderRequest(operation, method, url, all_headers, body)
        try:
            answer = await (await self._provider(connection)).send(request)
        except OriginRefusedError as error:
            return _not_sent("registration_client_uri", error)
        if method == "DELETE":
            return outcome_mapping.deletion(answer)
        return outcome_mapping.management(answer)

    async def _provider(self, connection: ProviderConnection) -> _Provider:
        """The session of exactly this connection: a changed provider gets a new one."""
        known = self._providers.get(connection)
        if known is not None:
            self._providers.move_to_end(connection)
            return known
        session = self._new_session(connection)
        fresh = self._providers[connection] = _Provider(session, Discovery(session, self._clock))
        if len(self._providers) > _SESSIONS:
            _, oldest = self._providers.popitem(last=False)
            await oldest.session.close()
        return fresh

    def _new_session(self, connection: ProviderConnection) -> ProviderSession:
        try:
            return ProviderSession(
                connection,
                make_transport=self._make_transport,
                observe=self._observe,
                random=self._jitter,
                clock=self._clock,
            )
        except (ValueError, OSError):  # ssl.SSLError is an OSError
            # Not sent anywhere, just as a URL whose origin is not allowed.
            raise OriginRefusedError("the CA certificates in tls are not PEM") from None


def _bearer(token: SecretStr | None) -> dict[str, str]:
    """RFC 6750 §2.1, RFC 7591 §3, RFC 7592 §2."""
    return {} if token is None else {"Authorization": f"Bearer {token.get_secret_value()}"}


def _not_sent(member: str, error: OriginRefusedError) -> Outcome:
    return Malformed(f"{member} of the provider: {error}", may_have_arrived=False, ours=True)
