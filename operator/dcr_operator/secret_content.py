"""What the tenant Secret holds: the credentials and where to use them. Pure.

Never the registration access token: it can change redirect URIs and stays in the record.
"""

import json
import unicodedata
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from dcr_operator.client_keys import ClientKeys
from dcr_operator.kube import JsonObject
from dcr_operator.object_names import owner_reference, tenant_labels
from dcr_operator.reasons import Reason
from dcr_operator.resources import SECRET_VALUES
from dcr_operator.secret_form import SecretForm
from dcr_operator.secret_presets import PRESETS, keys_of
from dcr_operator.secret_template import TemplateInvalidError, check, render
from dcr_operator.state import (
    ProviderSnapshot,
    Registration,
    ResourceFacts,
    TenantSecret,
)
from dcr_protocol.vocabulary import (
    AUTH_METHODS_WITH_SECRET,
    DEFAULT_AUTH_METHOD,
    PRIVATE_KEY_JWT,
)

CA_CERTIFICATE: Final = "ca.crt"
BASIC_AUTH: Final = "kubernetes.io/basic-auth"
_PASSING: Final = frozenset({"previous_client_secret"})
_CREDENTIALS: Final = ("client_secret", "previous_client_secret")
_PEM, _JWK, _KID = "private_key.pem", "private_key.jwk", "key_id"
_BASIC_AUTH_KEYS: Final = ("username", "password")


@dataclass(frozen=True, slots=True)
class SecretContent:
    """The Secret as it is to be."""

    form: SecretForm
    data: Mapping[str, bytes] = field(repr=False)
    credentials: tuple[str, ...] = field(default=(), repr=False)  # of what is in `data`
    # All that a workload starts with: what passes with an overlap does not count.
    lasting: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Unpublishable:
    reason: Reason
    message: str


def effective_auth_method(registration: Registration) -> str:
    """Return the method in force: what the provider returned wins (RFC 7591 §3.2.1)."""
    method = registration.metadata.get("token_endpoint_auth_method")
    return method if isinstance(method, str) else DEFAULT_AUTH_METHOD


def secret_content(
    form: SecretForm,
    provider: ProviderSnapshot,
    registration: Registration,
    keys: ClientKeys | None = None,
) -> SecretContent | Unpublishable:
    problem = form_problem(form)
    if problem is not None:
        return Unpublishable(Reason.TEMPLATE_INVALID, problem)
    values = {name: value for name, value in _values(provider, registration).items() if value}
    for name, value in values.items():
        # They end up in environment variables and configuration files of all kinds.
        if any(unicodedata.category(character) == "Cc" for character in value):
            return Unpublishable(
                Reason.METADATA_NOT_ACCEPTED,
                f"what the provider returned cannot be put into a Secret: the value for {name}"
                " holds control characters",
            )
    try:
        texts = _texts(form, values)
    except TemplateInvalidError as error:
        return Unpublishable(Reason.TEMPLATE_INVALID, str(error))
    if provider.connection.ca_bundle:
        texts[CA_CERTIFICATE] = provider.connection.ca_bundle
    of_keys = _key_texts(registration, keys)
    credentials = tuple(values[name] for name in _CREDENTIALS if name in values)
    return SecretContent(
        form,
        {key: value.encode() for key, value in (texts | of_keys).items()},
        (*credentials, *(of_keys[name] for name in (_PEM, _JWK) if name in of_keys)),
        _lasting(form, values | of_keys, provider.connection.ca_bundle),
    )


def _key_texts(registration: Registration, keys: ClientKeys | None) -> dict[str, str]:
    if keys is None or keys.current is None:
        return {}
    if effective_auth_method(registration) != PRIVATE_KEY_JWT:
        return {}
    return {
        _PEM: keys.current.private_pem.get_secret_value(),
        _JWK: keys.current.private_jwk.get_secret_value(),
        _KID: keys.current.kid,
    }


def _lasting(form: SecretForm, values: Mapping[str, str], ca_bundle: str | None) -> bytes:
    layout = [form.preset, form.type, dict(form.keys), dict(form.template), form.client_name]
    lasting = {name: value for name, value in values.items() if name not in _PASSING}
    return json.dumps([layout, lasting, ca_bundle], sort_keys=True).encode()


def form_problem(form: SecretForm) -> str | None:
    """Return what no registration can mend: a placeholder or a key that cannot be."""
    claims = [
        *keys_of(form.preset, form.keys, form.client_name).values(),
        *PRESETS[form.preset].constants,
        *form.template,
        CA_CERTIFICATE,
        *((_PEM, _JWK, _KID) if form.client_keys else ()),
        *(_BASIC_AUTH_KEYS if form.type == BASIC_AUTH else ()),
    ]
    file = PRESETS[form.preset].file
    claims += [file.key] if file else []
    twice = next((key for key, times in Counter(claims).items() if times > 1), None)
    if twice is not None:
        return f"two values are to go under the key {twice}; give one of them another key"
    return check(form.template, SECRET_VALUES)


