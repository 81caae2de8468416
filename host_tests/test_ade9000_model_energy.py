"""ADE9000 model: energy and power accumulators, no-load, accumulation modes, the read-with-reset erratum."""

from __future__ import annotations

import math

import pytest

from host_tests.ade9000_host import FULL_SCALE_I, FULL_SCALE_U, MS, WATT_FULL_SCALE, Host, full_scale
from tools.bench.ade9000 import registers as r
from tools.bench.source import Source

NO_SETTLE = 3 << 8  # CONFIG1.PWR_SETTLE: 0 ms
LATCH, ADD = 0x0011, 0x0001
WS_PER_CODE = 8192 / 8000 / (2 * 0.06 / 1001 * WATT_FULL_SCALE)  # of one HI code in the reference design


def egyrdy_times(host: Host, count: int) -> list[int]:
    """Bench times of the next EGYRDY interrupts, each acknowledged at once."""
    times: list[int] = []
    while len(times) < count:
        host.chip.advance(host.chip.next_event() or 0)
        if not host.chip.irq0.level:
            times.append(host.chip.irq0.changed_ns)
            host.write(r.STATUS0, 1)
    return times


def test_one_second_at_full_scale_is_20_209_049_codes() -> None:
    host = Host(full_scale())
    host.start(EGY_TIME=7999, EP_CFG=LATCH)
    host.run(4.1)
    for phase in range(3):
        for kind in ("WATT", "VA", "FWATT", "FVA"):
            assert host.energy(phase, kind) == pytest.approx(20_209_049, abs=2), kind
        assert abs(host.energy(phase, "VAR")) <= 1


def test_energy_interrupts_come_every_egy_time_plus_one_samples() -> None:
    host = Host(full_scale())
    began = host.start(EGY_TIME=799, MASK0=1, CONFIG1=NO_SETTLE, EP_CFG=LATCH)
    assert egyrdy_times(host, 4) == [began + n * 100 * MS for n in (1, 2, 3, 4)]


@pytest.mark.parametrize(("code", "milliseconds"), [(0, 64), (1, 128), (2, 256), (3, 0)])
def test_accumulation_waits_for_the_settling_time(code: int, milliseconds: int) -> None:
    host = Host(full_scale())
    began = host.start(EGY_TIME=799, MASK0=1, CONFIG1=code << 8, EP_CFG=LATCH)
    assert egyrdy_times(host, 1) == [began + (100 + milliseconds) * MS]


def test_free_running_registers_lose_nothing_however_late_they_are_read() -> None:
    source = Source(1)
    source.set(u=230, i=5, phi=(60, -100, 170))
    host = Host(source)
    host.start(EGY_TIME=3999, ACT_NL_LVL=0, REACT_NL_LVL=0, EP_CFG=ADD)
    host.run(2.1)
    start, t_start = [host.energy(p, "WATT") for p in range(3)], [host.energy(p, "FVAR") for p in range(3)]
    host.run(30)
    active, reactive = source.fed(0, 30_000_000_000)
    for phase in range(3):
        watt = (host.energy(phase, "WATT") - start[phase]) * WS_PER_CODE
        var = (host.energy(phase, "FVAR") - t_start[phase]) * WS_PER_CODE
        assert watt == pytest.approx(active[phase], rel=1e-5)
        assert var == pytest.approx(reactive[phase], rel=1e-5)


def test_energy_follows_the_mains_through_changes() -> None:
    """The low pass delays power but keeps its integral: settled before and after, the sums agree.

    Changes at whole periods, where the mean power is what the product of the waves integrates to.
    """
    source = Source(1)
    source.set(u=230, i=5, phi=0, t_ns=0)
    for n, (i, phi) in enumerate([(10, 60), (0.2, 120), (7, -45), (5, 0)]):
        source.set(i=i, phi=phi, t_ns=(3000 + n * 780) * MS)
    host = Host(source)
    host.start(EGY_TIME=3999, ACT_NL_LVL=0, REACT_NL_LVL=0, CONFIG1=NO_SETTLE, EP_CFG=ADD)
    host.run(2)
    before = [host.energy(0, "WATT"), host.energy(0, "FVAR")]
    from_ns = host.chip.now
    host.run(6)
    active, reactive = source.fed(from_ns, host.chip.now)
    assert (host.energy(0, "WATT") - before[0]) * WS_PER_CODE == pytest.approx(active[0], rel=1e-4)
    assert (host.energy(0, "FVAR") - before[1]) * WS_PER_CODE == pytest.approx(reactive[0], rel=1e-4)


