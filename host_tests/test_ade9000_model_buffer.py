"""ADE9000 model: the waveform buffer: layout, pages, bursts, capture control."""

from __future__ import annotations

import math

import numpy as np
import pytest

from host_tests.ade9000_host import FULL_SCALE_I, FULL_SCALE_U, MS, PCF_FULL_SCALE, SAMPLE_NS, Host, full_scale
from tools.bench.ade9000 import registers as r
from tools.bench.ade9000.spi import crc16
from tools.bench.source import Source

STREAM = 0x13F0
PAGE_FULL = 1 << 17


def words(data: bytes, columns: int) -> np.ndarray:
    return np.frombuffer(data, dtype=">i4").reshape(-1, columns).astype(np.int64)


def unbalanced() -> Source:
    source = Source(1)
    source.set(u=(230, 100, 50), i=(5, 2, 1), phi=(30, 200, -70), f=50.3)
    return source


def test_a_page_of_seven_channels_is_448_bytes_without_the_spare_cells() -> None:
    host = Host(unbalanced())
    host.start(WFB_CFG=STREAM)
    host.run(2.5)
    page = host.read(r.WFB_TRG_STAT) >> 12
    burst = words(host.raw(0x800 + 0x80 * page, 448), 7)
    host.write(r.WFB_CFG, STREAM | 0xF)
    for sample in (0, 5, 15):
        for cell in range(8):
            value = host.signed(0x800 + 0x80 * page + 8 * sample + cell)
            assert value == (burst[sample, cell] if cell < 7 else 0)


def test_channels_are_the_analytic_waves_in_the_order_ia_va_ib_vb_ic_vc_in() -> None:
    source = unbalanced()
    host = Host(source)
    began = host.start(WFB_CFG=STREAM)
    host.run(3.0)
    page = host.read(r.WFB_TRG_STAT) >> 12
    sets = words(host.raw(0x800 + 0x80 * page, 448), 7)
    last = host.chip.core.samples // 16 * 16
    t = began + (np.arange(last - 16, last) + 1) * SAMPLE_NS
    segment = source.segment(0)
    angle = 2 * np.pi * np.array([segment.cycles(float(x)) for x in t])
    hpf = 1 - 2 * math.pi * 1.25 / 8000
    omega = 2 * math.pi * 50.3 / 8000
    lead = (1 - np.exp(-1j * omega)) / (1 - hpf * np.exp(-1j * omega)) / 1.000178
    per_unit = {0: PCF_FULL_SCALE * 0.06, 1: PCF_FULL_SCALE / 1001}
    for column, row in enumerate((3, 0, 4, 1, 5, 2, 6)):
        scale = per_unit[0 if row >= 3 else 1]
        wave = (segment.phasors[row, 0] * lead * np.exp(1j * angle)).imag * scale
        assert sets[:, column] == pytest.approx(wave, abs=2e-6 * scale * 500), column


def test_pages_fill_every_two_milliseconds_and_interrupt_if_enabled() -> None:
    host = Host(full_scale())
    host.write(r.WFB_PG_IRQEN, 0xAAAA)
    began = host.start(WFB_CFG=STREAM, MASK0=PAGE_FULL)
    falls: list[tuple[int, int]] = []
    host.chip.irq0.listeners.append(lambda line, level, t: None if level else falls.append((t, 0)))
    pages: list[int] = []
    while len(pages) < 20:
        host.chip.advance(host.chip.next_event() or 0)
        if not host.chip.irq0.level:
            host.write(r.STATUS0, PAGE_FULL)
            pages.append(host.read(r.WFB_TRG_STAT) >> 12)
    assert [t for t, _ in falls] == [began + n * 4 * MS for n in range(1, 21)]
    assert pages == [(2 * n + 1) % 16 for n in range(20)]


def test_pages_not_enabled_do_not_set_page_full() -> None:
    host = Host(full_scale())
    host.start(WFB_CFG=STREAM, WFB_PG_IRQEN=1 << 9)
    host.run(0.019)
    assert host.read(r.STATUS0) & PAGE_FULL == 0
    host.run(0.002)
    assert host.read(r.STATUS0) & PAGE_FULL == PAGE_FULL
    host.write(r.STATUS0, PAGE_FULL)
    host.run(0.0305)
    assert host.read(r.STATUS0) & PAGE_FULL == 0
    host.run(0.001)
    assert host.read(r.STATUS0) & PAGE_FULL == PAGE_FULL


