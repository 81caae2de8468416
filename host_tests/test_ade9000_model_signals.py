"""ADE9000 model: full-scale codes, gains, filters, phase correction, periods and angles against the data sheet."""

from __future__ import annotations

import math

import numpy as np
import pytest

from host_tests.ade9000_host import (
    FULL_SCALE_I,
    FULL_SCALE_U,
    PCF_FULL_SCALE,
    RMS_FULL_SCALE,
    SAMPLE_NS,
    WATT_FULL_SCALE,
    Host,
    full_scale,
)
from tools.bench.ade9000 import ChannelError
from tools.bench.ade9000 import registers as r
from tools.bench.ade9000.filters import passband, phcal_register
from tools.bench.source import Source


def settled(source: Source, seconds: float = 2.0, **registers: int) -> Host:
    host = Host(source)
    host.start(**registers)
    host.run(seconds)
    return host


def samples(host: Host, name: str, phase: int = 0, count: int = 160) -> list[int]:
    values = []
    for _ in range(count):
        host.chip.advance(host.chip.now + SAMPLE_NS)
        values.append(host.result(phase, name))
    return values


def test_full_scale_codes_are_those_of_the_data_sheet() -> None:
    host = settled(full_scale())
    for phase in range(3):
        for name in ("I_PCF", "V_PCF"):
            cycle = np.array(samples(host, name, phase), dtype=float)
            assert math.sqrt(2 * (cycle**2).mean()) == pytest.approx(PCF_FULL_SCALE, rel=1e-6), name
            assert max(abs(cycle)) == pytest.approx(PCF_FULL_SCALE, rel=1.1e-4), "within half a sample of the peak"
        for name in ("IRMS", "VRMS", "IFRMS", "VFRMS", "IRMSONE", "VRMSONE", "IRMS1012", "VRMS1012"):
            assert host.mean(phase, name) == pytest.approx(RMS_FULL_SCALE, rel=2e-6), name
        for name in ("WATT", "VA", "FWATT", "FVA"):
            assert host.mean(phase, name) == pytest.approx(WATT_FULL_SCALE, rel=2e-6), name


def test_reactive_full_scale_is_the_same_and_positive_for_lagging_current() -> None:
    host = settled(full_scale(90))
    assert host.mean(0, "VAR") == pytest.approx(WATT_FULL_SCALE, rel=1e-6)
    assert host.mean(0, "FVAR") == pytest.approx(WATT_FULL_SCALE, rel=1e-6)
    assert abs(host.mean(0, "WATT")) < 2


@pytest.mark.parametrize(("phi", "watt", "var"), [(30, 1, 1), (150, -1, 1), (210, -1, -1), (-30, 1, -1)])
def test_signs_of_the_powers_give_the_quadrant(phi: float, watt: int, var: int) -> None:
    host = settled(full_scale(phi), 1.0)
    assert math.copysign(1, host.result(0, "WATT")) == watt
    assert math.copysign(1, host.result(0, "FVAR")) == var


def test_rms_ripple_is_as_stated_and_watt_ripple_64_db_down() -> None:
    host = settled(full_scale())
    rms = samples(host, "IRMS")
    assert (max(rms) - min(rms)) / 2 / RMS_FULL_SCALE == pytest.approx(0.00064, rel=0.05)
    watt = samples(host, "WATT")
    assert 20 * math.log10((max(watt) - min(watt)) / 2 / WATT_FULL_SCALE) == pytest.approx(-64, abs=0.5)


def test_results_settle_within_the_times_stated() -> None:
    """RMS to 1 % in 0.96 s, power to 1 % in 0.85 s and to 0.1 % in 1.2 s after RUN."""
    host = Host(full_scale())
    host.start()
    assert host.mean(0, "WATT") < 0.1 * WATT_FULL_SCALE
    host.run(0.83)
    assert host.mean(0, "WATT") == pytest.approx(WATT_FULL_SCALE, rel=0.01)
    host.run(0.09)
    assert host.mean(0, "IRMS") == pytest.approx(RMS_FULL_SCALE, rel=0.01)
    host.run(0.24)
    assert host.mean(0, "WATT") == pytest.approx(WATT_FULL_SCALE, rel=0.001)


