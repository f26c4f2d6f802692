"""What applying resources would send, for people and reviews: nothing is sent.

The same functions build the request here and in a pass, so that the preview is true.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import yaml
from pydantic import JsonValue

from dcr_operator.client_keys import JWKS
from dcr_operator.client_policy import violations_of_request
from dcr_operator.completed_request import SOFTWARE_STATEMENT
from dcr_operator.default_provider import IS_DEFAULT
from dcr_operator.desired import desired_client
from dcr_operator.kube import (
    CLUSTER_OAUTH_PROVIDERS,
    OAUTH_CLIENTS,
    RESOURCES_BY_KIND,
    JsonObject,
    Key,
    text,
)
from dcr_operator.observe_provider import client_policy_of
from dcr_operator.preview_problems import client_problems, provider_problems
from dcr_operator.resources import (
    AnyProvider,
    InvalidSpecError,
    parse_oauth_client,
    parse_provider,
)
from dcr_operator.state import Desired
from dcr_protocol.client_update import update_request_document


class UnreadableFileError(Exception):
    """Raised for a file that holds no resource of ours; the text is for the user."""


@dataclass(frozen=True, slots=True)
class Preview:
    """One resource and what it leads to, or what is wrong with it."""

    resource: str
    method: str = ""
    url: str = ""
    body: Mapping[str, JsonValue] | None = None
    secret: str = ""
    note: str = ""
    problems: tuple[str, ...] = ()

    def to_text(self) -> str:
        lines = [self.resource, *(f"  problem: {each}" for each in self.problems)]
        if self.body is not None:
            document = json.dumps(dict(self.body), indent=2, ensure_ascii=False)
            lines.append(f"  {self.method} {self.url}")
            lines += [f"  {line}" for line in document.splitlines()]
            lines.append(f"  then Secret {self.secret}")
        if self.note:
            lines.append(f"  {self.note}")
        return "\n".join(lines)

    def to_document(self) -> JsonObject:
        return {
            "resource": self.resource,
            "method": self.method,
            "url": self.url,
            "body": None if self.body is None else dict(self.body),
            "secret": self.secret,
            "note": self.note,
            "problems": list(self.problems),
        }


def preview(content: str) -> tuple[Preview, ...]:
    """Read a YAML stream; raises UnreadableFileError when it holds nothing of ours."""
    try:
        documents = [each for each in _flat(yaml.safe_load_all(content)) if _is_ours(each)]
    except yaml.YAMLError as error:
        detail = " ".join(str(error).split())
        raise UnreadableFileError(f"it is not YAML: {detail}") from None
    if not documents:
        kinds = ", ".join(RESOURCES_BY_KIND)
        raise UnreadableFileError(f"it holds none of {kinds}")
    providers = _providers(documents)
    return tuple(_preview(each, providers) for each in documents)


def _flat(documents: Iterable[object]) -> Iterator[JsonObject]:
    """The documents of the stream, and the items of lists in it."""
    for document in documents:
        if not isinstance(document, dict):
            continue
        items = document.get("items")
        if text(document, "kind").endswith("List") and isinstance(items, list):
            yield from (each for each in items if isinstance(each, dict))
        else:
            yield document


def _is_ours(document: JsonObject) -> bool:
    resource = RESOURCES_BY_KIND.get(text(document, "kind"))
    return resource is not None and text(document, "apiVersion") == resource.api_version


def _providers(documents: list[JsonObject]) -> dict[Key, AnyProvider]:
    found: dict[Key, AnyProvider] = {}
    for document in documents:
        if document["kind"] == OAUTH_CLIENTS.kind:
            continue
        try:
            provider = parse_provider(document)
        except InvalidSpecError:
            continue  # told where the provider itself is shown
        found[_key(document)] = provider
    return found


def _preview(document: JsonObject, providers: Mapping[Key, AnyProvider]) -> Preview:
    try:
        if document["kind"] == OAUTH_CLIENTS.kind:
            return _client_preview(document, providers)
        problems = provider_problems(parse_provider(document))
    except InvalidSpecError as error:
        problems = error.problems
    return Preview(
        str(_key(document)),
        note="" if problems else "valid; a provider alone sends nothing",
        problems=tuple(map(str, problems)),
    )


def _client_preview(document: JsonObject, providers: Mapping[Key, AnyProvider]) -> Preview:
    client = parse_oauth_client(document)
    key = _key(document)
    wish = desired_client(client)
    if not isinstance(wish, Desired):
        return Preview(str(key), note="is being deleted")
    named = wish.provider or _default_of(providers)
    provider = None if named is None else providers.get(named)
    method, url, body, note = _request(key, wish, provider)
    return Preview(
        str(key),
        method=method,
        url=url,
        body=body,
        secret=f"{key.namespace}/{wish.secret.name} ({wish.secret.type})",
        note="suspended: nothing is sent until spec.suspend is false" if wish.suspended else note,
        problems=(*map(str, client_problems(client)), *_denied(wish, provider)),
    )


def _request(
    key: Key, wish: Desired, provider: AnyProvider | None
) -> tuple[str, str, Mapping[str, JsonValue], str]:
    """Return method, URL, body and a note."""
    if wish.adopt is not None:
        url = f"<registration_client_uri in the Secret {key.namespace}/{wish.adopt.ref}>"
        body = update_request_document(wish.adopt.client_id, _body(wish))
        return "PUT", url, body, "after a GET there; if the client is on record for nobody else"
    endpoint = f"<registration_endpoint of {wish.provider or 'the default provider'}>"
    if provider is not None:
        endpoint = provider.spec.registration_endpoint or (
            f"<registration_endpoint of {provider.spec.issuer}>"
        )
    note = "an existing client gets the same by PUT, with its client_id"
    return "POST", endpoint, _body(wish), note


def _denied(wish: Desired, provider: AnyProvider | None) -> tuple[str, ...]:
    if provider is None:
        return ()
    denied = violations_of_request(client_policy_of(provider), wish.metadata)
    return tuple(f"denied by spec.clientPolicy of the provider: {each}" for each in denied)


def _default_of(providers: Mapping[Key, AnyProvider]) -> Key | None:
    """Return the default, if the files say which it is."""
    defaults = [
        key
        for key, provider in providers.items()
        if key.kind == CLUSTER_OAUTH_PROVIDERS.kind
        and provider.metadata.annotations.get(IS_DEFAULT) == "true"
    ]
    return defaults[0] if len(defaults) == 1 else None


def _body(desired: Desired) -> Mapping[str, JsonValue]:
    body = dict(desired.metadata)
    if desired.software_statement is not None:
        # What the statement says is for the provider alone.
        body[SOFTWARE_STATEMENT] = f"<{desired.software_statement}>"
    if desired.client_keys is not None:
        body[JWKS] = {"keys": [f"<the key for {desired.client_keys.algorithm} that is made>"]}
    return body


def _key(document: JsonObject) -> Key:
    metadata = document.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    kind = text(document, "kind")
    namespaced = RESOURCES_BY_KIND[kind].namespaced
    namespace = text(metadata, "namespace") or "default"
    return Key(kind, namespace if namespaced else "", text(metadata, "name"))