def test_unacknowledged_pages_are_overwritten_after_32_ms() -> None:
    host = Host(unbalanced())
    host.start(WFB_CFG=STREAM)
    host.run(0.1)
    first = host.raw(0x800, 448)
    host.chip.advance(host.chip.now + 32 * MS)
    assert host.raw(0x800, 448) != first


def test_continuous_streaming_has_no_gap_and_no_repetition() -> None:
    """Every sample of 3 s of a noisy mains, fetched page by page, against the chip's own PCF registers."""
    source = unbalanced()
    source.set(noise=0.05)
    host = Host(source)
    began = host.start(WFB_CFG=STREAM)
    host.write(r.WFB_PG_IRQEN, 0xFFFF)
    host.write(r.MASK0, PAGE_FULL)
    seen: dict[int, int] = {}
    fetched: list[np.ndarray] = []
    for page in range(100):
        while host.chip.irq0.level:
            host.chip.advance(host.chip.next_event() or 0)
        host.write(r.STATUS0, PAGE_FULL)
        fetched.append(words(host.raw(0x800 + 0x80 * (page % 16), 448), 7))
        count = (host.chip.now - began) // SAMPLE_NS
        seen[count] = host.signed(r.result(0, "I_PCF"))
    stream = np.concatenate(fetched)
    assert stream.shape == (1600, 7)
    assert len(np.unique(stream[:, 1])) > 1590, "noise makes every sample different"
    for count, value in seen.items():
        assert stream[count - 1, 0] == value


def test_crc_spi_covers_all_bytes_of_a_page_burst() -> None:
    host = Host(unbalanced())
    host.start(WFB_CFG=STREAM)
    host.run(0.5)
    data = host.raw(0x880, 896)
    assert host.read(r.CRC_SPI) == crc16(data)


def test_a_burst_in_pieces_and_past_the_end_wraps_to_the_first_set() -> None:
    host = Host(unbalanced())
    host.start(WFB_CFG=STREAM)
    host.run(0.5)
    header = (0xF80 << 4 | 8).to_bytes(2, "big")
    whole = host.spi(header, 900)
    assert host.spi(header, 1, 447, 3, 449) == whole
    assert whole[448:896] == host.raw(0x800, 448)


def test_low_address_bits_are_ignored_so_a_burst_starts_at_ia() -> None:
    host = Host(unbalanced())
    host.start(WFB_CFG=STREAM)
    host.run(0.5)
    assert host.raw(0x885, 64) == host.raw(0x880, 64)


@pytest.mark.parametrize(
    ("channels", "columns"),
    [(1, [0, 1]), (2, [2, 3]), (3, [4, 5])] + [(8 + n, [n]) for n in range(7)],
)
def test_burst_channels_select_words_of_each_set(channels: int, columns: list[int]) -> None:
    host = Host(unbalanced())
    host.start(WFB_CFG=STREAM)
    host.run(0.5)
    everything = words(host.raw(0x800, 448), 7)
    host.write(r.WFB_CFG, STREAM | channels)
    chosen = words(host.raw(0x800, 64 * len(columns)), len(columns))
    assert (chosen == everything[:, columns]).all()


def test_without_neutral_a_set_is_six_words() -> None:
    host = Host(unbalanced())
    host.start(WFB_CFG=0x03F0)
    host.run(0.5)
    six = words(host.raw(0x800, 384), 6)
    host.write(r.WFB_CFG, 0x13F0)
    seven = words(host.raw(0x800, 448), 7)
    assert (seven[:, :6] == six).all() and (seven[:, 6] == 0).all()


def test_single_address_reads_are_followed_by_their_crc() -> None:
    host = Host(unbalanced())
    host.start(WFB_CFG=STREAM | 0xF)
    host.run(0.5)
    answer = host.raw(0x803, 6)
    assert crc16(answer[:4]) == int.from_bytes(answer[4:], "big")
    host.write(r.CONFIG1, 1 << 11)
    answer = host.raw(0x803, 8)
    assert answer[:4] == answer[4:]


