"""Which credentials are valid after which history; a, b, c stand for tokens, A, B for secrets."""

import pytest

from dcr_server.credentials import (
    KEEP_SECRET,
    OUTSTANDING,
    Credentials,
    Held,
    OverlappingSecret,
    SecretRenewal,
    after_renewal,
    after_replay,
    after_secret_use,
    after_update,
    after_use,
    find_secret,
    find_token,
    is_valid_secret,
    renews_secret,
    retires_any,
    secret_that_ends,
)


def held(*entries: str) -> Held:
    """Write 1aA for pair 1, token a, secret A; a missing third letter for no secret."""
    return tuple(
        Credentials(int(entry[0]), entry[1].encode(), entry[2:].encode() or None)
        for entry in entries
    )


@pytest.mark.parametrize(
    ("before", "used", "after"),
    [
        pytest.param(["1aA"], "a", ["1aA"], id="the only one stays"),
        pytest.param(["1aA", "1bA"], "b", ["1bA"], id="the new token retires the one before"),
        pytest.param(["1aA", "1bA"], "a", ["1aA", "1bA"], id="the one before does not retire it"),
        pytest.param(["1aA", "2bB"], "a", ["1aA"], id="of a replay, the first"),
        pytest.param(["1aA", "2bB"], "b", ["2bB"], id="of a replay, the second"),
        pytest.param(["1a", "2b"], "a", ["1a"], id="of a replay without secrets"),
        pytest.param(
            ["1aA", "1bA", "2cB", "1dA"], "b", ["1bA", "1dA"], id="later ones of the pair stay"
        ),
    ],
)
def test_the_use_of_a_token_retires_what_it_supersedes(
    before: list[str], used: str, after: list[str]
) -> None:
    credentials = find_token(held(*before), used.encode())
    assert credentials is not None
    assert after_use(held(*before), credentials) == held(*after)


@pytest.mark.parametrize(
    ("before", "used", "after"),
    [
        pytest.param(["1aA", "1bA"], "A", ["1aA", "1bA"], id="does not tell which token was seen"),
        pytest.param(["1aA", "2bB"], "B", ["2bB"], id="of a replay, the second"),
        pytest.param(["1a", "1bA"], "A", ["1bA"], id="a secret that an update issued was seen"),
    ],
)
def test_the_use_of_a_secret_retires_what_it_supersedes(
    before: list[str], used: str, after: list[str]
) -> None:
    credentials = find_secret(held(*before), used.encode())
    assert credentials is not None
    assert after_use(held(*before), credentials) == held(*after)


def test_unknown_ones_are_not_found() -> None:
    assert find_token(held("1aA"), b"A") is None
    assert find_secret(held("1aA", "1b"), b"a") is None


def test_an_update_adds_its_token() -> None:
    assert after_update(held("1aA"), held("1bA")[0]) == held("1aA", "1bA")


def test_an_update_without_secret_ends_the_secret() -> None:
    assert after_update(held("1aA"), held("1b")[0]) == held("1a", "1b")


def test_a_replay_is_a_pair_of_its_own() -> None:
    assert after_replay(held("1aA", "3bB"), token_hash=b"c", secret_hash=b"C") == held(
        "1aA", "3bB", "4cC"
    )


def test_however_often_it_is_repeated_the_first_and_the_latest_stay() -> None:
    credentials = held("1aA")
    for number in range(100):
        credentials = after_replay(credentials, token_hash=b"%d" % number, secret_hash=None)
    assert len(credentials) == OUTSTANDING
    assert find_token(credentials, b"a") is not None
    assert find_token(credentials, b"99") is not None


def test_however_many_updates_are_lost_the_token_that_asks_for_them_stays() -> None:
    credentials = held("1aA")
    for number in range(100):
        issued = Credentials(1, b"%d" % number, b"A")
        credentials = after_update(after_use(credentials, credentials[0]), issued)
    assert len(credentials) == OUTSTANDING
    assert find_token(credentials, b"a") is not None
    assert find_token(credentials, b"99") is not None


