"""The meter on its bench over IEC 62056-21: the reset of errors, the event log, the electrical ports."""

from __future__ import annotations

import pytest

from tools.bench import Bench
from tools.bench.iec_client import IecProgrammer, IecReader, IecRefused
from tools.bench.uart import VirtualEnd


def end_of(bench: Bench, port: int = 0) -> VirtualEnd:
    end = VirtualEnd()
    bench.uarts[port].attach(end)
    return end


def programmer(bench: Bench) -> IecProgrammer:
    return IecProgrammer(end_of(bench), bench.run)


def test_c150_clears_what_was_and_not_what_is() -> None:
    with Bench(seed=1) as bench:
        bench.source.set(u=230, i=5, phi=0)
        bench.run(3)
        bench.inject("metering", stuck_miso=0)
        bench.run(3)
        bench.inject("metering", stuck_miso=None)
        bench.run(10)
        client = programmer(bench)
        client.sign_on("00000000", 1)
        assert client.read("F.F") == "00040000"
        with pytest.raises(IecRefused, match="ERR04"):
            client.execute("C150")
        client.sign_on("00000000", 2)
        with pytest.raises(IecRefused, match="ERR05"):
            client.execute("C150", "1")
        assert client.read("F.F") == "00040000"
        client.execute("C150")
        assert client.read("F.F") == "00000000"
        assert [event[2:] for event in bench.events()][-1] == (45, 0x0004_0000)
        bench.inject("metering", stuck_miso=0)
        bench.run(3)
        client.execute("C150")
        bench.run(3)
        assert client.read("F.F") == "00040000"  # the chip is silent still


def test_c150_does_not_hide_that_nothing_is_counted() -> None:
    with Bench(seed=1, calibration=None) as bench:
        bench.source.set(u=230, i=5, phi=0)
        bench.run(3)
        client = programmer(bench)
        client.sign_on("00000000", 2)
        client.execute("C150")
        assert client.read("F.F") == "00004000"


def test_the_event_log_is_read_as_p98() -> None:
    with Bench(seed=1) as bench:
        bench.run(3)
        client = programmer(bench)
        client.sign_on("00000000", 2)
        for _ in range(4):
            client.execute("C150")
        lines = client.read_profile("P.98", rows=1)
        logged = bench.events()
        assert len(logged) >= 4
        assert lines[1::2] == [f"({number})({detail})" for _, _, number, detail in logged]
        assert len(client.blocks) == len(logged)
        assert lines[0].startswith("P.98(0")


def test_the_electrical_ports_speak_each_at_its_own_rate() -> None:
    """Interfaces of the type 43: RS485 is port 1, the current loop, which does 9600 Bd at most, is port 2."""
    parameters = {"max_baud_char": "6", "port2_iec_mode": "B", "reaction_ms": 100}
    with Bench(seed=1, parameters=parameters) as bench:
        bench.source.set(u=230, i=5, phi=0)
        bench.run(3)
        for port, told in ((0, b"/LGz6"), (1, b"/LGz6"), (2, b"/LGzE")):
            reader = IecReader(end_of(bench, port), bench.run)
            sets = {data_set.code: data_set.value.text for data_set in reader.readout()}
            assert sets["0.0.0"] == bench.serial
            assert reader.identification is not None
            assert f"/{reader.identification.maker}{reader.identification.rate_character}".encode() == told


def test_an_electrical_port_at_a_fixed_rate() -> None:
    with Bench(seed=1, parameters={"port1_start_rate": 38_400}) as bench:
        bench.run(3)
        line, end = bench.uarts[1], end_of(bench, 1)
        assert line.baud == 38_400
        end.configure(38_400)
        end.write(b"/?!\r\n")
        bench.run(0.5)
        assert end.read() == b"/LGZ6\\2ZMG405260b.P01\r\n"
        end.write(b"\x06060\r\n")
        bench.run(1.5)
        assert f"0.0.0({bench.serial})".encode() in end.read()


def test_two_ports_are_read_at_the_same_time() -> None:
    with Bench(seed=1) as bench:
        bench.run(3)
        ends = [end_of(bench, port) for port in (0, 1)]
        for end in ends:
            end.write(b"/?!\r\n")
        bench.run(1.5)
        for end in ends:
            assert end.read().startswith(b"/LGZ5")
            end.write(b"\x06050\r\n")
        bench.run(0.5)
        for end in ends:
            end.configure(9600)
        bench.run(4)
        said = [end.read() for end in ends]
        assert [text[-5:-1] for text in said] == [b"!\r\n\x03"] * 2
