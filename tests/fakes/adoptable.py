"""A client that somebody registered at the provider, and the Secret that lets it be adopted."""

import json

from dcr_operator.kube import SECRETS, JsonObject
from dcr_operator.outcomes import Registered
from tests.fakes.operator_world import NAMESPACE, World, document, encoded
from tests.fakes.provider import INITIAL_ACCESS_TOKEN

ACCESS = "access-to-legacy"


def adoptable_client(world: World, **metadata: object) -> JsonObject:
    """Register a client and return the spec.adopt for it; its Secret has no client_secret."""
    wanted = {
        "client_name": "Legacy",
        "redirect_uris": ["https://legacy.example.com/callback"],
        "token_endpoint_auth_method": "client_secret_basic",
        **metadata,
    }
    body = json.dumps(wanted).encode()
    answer = world.provider._register(body, INITIAL_ACCESS_TOKEN, "legacy")
    assert isinstance(answer, Registered)
    given = answer.information
    assert given.registration_access_token is not None
    token = given.registration_access_token.get_secret_value()
    uri = given.registration_client_uri or ""
    give_access(world, registration_access_token=token, registration_client_uri=uri)
    return {"clientId": given.client_id, "registrationRef": {"name": ACCESS}}


def give_access(world: World, **values: str) -> None:
    """Write the Secret that spec.adopt refers to."""
    world.cluster.delete(SECRETS, NAMESPACE, ACCESS)
    world.cluster.create(SECRETS, document(SECRETS, NAMESPACE, ACCESS, data=encoded(values)))


def access_of(world: World) -> dict[str, str]:
    found = world.secret(ACCESS)
    assert found is not None
    return found
