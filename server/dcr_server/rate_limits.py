"""How often subjects and addresses may do something: 429 with Retry-After (S-094).

Counted in this process: with N processes up to N times as much passes.

A repeat of a registration counts as one while the rate lasts. Beyond it repeats have the same rate
once more, so that who lost the answer to the last registration still gets it; and whatever is sent,
at most twice the rate is looked at.
"""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from dcr_protocol.errors import ProtocolError, TooManyRequests
from dcr_server.client_addresses import address_group
from dcr_server.policies import OpenRegistration, Policy
from dcr_server.rates import Buckets, Rate
from dcr_server.records import Owner
from dcr_server.requests import header_values, requester_address
from dcr_server.routing import Endpoint
from dcr_server.server import Server


def limit_subject(
    request: Request, owner: Owner, policy: Policy, server: Server
) -> TooManyRequests | None:
    """Count a registration by this owner; return why it may only be a repeat, if so.

    Raises TooManyRequests for what is beyond the policy's rate and no repeat, or one too many.
    """
    if policy.rate is None:
        return None
    key = f"{owner.policy}\n{owner.subject}"
    refusal = _beyond(server.limits.subjects, key, policy.rate, server.clock())
    return _unless_repeat(refusal, request, server, key=key, rate=policy.rate)


def limit_open_registration(
    request: Request, opened: OpenRegistration, server: Server
) -> TooManyRequests | None:
    """Count a registration without a token, by address, as above."""
    key = address_group(requester_address(request, server))
    refusal = _beyond(server.limits.addresses, key, opened.rate, server.clock())
    return _unless_repeat(refusal, request, server, key=key, rate=opened.rate)


def _beyond(registrations: Buckets, key: str, rate: Rate, now: float) -> TooManyRequests | None:
    wait = registrations.take(key, rate, now)
    return TooManyRequests("too many registrations", retry_after=wait) if wait else None


def _unless_repeat(
    refusal: TooManyRequests | None, request: Request, server: Server, *, key: str, rate: Rate
) -> TooManyRequests | None:
    if refusal is None:
        return None
    # Counted before anybody looks whether the key is known: who guesses keys is held up too.
    is_repeat = header_values(request, b"idempotency-key")
    if not is_repeat or server.limits.repeats.take(key, rate, server.clock()):
        raise refusal
    return refusal


def limiting_failures(endpoint: Endpoint, rate: Rate | None) -> Endpoint:
    """Count answers of 401, and beyond the rate of the address answer 429 to everything.

    Credentials are not looked at then: whoever guesses must not learn that a guess was right.
    """
    if rate is None:
        return endpoint

    async def limited(request: Request, server: Server) -> Response:
        key = address_group(requester_address(request, server))
        failures = server.limits.failures
        wait = failures.wait(key, rate, server.clock())
        if wait:
            raise TooManyRequests("too many failures from this address", retry_after=wait)
        try:
            return await endpoint(request, server)
        except ProtocolError as error:
            if error.status == HTTPStatus.UNAUTHORIZED:
                failures.take(key, rate, server.clock())
            raise

    return limited
