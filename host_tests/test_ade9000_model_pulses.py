"""ADE9000 model: the pulse outputs CF1..CF4."""

from __future__ import annotations

import numpy as np
import pytest

from host_tests.ade9000_host import FULL_SCALE_I, FULL_SCALE_U, WATT_FULL_SCALE, Host, full_scale
from tools.bench.ade9000 import registers as r
from tools.bench.source import Source

SETUP = {"WTHR": 0x100000, "VARTHR": 0x100000, "VATHR": 0x100000, "CONFIG1": 3 << 8}


def edges(host: Host, line_name: str) -> list[tuple[int, int]]:
    record: list[tuple[int, int]] = []
    getattr(host.chip, line_name).listeners.append(lambda line, level, t: record.append((level, t)))
    return record


def frequency(times: list[int]) -> float:
    return (len(times) - 1) / (times[-1] - times[0]) * 1e9


def test_reset_values_of_compmode_give_no_pulses() -> None:
    host = Host(full_scale())
    host.start(WTHR=0x100000, CF1DEN=2, EP_CFG=1)
    host.run(1)
    assert host.chip.cf_counts == [0, 0, 0, 0]


@pytest.mark.parametrize(("phases", "denominator"), [(0b001, 6814), (0b111, 6814), (0b101, 1000)])
def test_frequency_follows_the_formula(phases: int, denominator: int) -> None:
    """CF = 4.096e6 * xWATT / (512 * xTHR * CFxDEN)."""
    host = Host(full_scale())
    host.start(**SETUP, COMPMODE=phases, CF1DEN=denominator, EP_CFG=1)
    host.run(1.5)
    host.chip.cf_pulses[0].clear()
    host.run(2)
    expected = 4.096e6 * WATT_FULL_SCALE * bin(phases).count("1") / (512 * 0x100000 * denominator)
    assert frequency(host.chip.cf_pulses[0]) == pytest.approx(expected, rel=2e-5)


def test_highest_frequency_is_78_9_khz() -> None:
    host = Host(full_scale())
    host.start(**SETUP, COMPMODE=1, CF1DEN=2, EP_CFG=1)
    host.run(1.5)
    host.chip.cf_pulses[0].clear()
    host.run(0.2)
    assert frequency(host.chip.cf_pulses[0]) == pytest.approx(78_900, abs=50)


def test_reset_thresholds_give_38_5_hz() -> None:
    host = Host(full_scale())
    host.start(COMPMODE=1, EP_CFG=1)
    host.run(1.5)
    host.chip.cf_pulses[0].clear()
    host.run(2)
    assert frequency(host.chip.cf_pulses[0]) == pytest.approx(38.5, abs=0.05)


def test_meter_constant_of_10_000_gives_the_pulses_of_the_energy_fed() -> None:
    source = Source(1)
    source.set(u=230, i=5, phi=60)
    host = Host(source)
    setup = SETUP | {"COMPMODE": 0o77, "CFMODE": 4 << 3, "CF1DEN": 6814}
    host.start(**setup, EP_CFG=1)
    host.write(r.CF1DEN + 1, 6814)
    host.run(2)
    before = list(host.chip.cf_counts)
    host.run(60)
    per_ws = 10_000 / 3.6e6 * (1 + 47e-6)
    assert host.chip.cf_counts[0] - before[0] == pytest.approx(1725 * 60 * per_ws, abs=1)
    assert host.chip.cf_counts[1] - before[1] == pytest.approx(source.truth().q_total * 60 * per_ws, abs=1)


def test_pulses_of_a_steady_load_are_evenly_spaced() -> None:
    source = Source(1)
    source.set(u=230, i=5, phi=0)
    host = Host(source)
    host.start(**SETUP, COMPMODE=7, CF1DEN=6814, EP_CFG=1)
    host.run(1.5)
    host.chip.cf_pulses[0].clear()
    host.run(5)
    gaps = np.diff(host.chip.cf_pulses[0])
    assert gaps.std() / gaps.mean() < 1e-3


def test_output_is_low_for_80_ms_below_6_25_hz() -> None:
    source = Source(1)
    source.set(u=230, i=1, phi=0)
    host = Host(source)
    record = edges(host, "cf1")
    host.start(**SETUP, COMPMODE=7, CF1DEN=6814, EP_CFG=1)
    host.run(4)
    assert len(record) >= 10
    for (fall, at), (rise, end) in zip(record[2::2], record[3::2], strict=False):
        assert (fall, rise, end - at) == (0, 1, 80_000_000)


@pytest.mark.parametrize(("denominator", "share"), [(6814, 0.5), (6815, 0.5 * (1 + 1 / 6815)), (3, 0.5 * (1 + 1 / 3))])
def test_output_is_low_for_half_the_period_above(denominator: int, share: float) -> None:
    host = Host(full_scale())
    record = edges(host, "cf1")
    host.start(**SETUP, COMPMODE=7, CF1DEN=denominator, EP_CFG=1)
    host.run(1.5 if denominator > 100 else 1.2)
    period = 1e9 / frequency(host.chip.cf_pulses[0][-9:])
    falls = [t for level, t in record if level == 0][-5:-1]
    rises = [t for level, t in record if level == 1]
    for fall in falls:
        low = min(t for t in rises if t > fall) - fall
        assert low == pytest.approx(share * period, rel=0.003)


