"""The whole meter's heap with every port at work at once, against the budget of design and size report."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from gurux_dlms.objects import GXDLMSProfileGeneric

from host_tests.field_service import session
from host_tests.wrapper_bench import connect
from tools.bench import Bench
from tools.meter import Client, Login, Serial, Tcp
from tools.size import DATA_BUDGET, KIB

ENTRIES = [(820_000_000 + 60 * n, 45, n) for n in range(60)]
HDLC = {"port1_mode": 1, "port1_start_rate": 38_400, "port2_mode": 1, "port2_start_rate": 9_600}
TIMEOUT_S = 30.0  # for an answer: the machine may be busy
LOG = "0.0.99.98.0.255"


def code_bytes() -> int:
    """What the loaded code takes of the heap."""
    with Bench() as bench:
        bench.run(1)
        return bench.heap()["code"]


def test_the_meter_starts_in_little_more_than_it_keeps() -> None:
    """Nothing may be scattered at start so that the arrays of the samples, 12 KiB in one piece, find no place."""
    with Bench() as bench:
        bench.run(2)
        kept = bench.heap()
    with Bench(heap_kib=(kept["code"] + kept["data"]) * 5 // 4 // KIB) as bench:
        bench.run(5)
        assert bench.mcu.restarts == 0 and bench.log == ""
        assert bench.heap()["data"] > kept["data"] // 2


def test_a_readout_of_all_stored_periods_fits() -> None:
    """The longest there is: the service list, and behind it as many billing periods as a meter reads out."""
    periods = 36
    parameters = {"reset_lockout_min": 0, "readout_periods": periods, "max_baud_char": "6"}
    with Bench(parameters=parameters, heap_kib=(code_bytes() + DATA_BUDGET) // KIB) as bench:
        bench.source.set(u=230, i=5, phi=0)
        bench.run(2)
        with session(bench) as client:
            for _ in range(periods):
                client.execute("C151")
        read = bench.readout(6)
        assert [code for code in read if code.startswith("1.8.0*")] == [f"1.8.0*{n:02d}" for n in range(periods, 0, -1)]
        assert bench.heap()["high_water"] <= DATA_BUDGET
        assert (bench.mcu.restarts, bench.log) == (0, "")


def test_all_ports_at_work_stay_within_the_budget() -> None:
    """Associations are open and keys in use on all ways in while one after the other reads a profile: a readout at the
    optical port, HDLC on both electrical ports, four connections over TCP, three of them ciphered. The heap has room
    for the code and the budget and no more, so that garbage and what lies scattered must fit in, too."""
    with Bench(virtual=False, parameters=HDLC, events=ENTRIES, heap_kib=(code_bytes() + DATA_BUDGET) // KIB) as bench:
        bench.source.set(u=230, i=5, phi=0)
        connect(bench).close()
        bench.run(2)
        idle = bench.heap()["data"]
        assert bench.tcp_port is not None
        plain = Login(level=1, mechanism="lls", password="00000000")
        users: list[tuple[Serial | Tcp, Login]] = [
            (Serial(bench.uarts[n].open_ends()[0].name, rate, mode_e=False, timeout=TIMEOUT_S), plain)
            for n, rate in ((1, 38_400), (2, 9_600))
        ]
        for level in (1, 2, 3):
            login = Login(level=level, mechanism="gmac", protection="both", counter=1000 * level)
            users.append((Tcp("127.0.0.1", bench.tcp_port, TIMEOUT_S), login))
        users.append((Tcp("127.0.0.1", bench.tcp_port, TIMEOUT_S), plain))
        log, data = GXDLMSProfileGeneric(LOG), list[int]()
        with ExitStack() as stack, ThreadPoolExecutor(1) as pool:
            meters = [stack.enter_context(Client(transport, login)) for transport, login in users]
            readout = pool.submit(bench.readout)
            for n, meter in enumerate(meters):
                # They share a key, and so must share its counter: each goes on where the one before has stopped.
                meter.gurux.ciphering.invocationCounter = 10_000 * (n + 1)
                meter.read(log, 3)
                assert len(meter.read(log, 2)) >= len(ENTRIES)
                data.append(bench.heap()["data"])
            assert "1.8.0" in readout.result()
        print(f"data: {idle / KIB:.0f} KiB idle, {max(data) / KIB:.0f} KiB at most of {len(data)} times")
        assert max(data) <= DATA_BUDGET
        assert (bench.mcu.restarts, bench.log) == (0, "")
