"""Templates and keys of a Secret that ask for more than the values of this client."""

import pytest

from dcr_operator.kube import SECRETS, JsonObject
from tests.fakes.operator_world import (
    NAMESPACE,
    SYSTEM,
    World,
    document,
    encoded,
    new_world,
)
from tests.fakes.provider import INITIAL_ACCESS_TOKEN

# Values that exist near the operator, and ways in which template languages reach for them.
REFUSED = [
    "${registration_access_token}",
    "${registration_client_uri}",
    "${initial_access_token}",
    "${software_statement}",
    "${record.json}",
    "${record}",
    "${KUBERNETES_SERVICE_HOST}",
    "${env:HOME}",
    "${file:/var/run/secrets/kubernetes.io/serviceaccount/token}",
    "${client_id.__class__.__init__.__globals__}",
    "${client_id!r}",
    "${client_id:>1000000000}",
    "${client_id|sh}",
    "${}",
    "${ client_id }",
    "${client_id",
    "${jndi:ldap://127.0.0.1/x}",
    "${${client_id}}",
]
LITERAL = [
    "{client_id.__class__}",
    "{{ .Values.secret }}",
    "{% include '/etc/passwd' %}",
    "$(cat /etc/passwd)",
    "`id`",
    "$client_secret",
    "%(client_secret)s",
    "<%= ENV['HOME'] %>",
    "#{client_secret}",
    "$${registration_access_token}",
    "@/etc/passwd",
]


async def published(template: JsonObject, **secret: object) -> World:
    world = new_world()
    world.set_client(secret={"template": template, **secret})
    await world.settle()
    return world


@pytest.mark.parametrize("text", REFUSED)
async def test_a_placeholder_for_anything_else_is_refused(text: str) -> None:
    world = await published({"out": text})
    assert world.condition("SecretPublished") == ("False", "TemplateInvalid")
    assert world.secret() is None
    assert INITIAL_ACCESS_TOKEN not in str(world.status)


@pytest.mark.parametrize("text", LITERAL)
async def test_other_template_languages_are_plain_text(text: str) -> None:
    world = await published({"out": text})
    assert (world.secret() or {})["out"] == text.replace("$${", "${")


@pytest.mark.parametrize(
    "values",
    ["${client_id}${client_secret}${issuer}${scope}", "${token_endpoint}${jwks_uri}"],
)
async def test_no_value_holds_what_manages_the_client(values: str) -> None:
    world = await published({"out": values})
    secret = world.secret()
    assert secret is not None
    registration = world.record.registration
    assert registration is not None
    assert registration.registration_access_token is not None
    token = registration.registration_access_token.get_secret_value()
    assert token not in "".join(secret.values())
    assert INITIAL_ACCESS_TOKEN not in "".join(secret.values())


async def test_a_value_that_looks_like_a_placeholder_is_not_read_again() -> None:
    world = new_world()
    world.provider.overrides = {"scope": "${client_secret}"}
    world.set_client(secret={"template": {"out": "${scope}"}})
    await world.settle()
    assert (world.secret() or {})["out"] == "${client_secret}"


async def test_a_template_that_grows_without_end_is_refused() -> None:
    world = new_world()
    world.provider.overrides = {"scope": "x" * 60_000}
    world.set_client(secret={"template": {"out": "${scope}" * 1_000}})
    await world.run_pass()
    assert world.condition("SecretPublished") == ("False", "TemplateInvalid")
    assert world.secret() is None


@pytest.mark.parametrize(
    "secret",
    [
        {"keys": {"client_id": "client_secret"}},
        {"keys": {"registration_access_token": "token"}},
        {"keys": {"client_id": "../x"}},
        {"keys": {"client_id": "a/b"}},
        {"template": {"ca.crt": "x"}},
        {"template": {"client_secret": "known to the tenant"}},
        {"template": {"../x": "x"}},
        {"type": "kubernetes.io/service-account-token"},
        {"type": "kubernetes.io/tls"},
        {"type": "bootstrap.kubernetes.io/token"},
        {"name": "../kube-system/x"},
        {"namespace": "kube-system"},
    ],
    ids=str,
)
async def test_a_form_of_the_secret_that_fools_its_readers_is_refused(secret: JsonObject) -> None:
    world = new_world()
    world.cluster.create(
        SECRETS, document(SECRETS, SYSTEM, "other", data=encoded({"password": "p"}))
    )
    world.set_client(secret=secret)
    await world.run_pass()
    assert world.condition()[0] == "False"
    tenants = [each for each in world.cluster.objects if each[:2] == ("secrets", NAMESPACE)]
    assert tenants == []
