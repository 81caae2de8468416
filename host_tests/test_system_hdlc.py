"""HDLC at the whole meter, in virtual time: the line is kept busy while a profile is read, and the meter meters on."""

from __future__ import annotations

import pytest

from host_tests.hdlc_bench import Account, HdlcClient
from host_tests.hdlc_line import answered_parameters, parameters
from tools.bench import Bench

PASSWORD = b"00000000"
LOG = "0.0.99.98.0.255"
ENTRIES = [(820_000_000 + 60 * n, 45, n) for n in range(200)]
OPTICAL, RS485 = 0, 1


def bench_at(port: int, rate: int) -> Bench:
    """A meter whose optical port offers `rate` in mode E, or whose RS485 port is HDLC at `rate` from the start."""
    if port == OPTICAL:
        wanted: dict[str, object] = {"max_baud_char": {9_600: "5", 19_200: "6"}[rate]}
    else:
        wanted = {"port1_mode": 1, "port1_start_rate": rate}
    return Bench(seed=1, parameters=wanted, events=ENTRIES)


@pytest.mark.parametrize(
    ("port", "rate"),
    [
        pytest.param(OPTICAL, 9_600, marks=pytest.mark.soak),
        (OPTICAL, 19_200),
        pytest.param(RS485, 9_600, marks=pytest.mark.soak),
        (RS485, 38_400),
    ],
)
def test_the_line_is_busy_while_a_long_attribute_is_read(port: int, rate: int) -> None:
    """More than 97 % of the time in which the client does not make the meter wait, with every size of link. The budget
    is 95 %."""
    with bench_at(port, rate) as bench:
        bench.source.set(u=230, i=5, phi=0)
        bench.run(5)
        e0, t0 = bench.totals()["a_import"], bench.now
        for size, window in ((128, 1), (128, 7), (1024, 1), (1024, 7)):
            client = HdlcClient(bench, port, 32, direct=0 if port == OPTICAL else rate)
            assert client.baud == rate
            client.connect(parameters(info_tx=size, info_rx=size, window_tx=window, window_rx=window), PASSWORD)
            client.account = account = Account()
            log = client.read(7, LOG, 2)
            assert len(log) > 200 * 20 and log[:2] == b"\x01\x81"
            assert account.polls < len(log) // min(1024, size * window) * 2 + 8
            print(f"{rate} Bd, {size}, {window}: {account.busy:.2%} busy, {account.polls} polls, {account}")
            assert account.busy >= 0.97
            client.close()
        power_w = (bench.totals()["a_import"] - e0) / 1000 / (bench.now - t0)
        assert power_w == pytest.approx(3450, rel=0.05)  # what is counted is stored twice a second
        assert bench.readout()["F.F"].value.text == "00000000"
        assert bench.log == ""


@pytest.mark.parametrize("rate", [9_600, 19_200])
@pytest.mark.parametrize("pause_ms", [2, 20, 100])
def test_a_sign_on_right_after_the_answer_to_disc_is_heard_the_first_time(rate: int, pause_ms: int) -> None:
    """IEC 62056-21 lets a client begin 20 ms after a message at the earliest."""
    with bench_at(OPTICAL, rate) as bench:
        bench.run(3)
        client = HdlcClient(bench, OPTICAL)
        for _ in range(3):
            client.connect()
            client.link.disconnect()  # with its UA
            client.end.configure(300)
            bench.run(pause_ms / 1000)
            client.sign_on()
            assert client.baud == rate
        client.connect()
        assert bench.log == ""


def test_a_client_gets_the_link_it_asks_for_and_128_and_1_if_it_asks_for_none() -> None:
    with bench_at(RS485, 9_600) as bench:
        bench.run(3)
        client = HdlcClient(bench, RS485, direct=9_600)
        assert answered_parameters(client.link.connect()) == (128, 128, 1, 1)
        asked = parameters(info_tx=2030, info_rx=2030, window_tx=7, window_rx=7)
        assert answered_parameters(client.link.connect(asked)) == (1024, 1024, 7, 7)
