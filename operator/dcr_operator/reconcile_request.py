"""`dcr-operator.dev/reconcile-requested-at`: a person asks for a look at the provider, now.

Answered in status by `lastHandledReconcileAt`, which then has the annotation's value. Pure.
"""

from collections.abc import Mapping
from typing import Final

from pydantic import JsonValue

from dcr_operator.kube import API_GROUP, member, object_meta, text

ANNOTATION: Final = f"{API_GROUP}/reconcile-requested-at"
STATUS_MEMBER: Final = "lastHandledReconcileAt"
_LONGEST: Final = 256


def requested_at(obj: Mapping[str, JsonValue]) -> str:
    return object_meta(obj).annotations.get(ANNOTATION, "")[:_LONGEST]


def is_requested(obj: Mapping[str, JsonValue]) -> bool:
    """Whether the annotation says something that status has not answered."""
    asked = requested_at(obj)
    return bool(asked) and asked != text(member(obj, "status"), STATUS_MEMBER)


def handled(obj: Mapping[str, JsonValue], *, looked: bool) -> dict[str, JsonValue]:
    """The member of status after a pass that began with `obj`; it stays when the request goes.

    `looked`: the pass did what is asked for, and was not kept from it by spec.suspend.
    """
    asked = requested_at(obj) if looked else ""
    answer = asked or text(member(obj, "status"), STATUS_MEMBER)
    return {STATUS_MEMBER: answer} if answer else {}
