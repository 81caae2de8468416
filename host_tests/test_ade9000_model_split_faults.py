"""Faults of the chip model behind the split into energies and waveform samples: each spoils one side only."""

from __future__ import annotations

import pytest

from host_tests.ade9000_host import FULL_SCALE_I, FULL_SCALE_U, MS, WATT_FULL_SCALE, Host
from tools.bench.ade9000 import registers as r
from tools.bench.source import Source

POWER_CODE = 230 * 5 / (FULL_SCALE_U * FULL_SCALE_I) * WATT_FULL_SCALE


def host() -> Host:
    source = Source(1)
    source.set(u=230, i=5, phi=60)
    started = Host(source)
    started.write(r.WFB_PG_IRQEN, 0xAAAA)
    started.start(EGY_TIME=3999, EP_CFG=0xE001, WFB_CFG=0x13F0)
    started.run(1.5)
    return started


def energies(chip: Host, phase: int, kind: str, seconds: float = 1.0) -> int:
    before = chip.signed(r.energy_hi(phase, kind))
    chip.run(seconds)
    return chip.signed(r.energy_hi(phase, kind)) - before


def channel(chip: Host, row: int) -> list[int]:
    """The last complete page's codes of one channel."""
    page = chip.chip.read(r.WFB_TRG_STAT) >> 12
    data = chip.raw(r.BUFFER + 128 * page, 448)
    return [int.from_bytes(data[28 * n + 4 * row : 28 * n + 4 * row + 4], "big", signed=True) for n in range(16)]


def test_a_power_gain_changes_energies_but_not_powers_or_samples() -> None:
    chip = host()
    good = {kind: energies(chip, 1, kind) for kind in ("WATT", "FVAR", "VA")}
    chip.chip.faults.power_gain(1, 1.02)
    for kind, energy in good.items():
        chip.run(0.5)
        assert energies(chip, 1, kind) == pytest.approx(1.02 * energy, rel=1e-4)
        assert energies(chip, 0, kind) == pytest.approx(energy, rel=1e-4)
    assert chip.signed(r.result(1, "WATT")) == pytest.approx(POWER_CODE / 2, rel=1e-3)
    assert max(map(abs, channel(chip, 2))) == pytest.approx(max(map(abs, channel(chip, 4))), rel=0.6)
    chip.chip.faults.clear()
    chip.run(0.5)
    assert energies(chip, 1, "WATT") == pytest.approx(good["WATT"], rel=1e-4)


def test_a_page_gain_changes_samples_but_not_energies() -> None:
    chip, twin = host(), host()
    good = energies(chip, 0, "WATT")
    energies(twin, 0, "WATT")
    chip.chip.faults.page_gain = ("IA", 0.5)  # type: ignore[assignment,method-assign]  # see Faults
    for one in (chip, twin):
        one.run(0.1)
    halved, whole = channel(chip, 0), channel(twin, 0)
    assert halved == pytest.approx([code / 2 for code in whole], abs=1)
    assert channel(chip, 1) == channel(twin, 1)
    assert energies(chip, 0, "WATT") == pytest.approx(good, rel=1e-4)
    chip.chip.faults.page_gain("IA", 0)
    chip.run(0.1)
    assert channel(chip, 0) == [0] * 16


def test_samples_taken_before_a_page_gain_stay_as_they_were() -> None:
    chip, twin = host(), host()
    chip.chip.faults.page_gain("IA", 0)
    assert channel(chip, 0) == channel(twin, 0) != [0] * 16


def test_lost_pages_are_not_told_but_filled() -> None:
    chip = host()
    chip.write(r.STATUS0, 1 << 17)
    chip.chip.faults.lose_pages(20)
    page = chip.chip.read(r.WFB_TRG_STAT) >> 12
    chip.run(0.039)
    assert not chip.read(r.STATUS0) & 1 << 17
    assert (chip.chip.read(r.WFB_TRG_STAT) >> 12) - page & 15 in (3, 4)  # 19 or 20 pages on
    chip.run(0.006)
    assert chip.read(r.STATUS0) & 1 << 17


def test_dead_pages_stay_dead_over_a_reset() -> None:
    chip = host()
    chip.chip.faults.dead_pages = True
    chip.write(r.STATUS0, 1 << 17)
    chip.run(0.1)
    assert not chip.read(r.STATUS0) & 1 << 17
    chip.chip.faults.spontaneous_reset()
    chip.chip.advance(chip.chip.now + 50 * MS)
    chip.write(r.WFB_PG_IRQEN, 0xAAAA)
    chip.start(WFB_CFG=0x13F0)
    chip.run(0.1)
    assert not chip.read(r.STATUS0) & 1 << 17
    chip.chip.faults.clear()
    chip.run(0.01)
    assert chip.read(r.STATUS0) & 1 << 17


def test_faults_of_channels_and_phases_that_are_not_there_are_refused() -> None:
    chip = host()
    with pytest.raises(ValueError, match="power_gain"):
        chip.chip.faults.power_gain(3, 1.1)
    with pytest.raises(ValueError, match="page_gain"):
        chip.chip.faults.page_gain("IX", 1.1)
