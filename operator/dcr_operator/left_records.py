"""The look at a start for records whose OAuthClients went while no operator saw it."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from dcr_operator.kube import (
    OAUTH_CLIENTS,
    SECRETS,
    ApiError,
    JsonObject,
    Key,
    member,
    object_meta,
    text,
)
from dcr_operator.object_names import MANAGED_BY
from dcr_operator.observe import moment_of
from dcr_operator.ports import Context
from dcr_operator.reasons import Reason
from dcr_operator.record import read_record_secret, record_name, uid_of_record
from dcr_operator.resource_gone import Ending, Traces, ending_at_start
from dcr_operator.state import Record, StoredRecord

AGAIN: Final = 30.0  # seconds between looks while the API server, or the first listing, fails
_MANAGED: Final = ",".join(f"{key}={value}" for key, value in MANAGED_BY.items())

log = structlog.get_logger("dcr_operator")


@dataclass(frozen=True, slots=True)
class LeftRecords:
    """Compares the names of all records with the clients that the watch has shown."""

    context: Context
    listed: Callable[[], bool]  # whether the first listing is complete
    live: Callable[[], Collection[str]]  # uids of the clients that it has shown
    leave: Callable[[Key, str], None]  # has a client that is gone unregistered
    again: float = AGAIN

    async def look_once(self, started: asyncio.Event) -> None:
        """Look when everything has been listed, once; tried again when it fails."""
        await started.wait()
        while True:
            await self.context.sleep(self.again)
            if not self.listed():
                continue
            try:
                await self.look()
            except ApiError as error:
                log.warning("records not compared", detail=str(error))
            else:
                return

    async def look(self) -> None:
        """Raises an ApiError."""
        context, doubtful = self.context, 0
        records = await context.kubernetes.list_metadata(
            SECRETS, context.namespace, label_selector=_MANAGED
        )
        uids = {uid_of_record(object_meta(each).name) for each in records}
        for uid in sorted({uid for uid in uids if uid} - set(self.live())):
            doubtful += await self._judge(uid)
        context.metrics.records_in_doubt(doubtful)
        log.info("records compared", records=len(records), in_doubt=doubtful)

    async def _judge(self, uid: str) -> bool:
        """Act on one record; return whether what became of its resource is in doubt."""
        context = self.context
        secret = await context.kubernetes.get(SECRETS, context.namespace, record_name(uid))
        stored = None if secret is None else read_record_secret(secret)
        if secret is None or not isinstance(stored, StoredRecord):
            return False
        record, namespace = stored.record, stored.record.resource.namespace
        if context.served_namespaces and namespace not in context.served_namespaces:
            return False  # nobody has shown us what is there
        key = Key(OAUTH_CLIENTS.kind, namespace, record.resource.name)
        live = await context.kubernetes.get(OAUTH_CLIENTS, key.namespace, key.name)
        if live is not None and object_meta(live).uid == uid:
            return False
        traces = Traces(record, _made_at(secret), namesake=live is not None)
        ending = ending_at_start(traces, context.now())
        if ending is Ending.UNREGISTER:
            self.leave(key, uid)
        if ending is Ending.DOUBTFUL:
            _tell(key, uid, record)
        return ending is Ending.DOUBTFUL


def _made_at(secret: JsonObject) -> datetime | None:
    return moment_of(text(member(secret, "metadata"), "creationTimestamp") or None)


def _tell(key: Key, uid: str, record: Record) -> None:
    log.warning(
        "the OAuthClient of a record is not there: its client is left alone",
        key=str(key),
        uid=uid,
        provider=record.provider.connection.provider,
        reason=Reason.DELETION_BLOCKED.value,
        detail="dcr-operator orphans lists it",
    )
