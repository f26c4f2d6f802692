"""What GitOps tools make of an object: kstatus (Flux, kpt) and the shipped check for Argo CD."""

from pathlib import Path
from typing import Any

from lupa.lua51 import LuaRuntime

from dcr_operator.kube import JsonObject, member

HEALTH_LUA = Path("examples", "argocd", "health.lua")


def kstatus(obj: JsonObject) -> str:
    """Compute the status by the rules of sigs.k8s.io/cli-utils/pkg/kstatus for custom resources.

    They know deletion, observedGeneration, Reconciling and Stalled; Ready they never look at.
    """
    metadata, status = member(obj, "metadata"), member(obj, "status")
    if metadata.get("deletionTimestamp"):
        return "Terminating"
    observed = status.get("observedGeneration")
    if observed is not None and observed != metadata.get("generation"):
        return "InProgress"
    conditions = status.get("conditions")
    for condition in conditions if isinstance(conditions, list) else ():
        assert isinstance(condition, dict)
        if condition["status"] == "True" and condition["type"] == "Reconciling":
            return "InProgress"
        if condition["status"] == "True" and condition["type"] == "Stalled":
            return "Failed"
    return "Current"


def argo_health(obj: JsonObject, script: str | None = None) -> tuple[str, str]:
    """Run the check as Argo CD does, in Lua 5.1; returns health and message."""
    lua = LuaRuntime(unpack_returned_tuples=True)
    lua.globals()["obj"] = _table(lua, obj)
    found: Any = lua.execute(script or HEALTH_LUA.read_text(encoding="utf-8"))
    return str(found.status), str(found.message)


def _table(lua: LuaRuntime, value: object) -> Any:  # noqa: ANN401  # whatever Lua knows
    if isinstance(value, dict):
        return lua.table_from({key: _table(lua, each) for key, each in value.items()})
    if isinstance(value, list):
        return lua.table_from([_table(lua, each) for each in value])
    return value