def test_powers_of_the_reference_design_are_the_analytic_ones() -> None:
    source = Source(1)
    source.set(u=(230, 57.7, 400), i=(5, 0.005, 10), phi=(60, 0, -135), f=49.7)
    host = settled(source)
    truth = source.truth()
    per_watt = 2 * 0.06 / 1001 * WATT_FULL_SCALE
    for phase in range(3):
        # 161 samples of 49.7 Hz leave a little of the double-frequency ripple
        assert host.mean(phase, "WATT", 161) / per_watt == pytest.approx(truth.p[phase], rel=1e-4, abs=1e-3)
        assert host.result(phase, "FVAR") / per_watt == pytest.approx(truth.q[phase], rel=2e-5, abs=1e-3)


def test_small_currents_have_the_codes_of_the_fact_sheet() -> None:
    """5 mA: 22 360 IRMS codes; 5 mA x 57.7 V: 716 WATT codes."""
    source = Source(1)
    source.set(u=57.7, i=0.005, phi=0)
    host = settled(source)
    assert host.mean(0, "IRMS") == pytest.approx(22_360, abs=1)
    assert host.mean(0, "WATT") == pytest.approx(716, abs=1)


def test_total_active_power_includes_harmonics_and_fundamental_does_not() -> None:
    source = full_scale(0, harmonics={"u": {5: (0.1, 0.0)}, "i": {5: (0.4, 0.0)}})
    source.set(i=FULL_SCALE_I / 2)
    host = settled(source)
    assert host.mean(0, "WATT") == pytest.approx(1.04 * WATT_FULL_SCALE / 2, rel=1e-4)
    assert host.mean(0, "FWATT") == pytest.approx(WATT_FULL_SCALE / 2, rel=1e-6)
    assert host.mean(0, "IRMS") == pytest.approx(RMS_FULL_SCALE / 2 * math.sqrt(1.16), rel=1e-4)
    assert host.mean(0, "IFRMS") == pytest.approx(RMS_FULL_SCALE / 2, rel=1e-6)
    assert host.result(0, "ITHD") / 2**27 == pytest.approx(0.4, rel=1e-3)
    assert host.result(0, "VTHD") / 2**27 == pytest.approx(0.1, rel=1e-3)


def test_passband_has_the_flatness_and_the_corner_of_the_data_sheet() -> None:
    """0.1 dB down at 1.344 kHz, 3 dB at 3.2 kHz."""
    loss = -20 * np.log10(passband(np.array([50.0, 1344.0, 3200.0])))
    assert loss == pytest.approx([0, 0.1, 3.0], abs=0.011)
    source = full_scale(0, harmonics={"i": {20: (0.5, 0.0)}})
    host = settled(source)
    level = host.result(0, "ITHD") / 2**27 / 0.5
    assert -0.05 < 20 * math.log10(level) < 0


def test_power_factor_follows_the_sign_of_the_active_power() -> None:
    source = full_scale((60, 0, 180))
    host = settled(source, 2.2)
    assert [host.result(p, "PF") / 2**27 for p in range(3)] == pytest.approx([0.5, 1.0, -1.0], abs=1e-3)


