"""Discovery of a provider: both well-known forms, remembered for ten minutes.

RFC 8414 and OpenID Connect Discovery. Failures are remembered for a second only, so
that many clients of one dead provider ask once. After a request without an answer the document
is read again first: that changes nothing at the provider, so nothing need be written ahead.
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

    def doubt(self) -> None:
        """Ask again before the next request: the provider has not answered one."""
        self._until = min(self._until, self.clock())


async def _discover(session: ProviderSession) -> DiscoveryOutcome:
    issuer = session.connection.issuer
    refused: list[DiscoveryRefused] = []
    try:
        urls = discovery_urls(issuer)
    except ValueError as error:
        return DiscoveryRefused(str(error), ours=True)
    for url in urls:
        try:
            answer = await session.send(ProviderRequest("discover", "GET", url))
        except OriginRefusedError as error:
            return DiscoveryRefused(f"the issuer cannot be asked: {error}", ours=True)
        outcome = _judge(issuer, answer)
        if not isinstance(outcome, DiscoveryRefused):
            return outcome
        refused.append(outcome)
    detail = "; ".join(dict.fromkeys(each.detail for each in refused))
    return DiscoveryRefused(detail, ours=all(each.ours for each in refused))


def _judge(issuer: str, answer: Answer) -> DiscoveryOutcome:
    match answer:
        case Unreachable():
            return answer
        case RateLimited():
            detail = "too many requests wait for it already: see spec.limits"
            return Unreachable(detail, may_have_arrived=False, ours=True)
        case ResponseTooLarge():
            return DiscoveryRefused("the document is too large", ours=True)
    try:
        metadata = parse_server_metadata(issuer, answer.status, answer.body, answer.headers)
        return Discovered(metadata)
    except (response_errors.ServerUnavailable, response_errors.RateLimited) as error:
        return Unreachable(str(error), may_have_arrived=False, retry_after=error.retry_after)
    except response_errors.ProtocolResponseError as error:
        return DiscoveryRefused(str(error))
