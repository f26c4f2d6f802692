import pytest
from pydantic import JsonValue
from pydantic.alias_generators import to_camel, to_snake

from dcr_operator.reasons import Reason
from dcr_operator.resources import (
    AllowedNamespaces,
    ClientMetadataSpec,
    ClusterOAuthProvider,
    DeletionPolicy,
    InvalidSpecError,
    OAuthClient,
    OAuthProvider,
    ProviderKind,
    SecretType,
    format_duration,
    parse_duration,
    parse_oauth_client,
    parse_provider,
)
from dcr_operator.resources.client_metadata import FORBIDDEN_IN_EXTRA, TYPED_MEMBERS
from dcr_protocol.client_metadata import ClientMetadata
from dcr_protocol.vocabulary import READ_ONLY_MEMBERS

JsonObject = dict[str, JsonValue]
_ISSUER = "https://id.example.com"


def _client(metadata: JsonObject | None = None, **spec: JsonValue) -> OAuthClient:
    return parse_oauth_client(
        {
            "apiVersion": "dcr-operator.dev/v1alpha1",
            "kind": "OAuthClient",
            "metadata": {"name": "reports", "namespace": "team-a", "managedFields": []},
            "spec": {"providerRef": {"name": "main"}, "clientMetadata": metadata or {}, **spec},
        }
    )


def _provider(kind: str, **spec: JsonValue) -> OAuthProvider | ClusterOAuthProvider:
    metadata: JsonObject = {"name": "main"}
    return parse_provider({"kind": kind, "metadata": metadata, "spec": {"issuer": _ISSUER, **spec}})


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0s", 0), ("90s", 90), ("5m", 300), ("12h", 43200), ("30d", 2592000)],
)
def test_a_duration_is_a_number_of_seconds(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds
    assert parse_duration(format_duration(seconds)) == seconds


@pytest.mark.parametrize(
    "text", ["", "5", "s", "1.5h", "-1s", "1w", "1h30m", "05s", " 5s", True, None]
)
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="write a whole number and one of the units"):
        parse_duration(text)


def test_what_is_left_out_has_its_default() -> None:
    client = _client()
    assert client.secret_name == "reports"
    assert client.spec.secret.type is SecretType.OPAQUE
    assert client.spec.deletion_policy is DeletionPolicy.DELETE
    assert client.spec.provider_ref is not None
    assert client.spec.provider_ref.kind is ProviderKind.CLUSTER
    assert client.status.observed_generation == -1


def test_client_metadata_is_camel_case_here_and_snake_case_on_the_wire() -> None:
    metadata: JsonObject = {
        "clientName": "Reports",
        "redirectUris": ["https://a.example.com/"],
        "tlsClientAuthSanDns": "a.example.com",
        "requireAuthTime": False,
        "localized": {"clientName": {"de": "Berichte", "pt-BR": "Relatórios"}},
        "extra": {"tenant": {"id": 1}, "absent": None},
    }
    assert _client(metadata).spec.client_metadata.to_wire() == {
        "client_name": "Reports",
        "redirect_uris": ["https://a.example.com/"],
        "tls_client_auth_san_dns": "a.example.com",
        "require_auth_time": False,
        "client_name#de": "Berichte",
        "client_name#pt-BR": "Relatórios",
        "tenant": {"id": 1},
    }


@pytest.mark.parametrize("member", sorted(TYPED_MEMBERS))
def test_the_two_spellings_of_a_member_belong_together(member: str) -> None:
    assert ClientMetadataSpec.model_fields[member].alias == to_camel(member)
    assert to_snake(to_camel(member)) == member


def test_client_metadata_of_a_resource_is_client_metadata_of_the_protocol() -> None:
    metadata = _client({"extra": {"tenant": 1}}).spec.client_metadata
    assert isinstance(metadata, ClientMetadata)
    changed = metadata.model_copy(update={"client_name": "Reports"})
    assert changed.to_wire() == {"client_name": "Reports", "tenant": 1}


@pytest.mark.parametrize(
    ("metadata", "problem"),
    [
        ({"clientName": 1}, "spec.clientMetadata.clientName is not valid: input should be"),
        ({"client_name": "a"}, "spec.clientMetadata.client_name is not a known field: remove it"),
        ({"redirectUris": ["a", 1]}, "spec.clientMetadata.redirectUris[1] is not valid"),
        (
            {"localized": {"scope": {"de": "a"}}},
            "clientName, clientUri, logoUri, policyUri, tosUri",
        ),
        ({"localized": {"clientName": "a"}}, "can be localized, by language"),
        ({"localized": {"clientName": {"de_DE": "a"}}}, "must be language tags such as de"),
        ({"localized": {"clientName": {"a" * 8 + "-b" * 14: "a"}}}, "must be language tags"),
        ({"extra": {"client_name#de": "a"}}, "belong in localized"),
        ({"extra": {"a b": 1}}, "names of at most 256 ASCII characters"),
        ({"extra": {"a" * 257: 1}}, "names of at most 256 ASCII characters"),
        ({"softwareStatement": "a.b.c"}, "extra must not hold software_statement"),
    ],
)
def test_what_is_not_client_metadata_is_named_with_its_field(
    metadata: JsonObject, problem: str
) -> None:
    with pytest.raises(InvalidSpecError) as invalid:
        _client(metadata)
    assert problem in str(invalid.value)