def test_gain_registers_scale_by_their_27_bit_fraction() -> None:
    source = full_scale()
    source.set(i=FULL_SCALE_I / 2)
    half = 1 << 26
    host = Host(source)
    host.write(r.setting(0, r.IGAIN), half)
    host.write(r.setting(1, r.VGAIN), -half)
    host.write(r.setting(2, r.PGAIN), half // 2)
    host.write(r.NIGAIN, half)
    host.source.set(neutral=1.0)
    host.start()
    host.run(2)
    assert host.mean(0, "IRMS") == pytest.approx(0.75 * RMS_FULL_SCALE, rel=1e-5)
    assert host.mean(0, "WATT") == pytest.approx(0.75 * WATT_FULL_SCALE, rel=1e-5)
    assert host.mean(1, "VRMS") == pytest.approx(0.5 * RMS_FULL_SCALE, rel=1e-5)
    assert host.mean(1, "FVA") == pytest.approx(0.25 * WATT_FULL_SCALE, rel=1e-5)
    assert host.mean(2, "WATT") == pytest.approx(0.625 * WATT_FULL_SCALE, rel=1e-5)
    assert host.mean(2, "IRMS") == pytest.approx(0.5 * RMS_FULL_SCALE, rel=1e-5)
    assert host.signed(r.NIRMS) == pytest.approx(1.5 * RMS_FULL_SCALE / FULL_SCALE_I, rel=2e-3)


def test_offset_registers_add_in_the_units_stated() -> None:
    host = Host()
    host.write(r.setting(0, r.WATTOS), 5000)
    host.write(r.setting(1, r.VAROS), -300)
    host.write(r.setting(2, r.FVAROS), 77)
    host.write(r.setting(0, r.IRMSOS), 200)
    host.write(r.setting(1, r.IFRMSOS), 50)
    host.start()
    host.run(1)
    assert host.result(0, "WATT") == 5000
    assert (host.result(1, "VAR"), host.result(2, "FVAR")) == (-300, 77)
    assert host.result(0, "IRMS") == round(math.sqrt(200 * 2**15))
    assert host.result(1, "IFRMS") == round(math.sqrt(50 * 2**15))


@pytest.mark.parametrize(("degrees", "code"), [(-0.1, -2_918_560), (0.1, 3_051_152), (2.25, 2**27)])
def test_phase_correction_codes_match_the_check_values(degrees: float, code: int) -> None:
    assert phcal_register(degrees) == pytest.approx(code, abs=1)


@pytest.mark.parametrize("degrees", [-10.0, -0.1, 0.1, 1.5, 2.25])
def test_phase_correction_removes_a_lag_of_the_current(degrees: float) -> None:
    host = Host(full_scale(degrees))
    for phase in range(3):
        host.write(r.setting(phase, r.PHCAL0), phcal_register(degrees))
    host.start()
    host.run(2)
    assert host.mean(0, "WATT") == pytest.approx(WATT_FULL_SCALE, rel=1e-6)
    assert abs(host.result(1, "FVAR")) < 1e-6 * WATT_FULL_SCALE
    host.write(r.setting(0, r.PHCAL0), 0)
    host.run(1.5)
    shifted = WATT_FULL_SCALE * math.cos(math.radians(degrees))
    assert host.mean(0, "WATT") == pytest.approx(shifted, rel=1e-6)


def test_channel_errors_change_what_is_measured() -> None:
    source = full_scale(60)
    errors = {"IA": ChannelError(gain=0.01), "VB": ChannelError(phase=1.0), "IC": ChannelError(noise=0.1)}
    host = Host(source, errors=errors)
    host.start()
    host.run(2)
    assert host.mean(0, "WATT") == pytest.approx(1.01 * WATT_FULL_SCALE / 2, rel=1e-5)
    assert host.mean(1, "WATT") == pytest.approx(WATT_FULL_SCALE * math.cos(math.radians(59)), rel=1e-5)
    noisy = RMS_FULL_SCALE * math.sqrt(1 + 0.1**2 * 2)
    assert host.mean(2, "IRMS", 16_000) == pytest.approx(noisy, rel=0.003)  # standard error 0.0008


def test_dc_decays_with_the_high_pass_corner_and_stays_without_it() -> None:
    source = Source(1)
    source.set(u=100, i=1, harmonics={"i": {0: (1.0, 0.0)}})
    first = Host(source)
    first.start()
    first.run(0.59)
    mean = sum(samples(first, "I_PCF")) / 160
    level = PCF_FULL_SCALE / FULL_SCALE_I / math.sqrt(2)
    assert mean == pytest.approx(0.01 * level, rel=0.15), "0.59 s to 1 % of a DC step"
    second = Host(source)
    second.start(CONFIG0=1 << 3)
    second.run(0.59)
    assert sum(samples(second, "I_PCF")) / 160 == pytest.approx(level, rel=1e-3)


def test_high_pass_corner_is_selectable() -> None:
    source = full_scale()
    host = settled(source, CONFIG2=0x0000)
    assert host.mean(0, "IRMS") == pytest.approx(RMS_FULL_SCALE / math.hypot(1, 77.39 / 50), rel=0.05)


@pytest.mark.parametrize(
    ("f", "register"), [(50.0, 10_485_759), (60.0, 8_738_132), (47.5, 11_037_641), (65, 8_065_968)]
)
def test_period_follows_the_formula(f: float, register: int) -> None:
    """t = (reg + 1) / (8000 * 2**16) s."""
    host = settled(full_scale(0, f=f), 0.1)
    assert host.read(r.APERIOD) == pytest.approx(register, abs=1)
    assert 524_288_000 / (host.read(r.COM_PERIOD) + 1) == pytest.approx(f, abs=0.001)


def test_period_is_forced_outside_40_to_70_hz_and_without_a_voltage() -> None:
    source = full_scale(0, f=39.0)
    host = settled(source, 0.1)
    assert [host.read(r.APERIOD + n) for n in range(4)] == [0x00A00000] * 4
    source.set(f=71.0)
    host.write(r.ACCMODE, 1 << 8)
    host.run(0.1)
    assert host.read(r.COM_PERIOD) == 0x00855555
    source.set(f=51.0, u=(230, 0, 230))
    host.run(0.5)
    assert [round(524_288_000 / (host.read(r.APERIOD + n) + 1), 2) for n in range(4)] == [51.0, 60.0, 51.0, 51.0]


def test_crystal_error_goes_into_the_measured_frequency_and_the_sample_rate() -> None:
    host = Host(full_scale(), clock_ppm=30)
    began = host.start(MASK0=1 << 15)
    assert 524_288_000 / (host.read(r.COM_PERIOD) + 1) == pytest.approx(50 * (1 - 30e-6), abs=2e-5)
    host.run(1)
    host.read(r.STATUS0)
    assert host.chip.core.samples == 8000
    assert host.chip.core.dsp.time_of(8_000_000) - began == pytest.approx(1e12 / (1 + 30e-6), abs=1000)


@pytest.mark.parametrize(("f", "selfreq", "count"), [(50.0, 0, 6827), (60.0, 1 << 8, 5689)])
def test_angle_between_voltages_counts_a_1024_khz_clock(f: float, selfreq: int, count: int) -> None:
    host = settled(full_scale((30, 0, -90), f=f), 0.1, ACCMODE=selfreq)
    angles = [host.read(r.ANGL_VA_VB + n) for n in range(9)]
    turn = 1_024_000 / f
    assert angles[0:3] == [count, count, round(turn * 2 / 3)]
    assert angles[3:6] == [round(turn * 30 / 360), 0, round(turn * 270 / 360)]
    assert angles[6] == round(turn * 90 / 360), "IA lags VA by 30, IB lags VA by 120 degrees"


def test_angles_freeze_below_the_zero_crossing_threshold() -> None:
    source = full_scale((30, 30, 30))
    host = settled(source, 0.1)
    before = host.read(r.ANGL_VA_VB + 3)
    source.set(i=0, phi=0)
    host.run(0.5)
    assert host.read(r.ANGL_VA_VB + 3) == before == round(20480 * 30 / 360)


def test_reversed_sequence_turns_the_voltage_angles() -> None:
    host = settled(full_scale(sequence="reversed"), 0.1)
    assert host.read(r.ANGL_VA_VB) == 13653


def test_redirection_swaps_miswired_channels() -> None:
    source = Source(1)
    source.set(u=(100, 200, 300), i=(1, 2, 3))
    # IA <- IB input, IB <- IA input, others own: fields IA IB IC IN VA VB VC, 3 bits each, 7 = own
    host = settled(source, ADC_REDIRECT=0x1FFFC0 | 1 | 0 << 3)
    per_ampere = RMS_FULL_SCALE / FULL_SCALE_I
    assert [round(host.mean(p, "IRMS") / per_ampere, 3) for p in range(3)] == [2.0, 1.0, 3.0]


def test_programmable_gain_codes_are_1_2_4_4() -> None:
    source = Source(1)
    source.set(u=100, i=(1, 1, 1), neutral=1.0)
    host = settled(source, PGA_GAIN=0b11_10_01_00)
    per_ampere = RMS_FULL_SCALE / FULL_SCALE_I
    assert [round(host.mean(p, "IRMS") / per_ampere, 3) for p in range(3)] == [1.0, 2.0, 4.0]
    assert host.signed(r.NIRMS) / per_ampere == pytest.approx(4.0, rel=1e-3)


def test_disabled_channels_read_zero() -> None:
    host = settled(full_scale(), CHNL_DIS=1 << 1 | 1 << 4)
    assert (host.result(1, "IRMS"), host.result(0, "VRMS")) == (0, 0)
    assert host.result(0, "IRMS") > 0


def test_peaks_are_held_until_read_and_name_their_phase() -> None:
    source = Source(1)
    source.set(u=(100, 300, 200), i=(1, 2, 5))
    host = settled(source, 0.5, CONFIG3=0xF000 | 7 << 2)
    per_volt = PCF_FULL_SCALE / FULL_SCALE_U
    peak = host.read(r.VPEAK)
    assert peak >> 24 == 0b010
    assert 300 < (peak & 0xFFFFFF) * 32 / per_volt < 310, "the high pass starts with a little offset"
    assert host.read(r.VPEAK) & 0xFFFFFF == 0
    host.run(0.1)
    assert (host.read(r.VPEAK) & 0xFFFFFF) * 32 / per_volt == pytest.approx(300, rel=0.001)
    assert host.read(r.IPEAK) >> 24 == 0b100
    host.write(r.CONFIG3, 0xF000 | 1 << 2)
    host.run(0.1)
    assert (host.read(r.VPEAK) & 0xFFFFFF) * 32 / per_volt == pytest.approx(100, rel=0.001)


def test_sum_of_currents_can_be_compared_with_the_neutral() -> None:
    source = Source(1)
    source.set(i=(5, 0, 0))
    host = settled(source)
    per_ampere = RMS_FULL_SCALE / FULL_SCALE_I
    assert host.signed(r.ISUMRMS) / per_ampere == pytest.approx(5.0, rel=1e-3)
    host.write(r.CONFIG0, 2)
    host.run(1.5)
    assert host.signed(r.ISUMRMS) / per_ampere == pytest.approx(0.0, abs=1e-3)
    host.write(r.CONFIG0, 1)
    host.run(1.5)
    assert host.signed(r.ISUMRMS) / per_ampere == pytest.approx(10.0, rel=1e-3)


def test_nominal_voltage_replaces_the_measured_one_in_va() -> None:
    source = Source(1)
    source.set(u=0, i=FULL_SCALE_I)
    host = settled(source, VNOM=RMS_FULL_SCALE // 2, CONFIG0=1 << 8)
    assert host.mean(0, "VA") == pytest.approx(WATT_FULL_SCALE / 2, rel=1e-4)
    assert host.mean(1, "VA") == 0


def test_overload_saturates_at_the_converter_s_code_range() -> None:
    source = Source(1)
    source.set(u=FULL_SCALE_U * 3)
    host = settled(source, 0.5, CONFIG0=1 << 3)
    assert max(samples(host, "V_PCF")) == 2**27 - 1
