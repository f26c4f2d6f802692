from dcr_operator.backoff import Backoff
from dcr_operator.provider_limits import CircuitBreaker, TokenBucket
from tests.fakes.virtual_time import VirtualTime


def breaker(time: VirtualTime) -> CircuitBreaker:
    return CircuitBreaker(time.time, Backoff(random=lambda: 0.0, first=5.0), threshold=3)


def opened(time: VirtualTime) -> CircuitBreaker:
    circuit = breaker(time)
    for _ in range(3):
        assert circuit.admits()
        circuit.failed()
    return circuit


def test_rate_zero_is_no_limit() -> None:
    bucket = TokenBucket(0, 0, VirtualTime().time)
    assert [bucket.reserve(patience=0) for _ in range(100)] == [0.0] * 100


def test_a_burst_passes_and_the_next_request_waits_its_turn() -> None:
    bucket = TokenBucket(10, 2, VirtualTime().time)
    waits = [bucket.reserve(patience=1) for _ in range(4)]
    assert [None if wait is None else round(wait, 6) for wait in waits] == [0, 0, 0.1, 0.2]


def test_who_would_wait_too_long_takes_no_token() -> None:
    time = VirtualTime()
    bucket = TokenBucket(1, 1, time.time)
    assert bucket.reserve(patience=0) == 0
    assert bucket.reserve(patience=0.5) is None
    time.advance(1)
    assert bucket.reserve(patience=0) == 0


def test_tokens_flow_back_up_to_the_burst() -> None:
    time = VirtualTime()
    bucket = TokenBucket(10, 2, time.time)
    bucket.reserve(patience=0)
    time.advance(60)
    assert [bucket.reserve(patience=0) for _ in range(3)] == [0, 0, None]


def test_the_circuit_opens_after_failures_in_a_row() -> None:
    circuit = opened(VirtualTime())
    assert not circuit.admits()
    assert circuit.retry_after() == 5.0


def test_a_success_between_failures_keeps_the_circuit_closed() -> None:
    circuit = breaker(VirtualTime())
    for _ in range(10):
        circuit.failed()
        circuit.failed()
        circuit.succeeded()
    assert circuit.admits()


def test_one_request_at_a_time_tries_a_provider_that_was_dead() -> None:
    time = VirtualTime()
    circuit = opened(time)
    time.advance(5)
    assert [circuit.admits() for _ in range(3)] == [True, False, False]


def test_the_circuit_closes_when_the_try_succeeds() -> None:
    time = VirtualTime()
    circuit = opened(time)
    time.advance(5)
    circuit.admits()
    circuit.succeeded()
    assert [circuit.admits() for _ in range(3)] == [True, True, True]


def test_the_circuit_stays_open_longer_when_the_try_fails() -> None:
    time = VirtualTime()
    circuit = opened(time)
    time.advance(5)
    circuit.admits()
    circuit.failed()
    assert circuit.retry_after() == 10.0
    assert not circuit.admits()


def test_a_try_that_was_cancelled_leaves_room_for_the_next() -> None:
    time = VirtualTime()
    circuit = opened(time)
    time.advance(5)
    circuit.admits()
    circuit.abandoned()
    assert circuit.admits()