def _texts(form: SecretForm, values: Mapping[str, str]) -> dict[str, str]:
    """Return the text of each key; raises TemplateInvalidError."""
    preset = PRESETS[form.preset]
    keys = keys_of(form.preset, form.keys, form.client_name)
    shown = {**values, "scope": values.get("scope", "").replace(" ", preset.scope_separator)}
    texts = {key: shown[name] for name, key in keys.items() if shown.get(name)}
    texts |= preset.constants
    if preset.file is not None:
        texts[preset.file.key] = preset.file.render(values)
    if form.type == BASIC_AUTH:
        sources = zip(_BASIC_AUTH_KEYS, ("client_id", "client_secret"), strict=True)
        texts |= {key: values[name] for key, name in sources if name in values}
    # There most of the time is none.
    shown = {"previous_client_secret": "", **values}
    return texts | {key: render(key, text, shown) for key, text in form.template.items()}


def _values(provider: ProviderSnapshot, registration: Registration) -> dict[str, str | None]:
    method = effective_auth_method(registration)
    scope = registration.metadata.get("scope")
    values: dict[str, str | None] = {
        "client_id": registration.client_id,
        "issuer": provider.issuer,
        "token_endpoint": provider.token_endpoint,
        "authorization_endpoint": provider.authorization_endpoint,
        "userinfo_endpoint": provider.userinfo_endpoint,
        "jwks_uri": provider.jwks_uri,
        "token_endpoint_auth_method": method,
        "scope": scope if isinstance(scope, str) else None,
    }
    # Some servers go on showing a secret that the method has no use for.
    if registration.client_secret is not None and method in AUTH_METHODS_WITH_SECRET:
        values["client_secret"] = registration.client_secret.get_secret_value()
        # RFC 7591 §3.2.1: seconds since 1970, 0 never expires.
        values["client_secret_expires_at"] = str(registration.client_secret_expires_at or 0)
        if registration.previous_client_secret is not None:
            # During the overlap of a rotation, for whoever must accept both.
            values["previous_client_secret"] = (
                registration.previous_client_secret.get_secret_value()
            )
    return values


def is_published(secret: TenantSecret, content: SecretContent, client_name: str) -> bool:
    """Whether the Secret already is as wanted; what others added does not count."""
    labels = all_labels(content.form, client_name)
    return (
        secret.type == content.form.type
        and not stale_fields(secret, content, client_name)
        and _contains(secret.data, content.data)
        and _contains(secret.labels, labels)
        and _contains(secret.annotations, content.form.annotations)
    )


def differing_fields(
    secret: TenantSecret, content: SecretContent, client_name: str
) -> tuple[str, ...]:
    """Return the names, never the values, of what is not as wanted."""
    wanted = {
        "data": (secret.data, content.data),
        "labels": (secret.labels, all_labels(content.form, client_name)),
        "annotations": (secret.annotations, content.form.annotations),
    }
    names = [
        f"{section} {key}"
        for section, (there, values) in wanted.items()
        for key, value in values.items()
        if there.get(key) != value
    ]
    names += [" ".join(each) for each in stale_fields(secret, content, client_name)]
    return (*names, *(("type",) if secret.type != content.form.type else ()))


def stale_fields(
    secret: TenantSecret, content: SecretContent, client_name: str
) -> tuple[tuple[str, str], ...]:
    """Return (section, key) of what we wrote once and is not wanted any more."""
    wanted = {
        "data": content.data.keys(),
        "labels": all_labels(content.form, client_name).keys(),
        "annotations": content.form.annotations.keys(),
    }
    present = {
        "data": secret.data.keys(),
        "labels": secret.labels.keys(),
        "annotations": secret.annotations.keys(),
    }
    return tuple(
        (section, key)
        for section, key in sorted(secret.owned)
        if section in wanted and key in present[section] and key not in wanted[section]
    )


def all_labels(form: SecretForm, client_name: str) -> dict[str, str]:
    return {**form.labels, **tenant_labels(client_name)}


def secret_body(resource: ResourceFacts, content: SecretContent) -> JsonObject:
    metadata: JsonObject = {
        "name": content.form.name,
        "namespace": resource.key.namespace,
        "labels": dict(all_labels(content.form, resource.key.name)),
        "ownerReferences": [owner_reference(resource)],
    }
    if content.form.annotations:
        metadata["annotations"] = dict(content.form.annotations)
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "type": content.form.type,
        "data": {key: b64encode(value).decode() for key, value in content.data.items()},
    }


def _contains(whole: Mapping[str, object], part: Mapping[str, object]) -> bool:
    return all(whole.get(key) == value for key, value in part.items())
