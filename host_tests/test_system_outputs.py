"""Output terminals of a whole meter: pulses against its register, control contacts, what a power cut leaves."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from meter import factory
from meter.storage import layout
from meter.tariff.control_table import ControlTable
from meter.type_code import TypeCode
from tools.bench import Bench

KWH = 3_600_000_000
LOAD: dict[str, Any] = {"u": 230, "i": 9, "phi": 0}  # 6.2 kW
KILOWATTS = 3 * 230 * 9 / 1000


def write_table(bench: Bench, text: str) -> None:
    """A control table, as if it had been written before the meter's first start."""
    area = layout.CONTROL_TABLE
    image = factory.AreaImage(area.address, area.size)
    ControlTable(image, TypeCode(bench.type)).write(text)
    bench.fram.poke(area.address, bytes(image.content))


def sent_energy(bench: Bench, n: int, constant: int) -> Fraction:
    """mWs that the whole pulses of an output stand for."""
    return Fraction(sum(length >= 0.02 for _, length in bench.outputs[n].pulses) * KWH, constant)


def test_pulses_are_even_and_as_many_as_the_energy() -> None:
    with Bench(parameters={"output_1": "pulse a_import 10000 20", "output_6": "pulse a_import 500 240"}) as bench:
        bench.source.set(**LOAD)
        bench.run(16)
        fast, slow = bench.outputs[0].pulses, bench.outputs[5].pulses
        total = bench.totals()["a_import"]
        period = 3600 / 10_000 / KILOWATTS
        assert all(0.020 <= length < 0.023 for _, length in fast)
        assert all(0.240 <= length < 0.243 for _, length in slow)
        starts = [t for t, _ in fast][5:]  # after the measurement has settled
        assert max(abs(b - a - period) for a, b in zip(starts, starts[1:], strict=False)) < 0.003
        assert 10 <= len(slow) <= 14
        assert 0 <= total - sent_energy(bench, 0, 10_000) < KILOWATTS * 1.2e6  # one interval's energy, and a bit
        bench.source.set(i=0)
        bench.run(3)
        total = bench.totals()["a_import"]
        assert 0 <= total - sent_energy(bench, 0, 10_000) < KWH // 10_000
        assert 0 <= total - sent_energy(bench, 5, 500) < KWH // 500
        count = bench.read("C.15.11").values[0].text
        assert int(count) == len(bench.outputs[0].pulses)


def test_power_cuts_and_sudden_ends_cost_no_pulse_and_give_none_twice() -> None:
    with Bench(parameters={"output_2": "pulse a_import 10000 20"}) as bench:
        bench.source.set(**LOAD)
        bench.supply.hold_up_ns = 1_200_000_000  # it takes less time to test
        for n in range(6):
            bench.run(3 + 0.0137 * n)
            if n % 2:
                bench.kill()
            else:
                bench.power_cut()
            assert not bench.outputs[1].closed
            bench.power_on()
        bench.run(6)
        bench.source.set(i=0)
        bench.run(4)
        left = bench.totals()["a_import"] - sent_energy(bench, 1, 10_000)
        assert 0 <= left < KWH // 10_000
        assert len(bench.outputs[1].pulses) > 150


def test_contacts_and_relay_follow_the_control_table_and_open_when_mains_goes() -> None:
    with Bench("ZMG405CR4.440b.43") as bench:
        write_table(bench, "O1 = I1; O4 = I4; O2 = not I1")
        bench.source.set(**LOAD)
        bench.inputs = (False, False, False, True)
        bench.run(4)
        assert [contact.closed for contact in bench.outputs] == [False, True, False, True, False, False]
        bench.inputs = (True,)
        bench.run(2)
        assert [contact.closed for contact in bench.outputs] == [True] + [False] * 5
        assert bench.read("C.3.0").values[0].text == "00000101"
        bench.mains_off()
        bench.run(1)
        assert not any(contact.closed for contact in bench.outputs)
        bench.power_on()
        bench.run(5)
        assert bench.outputs[0].closed
        bench.kill()
        assert not bench.outputs[0].closed


def test_the_relay_keeps_its_least_time_off_after_a_restart() -> None:
    with Bench("ZMG405CR4.041b.60", parameters={"relay_off_s": 8}) as bench:
        write_table(bench, "relay = not TX1")
        bench.source.set(**LOAD)
        bench.run(7)
        assert not bench.relay.closed
        bench.run(4)
        assert bench.relay.closed
        bench.kill()
        off = bench.relay.edges[-1]
        bench.power_on()
        on = bench.now
        bench.run(13)
        assert not off[1] and bench.relay.edges[-1][1]
        assert on + 8 < bench.relay.edges[-1][0] < on + 11


def test_a_bouncing_contact_at_a_control_input_switches_once() -> None:
    """100 edges in 30 ms at each change, as a relay's contact makes them, at many places of the meter's half second."""
    with Bench("ZMG405CR4.440b.43") as bench:
        write_table(bench, "O1 = I1")
        bench.source.set(**LOAD)
        bench.run(3)
        for n in range(16):
            for bounce in range(100):
                bench.inputs = (bounce % 2 != n % 2,)
                bench.run(0.0003)
            bench.run(1.5 + 0.0313 * n)
            assert bench.outputs[0].closed == (n % 2 == 0)
        assert len(bench.outputs[0].edges) == 16
        bench.inputs = (True,)
        bench.run(0.2)
        bench.inputs = (False,)
        bench.run(2)
        assert len(bench.outputs[0].edges) == 16  # too short to count
        changes = [detail for _, _, number, detail in bench.events() if number in (12, 13)]
        assert changes == [1] * 16


@pytest.mark.parametrize("phi", [0, 180])
def test_the_direction_contact_is_closed_while_energy_is_exported(phi: int) -> None:
    with Bench(parameters={"output_1": "direction"}) as bench:
        bench.source.set(u=230, i=5, phi=phi)
        bench.run(5)
        assert bench.outputs[0].closed == (phi == 180)
        assert bench.read("C.3.0").values[0].text == ("00000100" if phi else "00000000")
        bench.mains_off()
        bench.run(0.4)
        assert bench.outputs[0].closed == (phi == 180)  # ridden through
        bench.run(1)
        assert not bench.outputs[0].closed
        bench.power_on()
        bench.run(4)
        assert bench.outputs[0].closed == (phi == 180)
