"""ADE9000 model: what its inputs see in each network, and what its registers make of it."""

from __future__ import annotations

import math

import pytest

from host_tests.ade9000_host import FULL_SCALE_I, FULL_SCALE_U, RMS_FULL_SCALE, WATT_FULL_SCALE, Host
from tools.bench.ade9000 import registers as r
from tools.bench.source import Source

PER_WATT = 2 * 0.06 / 1001 * WATT_FULL_SCALE
ARON = 1 << 7 | 1 << 4  # ACCMODE: ICONSEL, VCONSEL = 1


def settled(network: str, accmode: int = 0, **setting: object) -> Host:
    source = Source(1, network=network)
    source.set(**{"u": 230, "i": 5, "phi": 30} | setting)  # type: ignore[arg-type]
    host = Host(source)
    host.start(ACCMODE=accmode)
    host.run(2)
    return host


def volts(host: Host) -> list[float]:
    return [host.mean(phase, "VRMS") / RMS_FULL_SCALE * FULL_SCALE_U for phase in range(3)]


def amperes(host: Host) -> list[float]:
    return [host.mean(phase, "IRMS") / RMS_FULL_SCALE * FULL_SCALE_I for phase in range(3)]


@pytest.mark.parametrize(("network", "phases"), [("1P2W", 1), ("2P3W", 2), ("3P4W", 3)])
def test_inputs_of_missing_phases_are_at_zero(network: str, phases: int) -> None:
    host = settled(network)
    there = [1] * phases + [0] * (3 - phases)
    assert volts(host) == pytest.approx([230 * x for x in there], rel=1e-5)
    assert amperes(host) == pytest.approx([5 * x for x in there], rel=1e-5)
    total = sum(host.mean(phase, "WATT") for phase in range(3)) / PER_WATT
    assert total == pytest.approx(host.source.truth().p_total, rel=1e-5)
    neutral = host.signed(r.NIRMS) / RMS_FULL_SCALE * FULL_SCALE_I
    assert neutral == pytest.approx(host.source.truth().i0, rel=2e-3, abs=1e-6)


def test_aron_wiring_gives_u12_and_u32_and_nothing_on_b() -> None:
    host = settled("3P3W", u=(230, 215, 240))
    truth = host.source.truth()
    assert volts(host) == pytest.approx([truth.u[0], 0, truth.u[2]], rel=1e-5)
    assert truth.u[0] == pytest.approx(math.sqrt(230**2 + 215**2 + 230 * 215)), "law of cosines at 120 degrees"
    assert amperes(host) == pytest.approx([5, 0, truth.i[2]], rel=1e-5)


def test_aron_selection_derives_b_and_adds_up_to_the_total() -> None:
    """VCONSEL = 1 and ICONSEL = 1: VB' = VA - VC is U13, IB' = -IA - IC is I2; only A + C has a meaning."""
    host = settled("3P3W", ARON, u=(230, 215, 240), i=(5, 0, 3), phi=(20, 0, -50))
    truth = host.source.truth()
    assert volts(host) == pytest.approx(truth.u, rel=1e-5)
    assert amperes(host) == pytest.approx(truth.i, rel=1e-5)
    for name, each, total in (("WATT", truth.p, truth.p_total), ("FVAR", truth.q, truth.q_total)):
        a, c = (host.mean(phase, name) / PER_WATT for phase in (0, 2))
        assert (a, c) == pytest.approx((each[0], each[2]), rel=1e-4)
        assert a + c == pytest.approx(total, rel=1e-5)


def test_aron_voltages_are_60_degrees_apart() -> None:
    """U12 is 30 degrees before U1, U32 lags U3 = U1 + 120 by 30: it leads U12 by 60, that is, lags it by 300."""
    host = settled("3P3W", ARON)
    assert host.read(r.ANGL_VA_VB + 2) == round(20_480 * 300 / 360)
    assert 524_288_000 / (host.read(r.APERIOD) + 1) == pytest.approx(50, abs=1e-3)