def test_fixed_low_time_is_counted_in_sixths_of_the_clock() -> None:
    host = Host(full_scale())
    record = edges(host, "cf1")
    host.start(**SETUP, COMPMODE=1, CF1DEN=6814, CF_LCFG=1 << 19 | 40_960, EP_CFG=1)
    host.run(1.5)
    lows = [end - at for (level, at), (_, end) in zip(record, record[1:], strict=False) if level == 0]
    assert lows and set(lows) == {10_000_000}


def test_export_gives_pulses_too_and_flags_the_sum_s_sign() -> None:
    source = full_scale(180)
    host = Host(source)
    host.start(**SETUP, COMPMODE=7, CF1DEN=6814, EP_CFG=1)
    host.run(1)
    assert host.chip.cf_counts[0] > 10
    assert host.read(r.PHSIGN) >> 6 & 1 == 1
    host.write(r.STATUS0, 0xFFFFFFFF)
    source.set(phi=0)
    host.run(1)
    assert host.read(r.PHSIGN) >> 6 & 1 == 0
    assert host.read(r.STATUS0) >> 7 & 1 == 1, "REVPSUM1"
    assert host.read(r.STATUS0) >> 11 & 1 == 1, "CF1"


def test_reversal_keeps_the_net_energy_in_the_pulse_accumulator() -> None:
    """Import and export in turn: pulses of either sign differ by the net energy to within one."""
    source = full_scale(0)
    for n in range(1, 8):
        source.set(phi=180 * (n % 2), t_ns=50_000_000 + n * 613_000_000)
    host = Host(source)
    host.start(**SETUP, COMPMODE=1, CF1DEN=6814, EGY_TIME=799, EP_CFG=1)
    net, before = 0, 0
    end = host.chip.now + 5_000_000_000
    while host.chip.now < end:
        host.chip.advance(host.chip.next_event() or end)
        count = host.chip.cf_counts[0]
        if count != before:
            net += -1 if host.read(r.PHSIGN) >> 6 & 1 else 1
            before = count
    codes = host.chip.core.dsp.energy.user[0]
    codes = codes - (1 << 45) if codes >> 44 else codes
    dsp = host.chip.core.dsp
    running = dsp.energy.carry[0] + np.asarray(dsp.counted(host.chip.core.samples))[0]
    assert abs(net - (codes + running) / (0x100000 * 6814)) < 1
    assert before > 60


def test_disabled_outputs_are_silent_and_each_output_has_its_quantity() -> None:
    host = Host(full_scale(60))
    select = 0 | 1 << 3 | 2 << 6 | 4 << 9
    host.start(**SETUP, COMPMODE=0o1111, CFMODE=select | 1 << 14, EP_CFG=1)
    for n in range(4):
        host.write(r.CF1DEN + n, 1000)
    host.run(2)
    before = list(host.chip.cf_counts)
    host.run(2)
    full = WATT_FULL_SCALE * 8000 / (0x100000 * 1000) * 2
    counts = [n - b for n, b in zip(host.chip.cf_counts, before, strict=True)]
    assert counts == [pytest.approx(k * full, abs=1.1) for k in (0.5, 0.866025, 0, 0.866025)]
    assert host.chip.cf_counts[2] == 0


def test_a_disabled_converter_goes_on_adding_up() -> None:
    """Data sheet, CFMODE: with CFxDIS no bit is set when a pulse is accumulated; accumulated it is."""
    source = Source(1)
    source.set(u=230, i=5, phi=0)
    host = Host(source)
    host.start(**SETUP, COMPMODE=7, CF1DEN=6814, EP_CFG=1)
    host.run(2)
    before_last, last = host.chip.cf_pulses[0][-2:]
    period = (last - before_last) / 1e9
    host.write(r.CFMODE, 1 << 12)
    host.write(r.STATUS0, 0xFFFFFFFF)
    before = host.chip.cf_counts[0]
    host.run(10.4 * period)
    assert host.chip.cf_counts[0] == before and host.read(r.STATUS0) >> 11 & 1 == 0
    host.write(r.CFMODE, 0)
    host.run(1.2 * period)
    gap = (host.chip.cf_pulses[0][before] - last) / 1e9 / period
    assert gap == pytest.approx(round(gap), abs=1e-3) and gap > 10


def test_no_load_silences_the_pulses() -> None:
    source = Source(1)
    source.set(u=FULL_SCALE_U, i=FULL_SCALE_I / 60_000, phi=0)
    host = Host(source)
    host.start(**SETUP, COMPMODE=7, CF1DEN=2, ACT_NL_LVL=26_488, EP_CFG=1)
    host.run(2)
    assert host.chip.cf_counts[0] == 0
    source.set(i=FULL_SCALE_I / 40_000)
    host.run(2)
    assert host.chip.cf_counts[0] > 3


def test_clearing_the_accumulators_restarts_the_interval() -> None:
    source = Source(1)
    source.set(u=230, i=0.5, phi=0)
    host = Host(source)
    host.start(**SETUP, COMPMODE=7, CF1DEN=6814, EP_CFG=1)
    host.run(3)
    chip = host.chip
    while chip.cf_counts[0] == (counts := chip.cf_counts[0]) and chip.now < 8_000_000_000:
        chip.advance(chip.next_event() or 0)
        if chip.cf_counts[0] != counts:
            break
    period = 3.6e6 / 10_000 / 345.0
    host.run(period * 0.7)
    host.write(r.CONFIG1, 3 << 8 | 1 << 5)
    cleared = chip.now
    assert host.read(r.CONFIG1) == 3 << 8
    host.run(period * 1.1)
    assert (chip.cf_pulses[0][-1] - cleared) / 1e9 == pytest.approx(period, rel=1e-3)