def test_only_what_supersedes_another_retires_any() -> None:
    superseded, latest = held("1aA", "1bA")
    assert retires_any((superseded, latest), latest)
    assert not retires_any((superseded, latest), superseded)


NOW = 1000
EXPIRING = Credentials(1, b"a", b"A", NOW + 10)
LASTING = Credentials(1, b"a", b"A")


@pytest.mark.parametrize(
    ("presented", "renewal", "renews"),
    [
        pytest.param(LASTING, KEEP_SECRET, False, id="an update keeps the secret"),
        pytest.param(LASTING, SecretRenewal(forced=True), True, id="a rotation does not"),
        pytest.param(Credentials(1, b"a", None), KEEP_SECRET, True, id="there is none yet"),
        pytest.param(LASTING, SecretRenewal(due_before=NOW * 2), False, id="it never expires"),
        pytest.param(EXPIRING, SecretRenewal(due_before=NOW + 9), False, id="not due"),
        pytest.param(EXPIRING, SecretRenewal(due_before=NOW + 10), True, id="due"),
    ],
)
def test_when_an_update_issues_another_secret(
    presented: Credentials, renewal: SecretRenewal, *, renews: bool
) -> None:
    assert renews_secret(presented, renewal) == renews


@pytest.mark.parametrize(
    ("presented", "renewal", "ends_at"),
    [
        pytest.param(LASTING, SecretRenewal(forced=True), None, id="until the first use"),
        pytest.param(LASTING, SecretRenewal(forced=True, overlap=0), NOW, id="at once"),
        pytest.param(LASTING, SecretRenewal(forced=True, overlap=60), NOW + 60, id="then"),
        pytest.param(EXPIRING, SecretRenewal(forced=True, overlap=60), NOW + 10, id="no later"),
        pytest.param(EXPIRING, SecretRenewal(due_before=NOW + 10), NOW + 10, id="as it was said"),
        pytest.param(
            Credentials(1, b"a", None), SecretRenewal(forced=True, overlap=60), None, id="no secret"
        ),
    ],
)
def test_when_the_secret_before_ends(
    presented: Credentials, renewal: SecretRenewal, ends_at: int | None
) -> None:
    ended = secret_that_ends(presented, renewal, NOW)
    assert ended == (None if ends_at is None else OverlappingSecret(b"A", ends_at))


def test_a_secret_in_the_overlap_is_held_no_more() -> None:
    ended = OverlappingSecret(b"A", NOW + 60)
    past = OverlappingSecret(b"P", NOW)
    left, overlapping = after_renewal((EXPIRING,), (past,), ended, now=NOW)
    assert (left, overlapping) == ((Credentials(1, b"a", None),), (ended,))
    assert is_valid_secret(left, overlapping, b"A", NOW + 59)
    assert not is_valid_secret(left, overlapping, b"A", NOW + 60)
    assert not is_valid_secret(left, overlapping, b"P", NOW)
    assert after_secret_use(left, b"A") == left


def test_the_overlap_is_bounded() -> None:
    overlapping: tuple[OverlappingSecret, ...] = ()
    for number in range(2 * OUTSTANDING):
        ended = OverlappingSecret(b"%d" % number, NOW + 60)
        _, overlapping = after_renewal((), overlapping, ended, now=NOW)
    assert len(overlapping) == OUTSTANDING
    assert overlapping[-1].secret_hash == b"%d" % (2 * OUTSTANDING - 1)


@pytest.mark.parametrize(("now", "valid"), [(NOW + 9, True), (NOW + 10, False)])
def test_a_held_secret_is_valid_until_it_expires(now: int, *, valid: bool) -> None:
    assert is_valid_secret((EXPIRING,), (), b"A", now) == valid
    assert is_valid_secret((LASTING,), (), b"A", now)