@pytest.mark.parametrize("member", sorted(FORBIDDEN_IN_EXTRA))
def test_extra_holds_neither_typed_nor_server_assigned_members(member: str) -> None:
    with pytest.raises(InvalidSpecError, match=f"extra must not hold {member}"):
        _client({"extra": {member: "a"}})


def test_what_extra_must_not_hold_is_all_that_the_protocol_knows() -> None:
    known = set(ClientMetadata.model_fields) - {"localized"} | set(READ_ONLY_MEMBERS)
    assert known == FORBIDDEN_IN_EXTRA


def test_all_problems_are_told_at_once_and_none_shows_a_value() -> None:
    with pytest.raises(InvalidSpecError) as invalid:
        _client(secret={"type": "s3cret"}, providerRef={}, deletionPolicy="s3cret")
    paths = {problem.path for problem in invalid.value.problems}
    assert paths == {"spec.secret.type", "spec.providerRef.name", "spec.deletionPolicy"}
    assert "s3cret" not in str(invalid.value)
    assert invalid.value.reason is Reason.INVALID_SPEC
    assert invalid.value.__cause__ is None


def test_a_missing_spec_is_named() -> None:
    with pytest.raises(InvalidSpecError, match=r"^spec is missing: set it$"):
        parse_oauth_client({"kind": "OAuthClient", "metadata": {"name": "a"}})


def test_status_of_another_version_is_no_obstacle() -> None:
    document: JsonObject = {
        "metadata": {"name": "a"},
        "spec": {"providerRef": {"name": "main"}, "clientMetadata": {}},
        "status": {"observedGeneration": 3, "ofTomorrow": {}},
    }
    assert parse_oauth_client(document).status.observed_generation == 3


def test_a_provider_is_of_the_kind_that_it_says() -> None:
    namespaced = _provider("OAuthProvider")
    assert isinstance(namespaced, OAuthProvider)
    allowed: JsonObject = {"names": ["*"]}
    of_cluster = _provider("ClusterOAuthProvider", allowedNamespaces=allowed)
    assert isinstance(of_cluster, ClusterOAuthProvider)


@pytest.mark.parametrize("field", ["backchannelOrigin", "allowedNamespaces"])
def test_a_namespaced_provider_has_nothing_that_reaches_beyond_its_namespace(field: str) -> None:
    with pytest.raises(InvalidSpecError, match=f"spec.{field} is not a known field"):
        _provider("OAuthProvider", **{field: "http://a.svc"})


def test_limits_and_intervals_are_numbers() -> None:
    limits: JsonObject = {"timeout": "30s", "requestsPerSecond": 5}
    provider = _provider("OAuthProvider", limits=limits, resyncEvery="1h")
    assert (provider.spec.limits.timeout, provider.spec.limits.max_concurrent) == (30, 16)
    assert provider.spec.resync_every == 3600


@pytest.mark.parametrize(
    ("allowed", "namespace", "labels", "may"),
    [
        ({"names": ["team-a"]}, "team-a", {}, True),
        ({"names": ["team-a"]}, "team-b", {}, False),
        ({"names": ["*"]}, "team-b", {}, True),
        ({"selector": {"matchLabels": {"team": "a"}}}, "x", {"team": "a", "b": "c"}, True),
        ({"selector": {"matchLabels": {"team": "a"}}}, "x", {"team": "b"}, False),
        ({"names": ["x"], "selector": {"matchLabels": {"team": "a"}}}, "x", {}, True),
        ({"selector": {"matchLabels": {"a": "1", "b": "2"}}}, "x", {"a": "1"}, False),
    ],
)
def test_names_and_labels_say_whose_clients_a_provider_serves(
    allowed: JsonObject, namespace: str, labels: dict[str, str], may: bool
) -> None:
    assert AllowedNamespaces.model_validate(allowed).allow(namespace, labels) is may


@pytest.mark.parametrize(
    ("operator", "values", "labels", "may"),
    [
        ("In", ["a", "b"], {"team": "b"}, True),
        ("In", ["a"], {"team": "b"}, False),
        ("In", ["a"], {}, False),
        ("NotIn", ["a"], {"team": "b"}, True),
        ("NotIn", ["a"], {"team": "a"}, False),
        ("NotIn", ["a"], {}, True),
        ("Exists", [], {"team": ""}, True),
        ("Exists", [], {}, False),
        ("DoesNotExist", [], {}, True),
        ("DoesNotExist", [], {"team": "a"}, False),
    ],
)
def test_requirements_mean_what_they_mean_in_kubernetes(
    operator: str, values: list[str], labels: dict[str, str], may: bool
) -> None:
    requirement = {"key": "team", "operator": operator, "values": values}
    allowed = AllowedNamespaces.model_validate({"selector": {"matchExpressions": [requirement]}})
    assert allowed.allow("x", labels) is may
    # Absence is known only when the labels are.
    assert not allowed.allow_by_name("x")


@pytest.mark.parametrize(
    ("kind", "longest", "too_long"),
    [("OAuthProvider", "30s", "31s"), ("ClusterOAuthProvider", "1m", "61s")],
)
def test_a_timeout_is_shorter_for_the_provider_of_a_tenant(
    kind: str, longest: str, too_long: str
) -> None:
    allowed: dict[str, JsonValue] = {"allowedNamespaces": {"names": ["*"]}}
    others = allowed if kind == "ClusterOAuthProvider" else {}
    assert _provider(kind, limits={"timeout": longest}, **others).spec.limits.timeout >= 30
    with pytest.raises(InvalidSpecError, match=r"spec\.limits\.timeout is not valid"):
        _provider(kind, limits={"timeout": too_long}, **others)
