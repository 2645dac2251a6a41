"""Which datagrams at the probe ports are answered."""

from directory_server.core.probes.cookies import ALL_AT_ONCE, AT_ONCE, SECONDS, Cookies
from shared.messages.probes import (
    NONCE_BYTES,
    REQUEST_BYTES,
    read_answer,
    read_request,
    request,
)

HERE, THERE = "198.51.100.1", "198.51.100.2"
NONCE = bytes(range(NONCE_BYTES))


def test_who_registered_at_this_address_is_told_the_port() -> None:
    cookies = Cookies(b"secret", 0.0)
    said = cookies.answer(request(cookies.of(HERE), NONCE), HERE, 40_112, 0.0)
    assert said is not None
    assert len(said) < REQUEST_BYTES
    assert read_answer(said, NONCE) == 40_112
    assert read_answer(said, NONCE[::-1]) is None
    assert read_answer(said + b"!", NONCE) is None


def test_nobody_else_makes_the_directory_send_anything() -> None:
    cookies = Cookies(b"secret", 0.0)
    mine = cookies.of(HERE)
    for datagram, host in (
        (request(mine, NONCE), THERE),  # a victim's address on an attacker's datagram
        (request(Cookies(b"another", 0.0).of(HERE), NONCE), HERE),
        (request(bytes(16), NONCE), HERE), (b"", HERE), (b"x" * REQUEST_BYTES, HERE),
        (request(mine, NONCE)[:-1], HERE), (request(mine, NONCE) + b"!", HERE),
    ):  # fmt: skip
        assert cookies.answer(datagram, host, 1, 0.0) is None
    assert read_request(b"short") is None


def test_a_datagram_from_port_0_is_not_answered_and_so_delays_nobody() -> None:
    """The system sends nothing there, and after an error a probe port pauses for all."""
    cookies = Cookies(b"secret", 0.0)
    assert cookies.answer(request(cookies.of(HERE), NONCE), HERE, 0, 0.0) is None


def test_one_address_is_answered_some_times_and_then_slowly() -> None:
    cookies = Cookies(b"secret", 0.0)
    mine = request(cookies.of(HERE), NONCE)
    said = [cookies.answer(mine, HERE, 1, 0.0) for _ in range(1_000)]
    assert sum(one is not None for one in said) == AT_ONCE
    assert cookies.answer(mine, HERE, 1, SECONDS) is not None


def test_all_addresses_together_are_answered_at_a_bounded_pace() -> None:
    cookies = Cookies(b"secret", 0.0)
    hosts = [f"10.{n // 250}.{n % 250}.1" for n in range(2_000)]
    said = [cookies.answer(request(cookies.of(h), NONCE), h, 1, 0.0) for h in hosts]
    assert sum(one is not None for one in said) == ALL_AT_ONCE
