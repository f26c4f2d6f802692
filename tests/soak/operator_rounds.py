"""One round: clients are made, edited, rotated and deleted while the operator is killed.

When everything has come to rest: one client at the server for each resource and no other, and
every Secret opens its client.
"""

import json
import random
import sqlite3
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import httpx

from tests.cluster.client import JsonObject
from tests.integration.operator_stage import CLIENT, Stage, Tenant, decoded_record, is_ready
from tests.processes.registered_client import ProviderClient

ROTATE: Final = "dcr-operator.dev/rotate-requested-at"
_REST_SECONDS: Final = 300.0
_LOAD_SECONDS: Final = (0.05, 1.5)
_KILLS: Final = 2  # in each round


@dataclass(slots=True)
class Wanted:
    """A client as people asked for it last."""

    version: int
    rotation: str = ""


@dataclass(slots=True)
class OperatorSoak:
    """The rounds of one tenant; the same seed asks for the same and kills at the same moments."""

    stage: Stage
    tenant: Tenant
    database: Path  # of the server that the tenant's provider is
    random: random.Random
    most: int  # clients at the same time
    honours_keys: bool = True
    wanted: dict[str, Wanted] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)
    number: int = 0
    left: int = 0  # at the server, without a resource
    orphans: int = 0  # on record

    def round(self) -> list[str]:
        """Return what is wrong; empty is good."""
        for _ in range(_KILLS):
            ends = time.monotonic() + self.random.uniform(*_LOAD_SECONDS)
            while time.monotonic() < ends:
                self._ask_for_something()
            self.stage.operator.kill_9()
            self.done["killed"] += 1
            # People do not wait for the operator.
            for _ in range(self.random.randrange(4)):
                self._ask_for_something()
            self.stage.restart_operator()
        return self._complaints()

    def _ask_for_something(self) -> None:
        choice = self.random.random()
        if not self.wanted or (choice < 0.5 and len(self.wanted) < self.most):
            self.number += 1
            self._apply("created", f"app-{self.number}", Wanted(version=0))
            return
        name = self.random.choice(sorted(self.wanted))
        known = self.wanted[name]
        if choice < 0.7:
            self._apply("edited", name, Wanted(known.version + 1, known.rotation))
        elif choice < 0.85:
            self._rotate(name, known)
        else:
            self.tenant.delete(name)
            del self.wanted[name]
            self.done["deleted"] += 1

    def _apply(self, what: str, name: str, wanted: Wanted) -> None:
        self.tenant.apply(name, clientName=self._client_name(name, wanted))
        self.wanted[name] = wanted
        self.done[what] += 1

    def _client_name(self, name: str, wanted: Wanted) -> str:
        return f"{self.tenant.namespace}-{name} version {wanted.version}"

    def _rotate(self, name: str, known: Wanted) -> None:
        known.rotation = f"request-{self.done['rotated']}"
        self.tenant.admin.patch(
            CLIENT,
            self.tenant.namespace,
            name,
            {"metadata": {"annotations": {ROTATE: known.rotation}}},
        )
        self.done["rotated"] += 1

    def _complaints(self) -> list[str]:
        """Wait until all is as it was asked for, and look for what is too much or too little."""
        for name, wanted in self.wanted.items():
            self.tenant.wait(name, partial(_is_done, wanted), deadline=_REST_SECONDS)
        found = {each["metadata"]["name"]: each for each in self._resources()}
        for name in found.keys() - self.wanted.keys():
            self.tenant.admin.wait_for(
                CLIENT,
                self.tenant.namespace,
                name,
                lambda seen: seen is None,
                deadline=_REST_SECONDS,
            )
        live = {each["metadata"]["name"]: each for each in self._resources()}
        return [
            *self._complaints_about_the_server(live),
            *(complaint for name in live for complaint in self._complaints_about(live[name])),
        ]

    def _resources(self) -> list[JsonObject]:
        return [*self.tenant.admin.list(CLIENT, self.tenant.namespace)]

    def _complaints_about(self, client: JsonObject) -> list[str]:
        name = client["metadata"]["name"]
        credentials = self.tenant.credentials(name)
        if credentials.client_id != client["status"]["clientId"]:
            return [f"{name}: the Secret is for {credentials.client_id}"]
        answer = ProviderClient().token(credentials)
        if answer.status_code != httpx.codes.OK:
            return [f"{name}: {answer.status_code} for what is in the Secret: {answer.text}"]
        return []

    def _complaints_about_the_server(self, live: dict[str, JsonObject]) -> list[str]:
        there = self._clients_at_the_server()
        known = {each["status"]["clientId"]: name for name, each in live.items()}
        complaints = [
            f"{known[client_id]}: {client_id} is not at the server"
            for client_id in known.keys() - there.keys()
        ]
        complaints += [
            f"{name}: at the server it is {there[client_id]}"
            for client_id, name in known.items()
            if there.get(client_id) not in (None, self._client_name(name, self.wanted[name]))
        ]
        left = there.keys() - known.keys()
        self.left = len(left)
        self.orphans, named = self._on_record()
        allowed = 0 if self.honours_keys else self.orphans
        if len(left) > allowed or (self.honours_keys and self.orphans):
            complaints.append(
                f"{len(left)} clients are left at the server, {self.orphans} are on record:"
                f" {sorted(left - named)}"
            )
        return complaints

    def _clients_at_the_server(self) -> dict[str, str]:
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as database:
            rows = database.execute("SELECT client_id, metadata FROM clients").fetchall()
        named = {row[0]: str(json.loads(row[1]).get("client_name")) for row in rows}
        prefix = f"{self.tenant.namespace}-"
        return {client: name for client, name in named.items() if name.startswith(prefix)}

    def _on_record(self) -> tuple[int, set[str]]:
        """Return how many clients are on record as left behind, and the names of those known."""
        orphans: list[JsonObject] = []
        for secret in self.stage.admin.list("v1/Secret", self.stage.namespace):
            if secret["metadata"]["name"].startswith("oauthclient-"):
                record = decoded_record(secret)
                if record["resource"]["namespace"] == self.tenant.namespace:
                    orphans += record["orphans"]
        return len(orphans), {each["client_id"] for each in orphans if each["client_id"]}


def _is_done(wanted: Wanted, client: JsonObject) -> bool:
    generation = client["metadata"]["generation"]
    answered = client.get("status", {}).get("lastHandledRotateAt", "")
    return is_ready(client, generation) and answered == wanted.rotation
