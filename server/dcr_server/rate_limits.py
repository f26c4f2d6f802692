"""How often subjects and addresses may do something: 429 with Retry-After (S-094).

Counted in this process: with N processes up to N times as much passes.
"""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from dcr_protocol.errors import ProtocolError, TooManyRequests
from dcr_server.client_addresses import address_group
from dcr_server.policies import OpenRegistration, Policy
from dcr_server.records import Owner
from dcr_server.requests import requester_address
from dcr_server.routing import Endpoint
from dcr_server.server import Server


def limit_subject(owner: Owner, policy: Policy, server: Server) -> None:
    """Count a registration that a token of this owner asks for.

    Raises TooManyRequests beyond the policy's rate.
    """
    if policy.rate is None:
        return
    key = f"{owner.policy}\n{owner.subject}"
    wait = server.limits.subjects.take(key, policy.rate, server.clock())
    if wait:
        raise TooManyRequests("too many registrations under this policy", retry_after=wait)


def limit_open_registration(request: Request, opened: OpenRegistration, server: Server) -> None:
    """Count a registration without a token. Raises TooManyRequests beyond the address's rate."""
    key = address_group(requester_address(request, server))
    wait = server.limits.addresses.take(key, opened.rate, server.clock())
    if wait:
        raise TooManyRequests("too many registrations from this address", retry_after=wait)


def limiting_failures(endpoint: Endpoint) -> Endpoint:
    """Count answers of 401, and beyond the rate of the address answer 429 to everything.

    Credentials are not looked at then: whoever guesses must not learn that a guess was right.
    """

    async def limited(request: Request, server: Server) -> Response:
        rate = server.failed_authentication_rate
        if rate is None:
            return await endpoint(request, server)
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
