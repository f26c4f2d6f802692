"""What a person asks for by annotation, now. Pure.

`dcr-operator.dev/reconcile-requested-at` asks for a look at the provider, answered in status by
`lastHandledReconcileAt`, which then has the annotation's value.
`dcr-operator.dev/rotate-requested-at` asks for other credentials: which value they answer is on
record beside them.
"""

from collections.abc import Mapping
from typing import Final

from pydantic import JsonValue

from dcr_operator.kube import API_GROUP, member, object_meta, text

ANNOTATION: Final = f"{API_GROUP}/reconcile-requested-at"
ROTATION_ANNOTATION: Final = f"{API_GROUP}/rotate-requested-at"
STATUS_MEMBER: Final = "lastHandledReconcileAt"
_LONGEST: Final = 256


def requested_at(obj: Mapping[str, JsonValue]) -> str:
    return object_meta(obj).annotations.get(ANNOTATION, "")[:_LONGEST]


def is_requested(obj: Mapping[str, JsonValue]) -> bool:
    """Whether the annotation says something that status has not answered."""
    asked = requested_at(obj)
    return bool(asked) and asked != text(member(obj, "status"), STATUS_MEMBER)


def rotation_requested_at(obj: Mapping[str, JsonValue]) -> str:
    return object_meta(obj).annotations.get(ROTATION_ANNOTATION, "")[:_LONGEST]


def is_rotation_requested(obj: Mapping[str, JsonValue]) -> bool:
    """Whether the annotation says something that status has not answered."""
    asked = rotation_requested_at(obj)
    return bool(asked) and asked != text(member(obj, "status"), "lastHandledRotateAt")


def requests(obj: Mapping[str, JsonValue]) -> tuple[str, ...]:
    """Return all that is asked for by annotation, to see that something else is."""
    return (requested_at(obj), rotation_requested_at(obj))


def handled(obj: Mapping[str, JsonValue], *, looked: bool) -> dict[str, JsonValue]:
    """The member of status after a pass that began with `obj`; it stays when the request goes.

    `looked`: the pass did what is asked for, and was not kept from it by spec.suspend.
    """
    asked = requested_at(obj) if looked else ""
    answer = asked or text(member(obj, "status"), STATUS_MEMBER)
    return {STATUS_MEMBER: answer} if answer else {}
