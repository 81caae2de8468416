"""ADE9000 model: look-ahead, changes in mid-chunk, determinism, events."""

from __future__ import annotations

import random

import numpy as np
import pytest

from host_tests.ade9000_host import MS, Host, full_scale
from tools.bench.ade9000 import registers as r
from tools.bench.ade9000.speed import measure
from tools.bench.source import Source

STREAM = 0x13F0


def stream(host: Host, pages: int, disturb: random.Random | None = None) -> np.ndarray:
    """(16 * pages, 7) samples fetched page by page; `disturb` rewrites a signal register at random moments."""
    host.write(r.WFB_PG_IRQEN, 0xFFFF)
    host.start(WFB_CFG=STREAM, MASK0=1 << 17)
    fetched = []
    for page in range(pages):
        while host.chip.irq0.level:
            host.chip.advance(host.chip.next_event() or 0)
        host.write(r.STATUS0, 1 << 17)
        fetched.append(host.raw(0x800 + 0x80 * (page % 16), 448))
        if disturb and disturb.random() < 0.4:
            host.chip.advance(host.chip.now + disturb.randrange(1_900_000))
            host.write(r.setting(0, r.IGAIN), 0)
    return np.frombuffer(b"".join(fetched), dtype=">i4").reshape(-1, 7).astype(np.int64)


def test_cutting_the_look_ahead_anywhere_leaves_the_signals_as_they_were() -> None:
    def source() -> Source:
        new = Source(1)
        new.set(u=230, i=(5, 2, 1), phi=(10, 20, 30), f=50.7, harmonics={"i": {5: (0.2, 30.0), 0: (0.1, 0.0)}})
        return new

    plain = stream(Host(source()), 400)
    cut = stream(Host(source()), 400, random.Random(5))
    assert abs(plain - cut).max() <= 1


def test_cutting_leaves_energy_and_pulses_as_they_were() -> None:
    def energies(disturb: random.Random | None) -> tuple[list[int], list[int]]:
        source = full_scale((20, 100, 190), f=49.9)
        host = Host(source)
        host.start(COMPMODE=1, CF1DEN=500, WTHR=0x100000, EGY_TIME=799, CONFIG1=3 << 8, EP_CFG=1)
        end = host.chip.now + 3_000 * MS
        while host.chip.now < end:
            step = disturb.randrange(1, 40 * MS) if disturb else 40 * MS
            host.chip.advance(min(end, host.chip.now + step))
            if disturb:
                host.write(r.setting(0, r.IGAIN), 0)
        return list(host.chip.core.dsp.energy.user), list(host.chip.cf_pulses[0])

    plain_energy, plain_pulses = energies(None)
    cut_energy, cut_pulses = energies(random.Random(6))
    assert cut_energy == pytest.approx(plain_energy, rel=1e-11, abs=50)
    assert len(cut_pulses) == len(plain_pulses) > 100
    assert np.abs(np.array(cut_pulses) - np.array(plain_pulses)).max() <= 2


def test_a_source_change_takes_effect_at_its_sample() -> None:
    source = Source(1)
    source.set(u=230, i=5, f=50)
    change = 50 * MS + 30 * MS
    host = Host(source)
    host.write(r.CONFIG0, 1 << 3)
    host.start(WFB_CFG=STREAM)
    host.chip.advance(change - 50_000)
    source.set(u=(0, 230, 230), t_ns=change)
    host.chip.advance(change + 1 * MS)
    data = np.frombuffer(host.raw(0x800, 7168), dtype=">i4").reshape(-1, 7)
    assert (change - 50 * MS) // 125_000 == 240
    assert (data[239:247, 1] == 0).all(), "the sample taken at the moment of the change is the first new one"
    assert (data[230:239, 1] != 0).all()


def test_future_changes_are_known_to_the_look_ahead() -> None:
    def run(ahead: bool) -> np.ndarray:
        source = Source(1)
        source.set(u=230, i=5, f=50)
        changes = [(117_300_000, 48.2), (260_010_000, 51.0), (333_333_333, 50.0)]
        if ahead:
            for t, f in changes:
                source.set(f=f, i=f / 10, t_ns=t)
        host = Host(source)
        host.start(WFB_CFG=STREAM)
        collected = []
        for n in range(400 // 32):
            if not ahead:
                for t, f in changes:
                    if host.chip.now <= t < host.chip.now + 32 * MS:
                        host.chip.advance(t)
                        source.set(f=f, i=f / 10, t_ns=t)
            host.chip.advance(50 * MS + (n + 1) * 32 * MS)
            collected.append(host.raw(0x800, 7168))
        return np.frombuffer(b"".join(collected), dtype=">i4").astype(np.int64)

    assert abs(run(True) - run(False)).max() <= 1


def test_same_seeds_give_the_same_bytes_and_other_seeds_other_noise() -> None:
    def run(seed: int) -> bytes:
        source = Source(seed)
        source.set(u=230, i=5, noise=0.001)
        return stream(Host(source, seed=3), 60).tobytes()

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_next_event_is_never_in_the_past_and_advance_reaches_it() -> None:
    host = Host(full_scale())
    host.write(r.WFB_PG_IRQEN, 0xAAAA)
    host.start(WFB_CFG=STREAM, MASK0=1 << 17 | 1, EGY_TIME=799, COMPMODE=7, CF1DEN=3000, WTHR=0x100000, EP_CFG=1)
    chip, lines = host.chip, ("irq0", "irq1", "cf1", "cf2")
    edges: list[int] = []
    for name in lines:
        getattr(chip, name).listeners.append(lambda line, level, t: edges.append(t))
    chance = random.Random(1)
    while chip.now < 1_500 * MS:
        event = chip.next_event()
        assert event is not None and event > chip.now
        known = len(edges)
        if chance.random() < 0.5:
            chip.advance(event - 1)
            assert len(edges) == known, "nothing moves before the announced event"
        chip.advance(event)
        assert chip.now == event
        assert all(t == event for t in edges[known:]), "edges have the time of the event"
        if not chip.irq0.level and chance.random() < 0.7:
            host.write(r.STATUS0, 1 << 17 | 1)
    assert edges == sorted(edges)
    assert len(edges) > 200


def test_long_steps_give_the_same_edges_as_event_by_event() -> None:
    def run(step: bool) -> list[tuple[str, int, int]]:
        host = Host(full_scale())
        edges: list[tuple[str, int, int]] = []
        for line in (host.chip.irq0, host.chip.cf1):
            line.listeners.append(lambda line, level, t: edges.append((line.name, level, t)))
        host.start(MASK0=1, EGY_TIME=3999, COMPMODE=7, CF1DEN=6814, WTHR=0x100000, EP_CFG=1)
        if step:
            host.run(3)
        else:
            host.chip.advance(host.chip.now + 3_000 * MS)
        return edges

    assert run(True) == run(False)


def test_a_streaming_host_gets_every_page_and_energy() -> None:
    result = measure(5.0)
    assert result["bad_crc"] == 0
    assert result["pages"] == 2500 - 2500 % 2
    assert result["energy_readings"] == 9
    assert result["times_real_time"] > 0
