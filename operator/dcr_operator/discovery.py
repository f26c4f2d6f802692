"""Discovery of a provider: both well-known forms, remembered for ten minutes.

RFC 8414 and OpenID Connect Discovery. Failures are remembered for a second only, so
that many clients of one dead provider ask once.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from dcr_operator.outcomes import (
    Discovered,
    DiscoveryOutcome,
    DiscoveryRefused,
    RateLimited,
    Unreachable,
)
from dcr_operator.provider_origins import OriginRefusedError
from dcr_operator.provider_session import (
    Answer,
    ProviderRequest,
    ProviderSession,
    ResponseTooLarge,
)
from dcr_protocol import response_errors
from dcr_protocol.server_metadata import discovery_urls, parse_server_metadata

_FRESH = 600.0
_FAILURE_FRESH = 1.0


@dataclass(slots=True)
class Discovery:
    """The discovery document of one session."""

    session: ProviderSession
    clock: Callable[[], float]
    _outcome: DiscoveryOutcome | None = None
    _until: float = 0.0
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def outcome(self) -> DiscoveryOutcome:
        async with self._asking:
            if self._outcome is None or self.clock() >= self._until:
                self._outcome = await _discover(self.session)
                fresh = _FRESH if isinstance(self._outcome, Discovered) else _FAILURE_FRESH
                self._until = self.clock() + fresh
            return self._outcome


async def _discover(session: ProviderSession) -> DiscoveryOutcome:
    issuer = session.connection.issuer
    refused: list[str] = []
    for url in discovery_urls(issuer):
        try:
            answer = await session.send(ProviderRequest("discover", "GET", url))
        except OriginRefusedError as error:
            return DiscoveryRefused(f"the issuer cannot be asked: {error}")
        outcome = _judge(issuer, answer)
        if not isinstance(outcome, DiscoveryRefused):
            return outcome
        refused.append(outcome.detail)
    return DiscoveryRefused("; ".join(dict.fromkeys(refused)))


def _judge(issuer: str, answer: Answer) -> DiscoveryOutcome:
    match answer:
        case Unreachable():
            return answer
        case RateLimited():
            detail = "the limit of requests per second is reached"
            return Unreachable(detail, may_have_arrived=False)
        case ResponseTooLarge():
            return DiscoveryRefused("the document is too large")
    try:
        return Discovered(parse_server_metadata(issuer, answer.status, answer.body))
    except (response_errors.ServerUnavailable, response_errors.RateLimited) as error:
        return Unreachable(str(error), may_have_arrived=False, retry_after=error.retry_after)
    except response_errors.ProtocolResponseError as error:
        return DiscoveryRefused(str(error))