def test_register_pair_is_a_45_bit_number_that_wraps() -> None:
    host = Host(full_scale((0, 180, 0)))
    host.start(EGY_TIME=7999, EP_CFG=ADD)
    host.run(2.1)
    user = host.chip.core.dsp.energy.user
    user[0] = (1 << 45) - 1000
    host.run(1)
    high, low = host.read(r.energy_hi(0, "WATT")), host.read(r.energy_hi(0, "WATT") - 1)
    one_second = WATT_FULL_SCALE * 8000
    assert high << 13 | low == pytest.approx(one_second - 1000, abs=20_000)
    assert low < 1 << 13
    assert host.energy(1, "WATT") < 0, "export counts down"


def test_user_register_overflows_after_106_seconds_at_full_scale() -> None:
    """Half of the 45 bits: 2**44 / (20 694 066 * 8000) s."""
    seconds = 2**44 / (WATT_FULL_SCALE * 8000)
    assert seconds == pytest.approx(106.3, abs=0.05)
    host = Host(full_scale())
    host.start(EGY_TIME=7999, CONFIG1=NO_SETTLE, EP_CFG=ADD)
    host.run(2)
    host.chip.core.dsp.energy.user[0] = int(105 * WATT_FULL_SCALE * 8000)
    assert host.energy(0, "WATT") > 0
    host.run(2)
    assert host.energy(0, "WATT") < 0


def test_fractions_are_carried_from_interval_to_interval() -> None:
    """Latch mode over short intervals: HI and LO together add up to the energy without a drift."""
    source = Source(1)
    source.set(u=230, i=0.01, phi=0)
    host = Host(source)
    host.start(EGY_TIME=159, MASK0=1, ACT_NL_LVL=0, CONFIG1=NO_SETTLE, EP_CFG=LATCH)
    host.run(1.5)
    host.write(r.STATUS0, 1)
    total = 0
    for _ in range(100):
        egyrdy_times(host, 1)
        address = r.energy_hi(0, "WATT")
        total += host.read(address) << 13 | host.read(address - 1)
    expected = 2.3 * (2 * 0.06 / 1001 * WATT_FULL_SCALE) * 160 * 100
    assert total == pytest.approx(expected, rel=1e-5)


def test_power_accumulators_hold_the_last_interval() -> None:
    host = Host(full_scale((0, 180, 60)))
    host.start(PWR_TIME=7999, EP_CFG=LATCH)
    host.run(3.2)
    acc = [host.signed(r.energy_hi(p, "WATT") - 2) for p in range(3)]
    second = WATT_FULL_SCALE * 8000 / 8192
    assert acc == [pytest.approx(k * second, rel=1e-6) for k in (1, -1, 0.5)]
    assert host.signed(r.PWATT_ACC_HI) == pytest.approx(1.5 * second, rel=1e-6)
    assert host.signed(r.NWATT_ACC_HI) == pytest.approx(-second, rel=1e-6)
    assert host.signed(r.PVAR_ACC_HI) == pytest.approx(math.sin(math.pi / 3) * second, rel=1e-6)
    assert host.read(r.STATUS0) >> 18 & 1 == 1
    host.write(r.STATUS0, 1 << 18)
    host.run(0.5)
    assert host.read(r.STATUS0) >> 18 & 1 == 0
    host.run(0.5)
    assert host.read(r.STATUS0) >> 18 & 1 == 1


def test_reverse_power_is_flagged_per_phase() -> None:
    source = full_scale((0, 180, 0))
    host = Host(source)
    host.start(PWR_TIME=799, CONFIG1=NO_SETTLE, EP_CFG=LATCH)
    host.run(1)
    assert host.read(r.PHSIGN) & 0b010101 == 0b000100
    host.write(r.STATUS0, 0xFFFFFFFF)
    source.set(phi=(0, 180, 180))
    host.run(1)
    assert host.read(r.PHSIGN) & 0b010101 == 0b010100
    assert host.read(r.STATUS0) & 0b1110 == 0b1000, "REVAPC"
    source.set(phi=(-90, 180, 180))
    host.run(1)
    assert host.read(r.PHSIGN) & 2 == 2
    assert host.read(r.STATUS0) >> 4 & 1 == 1, "REVRPA"


def test_no_load_stops_energy_but_not_the_power_accumulator() -> None:
    """Threshold at full scale / 50 000: ACT_NL_LVL = 26 488; 0.1668 W in the reference design."""
    source = Source(1)
    source.set(u=100, i=(0.0015, 0.0018, 5), phi=0)
    host = Host(source)
    host.start(ACT_NL_LVL=26_488, EGY_TIME=7999, PWR_TIME=7999, EP_CFG=LATCH)
    host.run(3.2)
    assert host.energy(0, "WATT") == 0, "0.15 W"
    assert host.energy(1, "WATT") * WS_PER_CODE == pytest.approx(0.18, rel=0.01)
    assert host.signed(r.energy_hi(0, "WATT") - 2) * WS_PER_CODE == pytest.approx(0.15, rel=0.02)
    flags = host.read(r.PHNOLOAD)
    assert flags & 0x41 == 1, "A in no-load for WATT, B not"
    assert flags >> 12 & 0x3F == 0b010010, "C: the reactive powers only"
    assert host.read(r.EVENT_STATUS) >> 10 & 0x3F == 0, "no kind of power has all phases out of no-load"
    host.write(r.STATUS1, 0xFFFFFFFF)
    source.set(i=(5, 0.0018, 5))
    host.run(1)
    assert host.read(r.STATUS1) & 1 == 1, "ANLOAD: the condition changed"
    assert host.read(r.PHNOLOAD) & 0x41 == 0
    assert host.read(r.EVENT_STATUS) >> 10 & 1 == 1, "all phases out of active no-load"


