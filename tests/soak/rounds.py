"""One round: sixteen writers, a SIGKILL at a random moment, a restart, and a look at everything."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx

from tests.soak.known_clients import Deletion, KnownClient
from tests.soak.ledger import broken_rules
from tests.soak.stage import Stage
from tests.soak.writers import Contradiction, Tokens, Unanswered, Writer, all_at_once

WRITERS = 16
_LOAD_SECONDS = (0.02, 0.8)
_USES_OF_LIMITED = 5
_OLD_CLIENTS_CHECKED = 1
"""Of each writer and round, beside those that it touched."""
_REQUEST_SECONDS = 20.0


@dataclass(slots=True)
class Soak:
    """The rounds on one stage; the same seed kills at the same moments."""

    stage: Stage
    random: random.Random
    unlimited_token: str = field(repr=False)
    writers: list[Writer]
    killed: dict[str, int] = field(default_factory=dict)
    unanswered: int = 0
    checked: int = 0

    async def round(self) -> list[str]:
        """Return what was lost or half done; empty is good."""
        tokens = Tokens(self.unlimited_token, await self.stage.mint(max_uses=_USES_OF_LIMITED))
        complaints: list[str] = []
        try:
            await self._load_and_kill(tokens)
            await asyncio.to_thread(self.stage.start_again)
            complaints += await self._complaints()
            await self._use_up(tokens)
            complaints += await broken_rules(self.stage.rows)
        except* Contradiction as contradictions:
            complaints += [str(each) for each in contradictions.exceptions]
        except* Unanswered:
            complaints.append("a request stays without an answer after the restart")
        return complaints

    async def _load_and_kill(self, tokens: Tokens) -> None:
        load = asyncio.create_task(all_at_once(self.writers, tokens))
        await asyncio.wait([load], timeout=self.random.uniform(*_LOAD_SECONDS))
        self._kill()
        await load

    def _kill(self) -> None:
        victim = "server"
        if self.stage.postgresql is not None:
            victim = self.random.choice(["server", "server", "server", "database", "both"])
        self.killed[victim] = self.killed.get(victim, 0) + 1
        if victim in {"database", "both"}:
            self.stage.kill_database()
        if victim in {"server", "both"}:
            self.stage.kill_server()

    async def _complaints(self) -> list[str]:
        async with asyncio.TaskGroup() as group:
            checks = [group.create_task(self._check(writer)) for writer in self.writers]
        return [complaint for check in checks for complaint in check.result()]

    async def _check(self, writer: Writer) -> list[str]:
        complaints = []
        old = self.random.sample(writer.clients, min(_OLD_CLIENTS_CHECKED, len(writer.clients)))
        clients = {client.client_id: client for client in old} | writer.touched
        for client in clients.values():
            found = await self._complaint(writer, client)
            if found:
                complaints.append(f"client {client.client_id} {found}")
        writer.touched.clear()
        await self._ask_again(writer)
        return complaints

    async def _complaint(self, writer: Writer, client: KnownClient) -> str:
        self.checked += 1
        complaint = client.complaint_about(await writer.read(client))
        if complaint:
            return complaint
        answer = await writer.ask_for_token(client)
        if client.deletion is Deletion.DONE:
            if client in writer.clients:
                writer.clients.remove(client)
            refused = answer.status_code == httpx.codes.UNAUTHORIZED
            return "" if refused else "is deleted and gets a token"
        if answer.status_code != httpx.codes.OK:
            return f"gets {answer.status_code} for the secret that it was given: {answer.text}"
        return ""

    async def _ask_again(self, writer: Writer) -> None:
        """Find out what became of registrations without an answer: none is done twice."""
        repeated, writer.unanswered = writer.unanswered, []
        self.unanswered += len(repeated)
        for registration in repeated:
            await writer.send_registration(registration)

    async def _use_up(self, tokens: Tokens) -> None:
        only_limited = Tokens(tokens.limited, tokens.limited)
        for _ in range(_USES_OF_LIMITED + 1):
            before = self.writers[0].registered_by_limited
            await self.writers[0].register(only_limited)
            if self.writers[0].registered_by_limited == before:
                return
        raise Contradiction(f"a token for {_USES_OF_LIMITED} registrations is good for more")

    def answers(self) -> dict[str, int]:
        kinds = sorted({kind for writer in self.writers for kind in writer.answers})
        return {kind: sum(writer.answers.get(kind, 0) for writer in self.writers) for kind in kinds}


@contextlib.asynccontextmanager
async def soaking(stage: Stage, seed: int) -> AsyncIterator[Soak]:
    async with httpx.AsyncClient(
        base_url=stage.settings.issuer, trust_env=False, timeout=_REQUEST_SECONDS
    ) as http:
        chance = random.Random(seed)  # noqa: S311 - chosen at random, and the same again by its seed
        writers = [
            Writer(number, http, random.Random(f"{seed} {number}"))  # noqa: S311 - as above
            for number in range(WRITERS)
        ]
        yield Soak(stage, chance, await stage.mint(), writers)
