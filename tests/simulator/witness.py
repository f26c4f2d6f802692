"""What must be so at every call of the operator, not only in the end. Edits by others excuse it:
what was read before an edit is acted upon after it."""

from dataclasses import dataclass
from typing import Final

from dcr_operator.kube import object_meta
from dcr_operator.state import FINALIZER, IntentKind
from tests.fakes.faults import Schedule
from tests.fakes.operator_world import NAMESPACE, World
from tests.simulator.oracles import provider_of

_INTENTS: Final = {
    "provider register": {IntentKind.REGISTER},
    "provider update": {IntentKind.UPDATE},
    "provider rotate": {IntentKind.ROTATE},
    # A registration that cannot be stored is taken back.
    "provider delete": {IntentKind.DELETE, IntentKind.REGISTER},
}


@dataclass(frozen=True, slots=True)
class Witness:
    world: World
    schedule: Schedule
    seamless: bool

    def before(self, name: str) -> None:
        """Write-ahead: what a request may change is protected and on record before it leaves."""
        if self.schedule.edits or name not in _INTENTS:
            return
        meta = object_meta(self.world.client or {})
        assert FINALIZER in meta.finalizers, f"{name} leaves before the finalizer is stored"
        intents = [record.intent.kind for record in self.world.records() if record.intent]
        # What is retired is on record as such; its deletion needs no other intent.
        retiring = any(record.retiring for record in self.world.records())
        written = _INTENTS[name] & {*intents} or (name == "provider delete" and retiring)
        assert written, f"{name} leaves, and on record is {intents}"

    def after(self, name: str) -> None:
        if self.schedule.edits:
            return
        if name == "patch_status oauthclients" and self._says_ready():
            assert self._opens(), "O4: Ready, and the Secret does not open the client"
        if self.seamless:
            assert self._opens(), f"after {name} no Secret opens the client"

    def _says_ready(self) -> bool:
        meta = object_meta(self.world.client or {})
        current = self.world.status.get("observedGeneration") == meta.generation
        return current and self.world.condition() == ("True", "Ready")

    def _opens(self) -> bool:
        """Whether a Secret of the tenant opens the client that is on record."""
        names = [
            name for _, namespace, name in self.world.cluster.objects if namespace == NAMESPACE
        ]
        return any(self._opens_by(name) for name in names)

    def _opens_by(self, name: str) -> bool:
        secret = self.world.secret(name) or {}
        client_id, method = secret.get("client_id"), secret.get("token_endpoint_auth_method")
        if client_id is None or method is None:
            return False
        provider = provider_of(self.world, client_id)
        if client_id not in provider.clients:
            # It has vanished, and nobody can know before the next resync.
            return True
        return provider.would_open(client_id, secret["client_secret"], method)
