"""Restart workloads by an annotation of their pod template, as `kubectl rollout restart` does.

The annotation holds the hash of the content: done twice it changes nothing, whoever crashed when.
"""

from dataclasses import replace

from dcr_operator.announcing import announce
from dcr_operator.kube import (
    ApiForbidden,
    ApiInvalid,
    JsonObject,
    member,
    object_meta,
    text,
    texts,
)
from dcr_operator.ports import Context, EventType
from dcr_operator.reasons import Reason
from dcr_operator.state import Observed
from dcr_operator.steps import RestartWorkloads
from dcr_operator.workloads import ALLOW_ANNOTATION, Restarted, Workload, template_annotation
from dcr_protocol.response_errors import clean_text

_NOT_ENABLED = (
    "the operator may not restart workloads here: set rolloutRestart.enabled in the values of its"
    " chart"
)


async def restart_workloads(
    step: RestartWorkloads, observed: Observed, context: Context
) -> Observed:
    """Restart each that is due; what stands in the way of one is told, and no failure."""
    done = {each.workload: each for each in observed.restarted}
    for workload in step.workloads:
        if step.first:
            done[workload] = Restarted(workload, step.content_hash)
            continue
        after = await _restart(workload, step.content_hash, observed, context)
        if after.message and after != done.get(workload):
            announce(observed, context, Reason.ROLLOUT_RESTART_REFUSED, after.message)
        done[workload] = after
    return replace(observed, restarted=tuple(done.values()), restarts_tried=True)


async def _restart(
    workload: Workload, content_hash: str, observed: Observed, context: Context
) -> Restarted:
    namespace = observed.resource.key.namespace
    try:
        live = await context.kubernetes.get(workload.resource, namespace, workload.name)
        if live is None:
            # Its pods will start with the content of now.
            return Restarted(workload, content_hash, f"{workload} does not exist")
        refusal = _refusal(workload, live, observed)
        if refusal is not None:
            return Restarted(workload, message=refusal)
        annotation = template_annotation(observed.resource.key.name)
        if _template_annotations(live).get(annotation) != content_hash:
            operations = _operations(live, annotation, content_hash)
            await context.kubernetes.json_patch(
                workload.resource, namespace, workload.name, operations
            )
            _tell(workload, observed, context)
    except ApiForbidden:
        return Restarted(workload, message=f"{workload} is not restarted: {_NOT_ENABLED}")
    except ApiInvalid as error:
        why = clean_text(error.message)
        return Restarted(workload, message=f"{workload} cannot be restarted: {why}")
    return Restarted(workload, content_hash)


def _refusal(workload: Workload, live: JsonObject, observed: Observed) -> str | None:
    client = observed.resource.key.name
    allowed = object_meta(live).annotations.get(ALLOW_ANNOTATION, "")
    if client in (each.strip() for each in allowed.split(",")):
        return None
    return (
        f"{workload} does not allow it: annotate it {ALLOW_ANNOTATION}: {client}, or take it out of"
        " spec.rolloutRestart"
    )


def _template_annotations(live: JsonObject) -> dict[str, str]:
    template = member(member(live, "spec"), "template")
    return texts(member(template, "metadata"), "annotations")


def _operations(live: JsonObject, annotation: str, content_hash: str) -> list[JsonObject]:
    """Return the patch of exactly the version that allowed it."""
    metadata = member(live, "metadata")
    tests: list[JsonObject] = [
        {"op": "test", "path": f"/metadata/{name}", "value": text(metadata, name)}
        for name in ("uid", "resourceVersion")
    ]
    annotations = {**_template_annotations(live), annotation: content_hash}
    place = "/spec/template/metadata"
    template = member(member(live, "spec"), "template")
    if not member(template, "metadata"):
        return [*tests, {"op": "add", "path": place, "value": {"annotations": {**annotations}}}]
    return [*tests, {"op": "add", "path": f"{place}/annotations", "value": {**annotations}}]


def _tell(workload: Workload, observed: Observed, context: Context) -> None:
    name = observed.secret.name if observed.secret is not None else ""
    announce(
        observed,
        context,
        Reason.ROLLOUT_RESTARTED,
        f"{workload} is restarted, since the content of the Secret {name} has changed",
        event_type=EventType.NORMAL,
    )
