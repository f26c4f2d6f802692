"""What schemathesis makes of /openapi.json: every answer is one that is described, none a 5xx."""

from collections.abc import Iterator

import httpx
import pytest

from tests.attacks.described_requests import (
    ADMINISTRATION,
    PUBLIC,
    Target,
    fuzz,
    running_target,
)
from tests.unit.server.registrant import MACHINE, bearer

SEED = 7591
EXAMPLES = 10


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with running_target(tmp_path_factory.mktemp("target")) as target:
        yield target


@pytest.mark.parametrize("paths", [PUBLIC, ADMINISTRATION], ids=["public", "administration"])
def test_every_answer_is_one_that_is_described(target: Target, paths: str) -> None:
    done = fuzz(target, paths, seed=SEED, examples=EXAMPLES)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    assert " generated, " in done.stdout
    events = {entry["event"] for entry in target.log()}
    assert "internal_error" not in events
    # It got past the door, or it would have tested little.
    if paths == PUBLIC:
        assert {"client_registered", "client_updated", "client_deleted", "refused"} <= events
    else:
        assert "initial_access_token_created" in events
    _still_works(target)


def _still_works(target: Target) -> None:
    token = target.server.mint_initial_access_token()
    with httpx.Client(base_url=target.server.issuer, trust_env=False) as http:
        made = http.post("/connect/register", json=MACHINE, headers=bearer(token))
        assert made.status_code == 201
        basic = made.json()["client_id"], made.json()["client_secret"]
        form = {"grant_type": "client_credentials"}
        assert http.post("/token", data=form, auth=basic).status_code == 200