def test_lpf_source_shows_24_bit_codes_before_gain_and_high_pass() -> None:
    source = Source(1)
    source.set(u=FULL_SCALE_U, i=FULL_SCALE_I / 2, phi=0, harmonics={"i": {0: (0.1, 0.0)}})
    host = Host(source)
    host.write(r.setting(0, r.IGAIN), 1 << 26)
    host.start(WFB_CFG=0x12F0)
    host.run(1.024)
    data = words(host.raw(0x800, 7168), 7)[:160]
    assert (data & 15 == 0).all()
    assert abs(data[:, 1]).max() == pytest.approx(74_520_000, rel=1e-4)
    level = 74_518_700 / math.sqrt(2) / 2
    assert data[:, 0].mean() == pytest.approx(0.1 * level, rel=0.01), "DC is not removed"
    assert data[:, 0].std() == pytest.approx(level, rel=0.001), "AIGAIN does not act"


def test_disabling_capture_forgets_the_last_page_and_enabling_starts_at_0x800() -> None:
    host = Host(unbalanced())
    host.start(WFB_CFG=STREAM)
    host.run(0.0235)
    assert host.read(r.WFB_TRG_STAT) >> 12 == 10
    kept = host.raw(0x800, 448)
    host.write(r.WFB_CFG, STREAM & ~0x10)
    assert host.read(r.WFB_TRG_STAT) == 0
    host.run(0.1)
    assert host.raw(0x800, 448) == kept
    host.write(r.WFB_CFG, STREAM)
    host.run(0.0021)
    assert host.read(r.WFB_TRG_STAT) >> 12 == 0
    assert host.raw(0x800, 448) != kept
    host.run(0.002)
    assert host.read(r.WFB_TRG_STAT) >> 12 == 1


def test_buffer_survives_a_reset_but_not_the_loss_of_supply() -> None:
    host = Host(unbalanced())
    host.start(WFB_CFG=STREAM)
    host.run(0.5)
    host.write(r.WFB_CFG, STREAM & ~0x10)
    kept = host.raw(0x800, 448)
    host.write(r.CONFIG1, 1)
    host.run(0.001)
    host.write(r.WFB_CFG, STREAM & ~0x10)
    assert host.raw(0x800, 448) == kept
    host.chip.power(False, host.chip.now)
    host.chip.power(True, host.chip.now)
    host.run(0.05)
    host.write(r.WFB_CFG, STREAM & ~0x10)
    assert host.raw(0x800, 448) == bytes(448)


def test_nothing_is_captured_while_the_dsp_stands() -> None:
    host = Host(unbalanced())
    host.write(r.WFB_CFG, STREAM)
    host.run(0.1)
    assert host.raw(0x800, 448) == bytes(448)
    host.write(r.RUN, 1)
    host.run(0.1)
    assert host.raw(0x800, 448) != bytes(448)


def test_stop_when_full_keeps_the_first_32_ms() -> None:
    host = Host(unbalanced())
    host.start(WFB_CFG=0x1330, WFB_PG_IRQEN=0x8000)
    host.run(0.040)
    assert host.read(r.WFB_TRG_STAT) >> 12 == 15
    assert host.read(r.STATUS0) & PAGE_FULL
    full = host.raw(0x800, 7168)
    host.run(0.1)
    assert host.raw(0x800, 7168) == full


def test_forced_trigger_is_noted_and_stops_or_centres_by_mode() -> None:
    for mode, later in ((1, 0), (2, 16 * MS), (3, None)):
        host = Host(unbalanced())
        host.start(WFB_CFG=0x1330 | mode << 6)
        host.run(0.010)
        host.write(r.WFB_TRG_CFG, 1 << 10)
        assert host.read(r.WFB_TRG_STAT) & 0x7FF == 80 * 8
        assert host.read(r.STATUS0) >> 22 & 1 == 1, "WFB_TRIG"
        if later is None:
            assert host.read(r.STATUS0) >> 16 & 1 == 0
            continue
        host.run(later / 1e9 + 1e-6)
        assert host.read(r.STATUS0) >> 16 & 1 == 1, "WFB_TRIG_IRQ: filling has stopped"
        stopped = host.raw(0x800, 7168)
        host.run(0.05)
        assert host.raw(0x800, 7168) == stopped