def test_no_load_detection_can_be_switched_off() -> None:
    source = Source(1)
    source.set(u=100, i=0.0005, phi=0)
    host = Host(source)
    host.start(EGY_TIME=7999, EP_CFG=LATCH | 7 << 13)
    host.run(3.2)
    assert host.energy(0, "WATT") * WS_PER_CODE == pytest.approx(0.05, rel=0.02)
    assert host.read(r.PHNOLOAD) == 0


@pytest.mark.parametrize(("mode", "watt"), [(0, (1, -1)), (1, (1, 1)), (2, (1, 0)), (3, (0, -1))])
def test_accumulation_modes_choose_signs(mode: int, watt: tuple[int, int]) -> None:
    host = Host(full_scale((30, 150, 0)))
    host.start(ACCMODE=mode, EGY_TIME=7999, EP_CFG=LATCH)
    host.run(3.2)
    second = WATT_FULL_SCALE * 8000 / 8192 * math.cos(math.radians(30))
    assert [host.energy(p, "WATT") for p in range(2)] == [pytest.approx(k * second, rel=1e-5, abs=1) for k in watt]
    assert [host.energy(p, "FWATT") for p in range(2)] == [pytest.approx(k * second, rel=1e-5, abs=1) for k in watt]
    assert host.energy(0, "VAR") == pytest.approx(second * math.tan(math.radians(30)), rel=1e-5)


@pytest.mark.parametrize(("mode", "var"), [(0, -1), (1, 1), (2, 0), (3, -1)])
def test_reactive_accumulation_modes_choose_signs(mode: int, var: int) -> None:
    host = Host(full_scale(-90))
    host.start(ACCMODE=mode << 2, EGY_TIME=7999, EP_CFG=LATCH)
    host.run(3.2)
    second = WATT_FULL_SCALE * 8000 / 8192
    assert host.energy(0, "VAR") == pytest.approx(var * second, rel=1e-5, abs=1)
    assert host.energy(0, "FVAR") == pytest.approx(var * second, rel=1e-5, abs=1)


def test_reading_with_reset_loses_energy_as_the_erratum_says() -> None:
    def collected(ep_cfg: int) -> float:
        source = Source(1)
        source.set(u=FULL_SCALE_U, i=FULL_SCALE_I / 2, phi=0)
        host = Host(source)
        host.start(EGY_TIME=3999, ACT_NL_LVL=0, CONFIG1=NO_SETTLE, EP_CFG=ep_cfg)
        host.run(2.0)
        total, last = 0, host.energy(0, "WATT")
        for _ in range(20):
            host.run(0.3)
            value = host.energy(0, "WATT")
            total += value if ep_cfg & 0x20 else value - last
            last = value
        return total / (WATT_FULL_SCALE / 2 * 8000 / 8192)

    assert collected(ADD) == pytest.approx(6.0, abs=0.5)
    assert collected(ADD | 0x20) < 5.0


def test_disabling_var_stops_total_reactive_only() -> None:
    host = Host(full_scale(90))
    host.start(VAR_DIS=1, EGY_TIME=7999, EP_CFG=LATCH)
    host.run(3.2)
    assert (host.energy(0, "VAR"), host.result(0, "VAR")) == (0, 0)
    assert host.energy(0, "FVAR") == pytest.approx(20_209_049, abs=2)


def test_energy_enabled_before_run_starts_with_run() -> None:
    host = Host(full_scale())
    host.write(r.EP_CFG, LATCH)
    began = host.start(EGY_TIME=799, MASK0=1, CONFIG1=NO_SETTLE)
    assert egyrdy_times(host, 2) == [began + 100 * MS, began + 200 * MS]


def test_a_new_interval_length_holds_from_the_next_interval() -> None:
    host = Host(full_scale())
    began = host.start(EGY_TIME=799, MASK0=1, CONFIG1=NO_SETTLE, EP_CFG=LATCH)
    host.run(0.05)
    host.write(r.EGY_TIME, 1599)
    assert egyrdy_times(host, 2) == [began + 100 * MS, began + 300 * MS]
