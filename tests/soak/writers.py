"""Writers that use a server until it is killed, and remember what it has answered."""

import asyncio
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus

import httpx

from tests.soak.known_clients import Deletion, KnownClient, metadata

# Writers that have more clients than this delete more often than they register.
_ENOUGH_CLIENTS = 12


class Unanswered(Exception):  # noqa: N818 - what happened; nobody knows whether it was done
    pass


class Contradiction(Exception):  # noqa: N818 - an answer that no rule allows
    pass


@dataclass(frozen=True, slots=True)
class Tokens:
    """Initial access tokens of one round."""

    unlimited: str = field(repr=False)
    limited: str = field(repr=False)
    """Good for so many registrations that some fail."""


@dataclass(frozen=True, slots=True)
class Registration:
    """A registration that can be asked for again: the same key with the same body."""

    version: int
    key: str
    token: str = field(repr=False)


@dataclass(slots=True)
class Writer:
    """One that works alone on clients of its own; its versions are never used twice."""

    number: int
    http: httpx.AsyncClient
    random: random.Random
    clients: list[KnownClient] = field(default_factory=list)
    touched: dict[str, KnownClient] = field(default_factory=dict)
    unanswered: list[Registration] = field(default_factory=list)
    answers: dict[str, int] = field(default_factory=dict)
    registered_by_limited: int = 0
    versions: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def work(self, tokens: Tokens) -> None:
        """Go on until something stays without an answer."""
        try:
            while True:
                await self._work_once(tokens)
        except Unanswered:
            return

    async def _work_once(self, tokens: Tokens) -> None:
        choice = self.random.random()
        if not self.clients or choice < self._share_of_registrations():
            await self.register(tokens)
            return
        client = self.random.choice(self.clients)
        self.touched[client.client_id] = client
        if choice < 0.55:
            await self._update(client)
        elif choice < 0.7:
            await self._rotate(client)
        elif choice < 0.8:
            await self._delete(client)
        else:
            await self.get_token(client)

    def _share_of_registrations(self) -> float:
        return 0.4 if len(self.clients) < _ENOUGH_CLIENTS else 0.05

    async def register(self, tokens: Tokens) -> None:
        token = self.random.choice([tokens.limited, tokens.unlimited, tokens.unlimited])
        wanted = Registration(next(self.versions), f"key-{self.random.getrandbits(64)}", token)
        answer = await self.send_registration(wanted)
        if answer is None and token != tokens.limited:
            raise Contradiction("an initial access token without a limit was refused")
        if answer is not None and token == tokens.limited:
            self.registered_by_limited += 1

    async def send_registration(self, wanted: Registration) -> KnownClient | None:
        """Return None when the token is used up."""
        try:
            answer = await self._ask(
                "POST",
                "/connect/register",
                json=metadata(wanted.version),
                headers={**_bearer(wanted.token), "Idempotency-Key": wanted.key},
            )
        except Unanswered:
            self.unanswered.append(wanted)
            raise
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            self._count("refused")
            return None
        self._expect(answer, HTTPStatus.CREATED, "register")
        client = KnownClient.of(answer, wanted.version)
        self.clients.append(client)
        self.touched[client.client_id] = client
        return client

    async def _update(self, client: KnownClient) -> None:
        version = next(self.versions)
        client.unanswered_versions.add(version)
        answer = await self._ask(
            "PUT",
            client.uri,
            json={**metadata(version), "client_id": client.client_id},
            headers=_bearer(client.token),
        )
        self._expect(answer, HTTPStatus.OK, "update")
        client.take(answer)
        client.version = version
        client.unanswered_versions.clear()

    async def _rotate(self, client: KnownClient) -> None:
        answer = await self._ask("POST", f"{client.uri}/secret", headers=_bearer(client.token))
        self._expect(answer, HTTPStatus.OK, "rotate")
        client.take(answer)

    async def _delete(self, client: KnownClient) -> None:
        client.deletion = Deletion.UNANSWERED
        answer = await self._ask("DELETE", client.uri, headers=_bearer(client.token))
        self._expect(answer, HTTPStatus.NO_CONTENT, "delete")
        client.deletion = Deletion.DONE
        self.clients.remove(client)

    async def get_token(self, client: KnownClient) -> None:
        answer = await self.ask_for_token(client)
        self._expect(answer, HTTPStatus.OK, "token")

    async def ask_for_token(self, client: KnownClient) -> httpx.Response:
        return await self._ask(
            "POST",
            "/token",
            data={"grant_type": "client_credentials"},
            auth=httpx.BasicAuth(client.client_id, client.secret),
        )

    async def read(self, client: KnownClient) -> httpx.Response:
        return await self._ask("GET", client.uri, headers=_bearer(client.token))

    async def _ask(self, method: str, url: str, **content: object) -> httpx.Response:
        try:
            answer = await self.http.request(method, url, **content)  # type: ignore[arg-type] # whatever httpx takes
        except httpx.TransportError as error:
            raise Unanswered from error
        if answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
            raise Unanswered
        return answer

    def _expect(self, answer: httpx.Response, status: HTTPStatus, what: str) -> None:
        if answer.status_code != status:
            raise Contradiction(f"{what} is answered {answer.status_code}: {answer.text}")
        self._count(what)

    def _count(self, what: str) -> None:
        self.answers[what] = self.answers.get(what, 0) + 1


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def all_at_once(writers: list[Writer], tokens: Tokens) -> None:
    """Return when each has met something without an answer; raises Contradiction."""
    async with asyncio.TaskGroup() as group:
        for writer in writers:
            group.create_task(writer.work(tokens))
