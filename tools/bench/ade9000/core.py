"""What runs inside the chip once it is out of reset: DSP events, status, pulse outputs, in the order of their times."""

from __future__ import annotations

import random

from tools.bench.ade9000 import registers as r
from tools.bench.ade9000 import status as st
from tools.bench.ade9000.analog import Analog
from tools.bench.ade9000.configuration import ConfigurationCrc
from tools.bench.ade9000.dsp import Dsp
from tools.bench.ade9000.outputs import PulseOutputs
from tools.bench.ade9000.results import THD_SAMPLES, Results
from tools.bench.ade9000.thermometer import NEVER, Thermometer
from tools.bench.ade9000.waveform import PAGE_SETS, WaveformBuffer
from tools.bench.ade9000.zero_crossing import half_cycle_samples
from tools.bench.line import Line
from tools.bench.source import Source


class Core:
    """`now` is the bench time reached, `samples` the sample count belonging to it, `due` the time of the next event.

    `fire` must be called at exactly `due` and `schedule` after anything that may move it. `ready`: out of reset.
    """

    def __init__(self, source: Source, analog: Analog, seed: int, name: str) -> None:
        chance = random.Random(seed)
        self.now = 0
        self.samples = 0
        self.due = NEVER
        self.missed_egyrdy = 0
        self.registers: dict[int, int] = dict(r.RESET_VALUES)
        self.thermometer = Thermometer(self.registers, chance.randrange(-8, 9), chance.randrange(-40, 41))
        self.crc = ConfigurationCrc(self.registers, chance.getrandbits(32))
        self.dsp = Dsp(self.registers, source, analog, seed)
        self.dsp.before_commit = self._before_commit
        self.results = Results(self.dsp, lambda: self.samples)
        self.buffer = WaveformBuffer(self.dsp)
        self.pulses = PulseOutputs(name)
        self.status = st.Status(Line(f"{name}.irq0"), Line(f"{name}.irq1"), self._grid)
        self._next_energy = self._next_slow = NEVER
        self._event = 0
        self.ready, self._ready_at = False, NEVER
        source.listeners.append(self._source_changed)

    def reset(self, ready_at: int) -> None:
        """Everything to its reset value, except the waveform memory; `ready` again at bench time `ready_at`."""
        self.dsp.halt(self.now)
        self.registers.clear()
        self.registers.update(r.RESET_VALUES)
        self.thermometer.reset()
        self.crc.reset()
        self.dsp.reset(self.now)
        self.results.clear()
        self.buffer.reset()
        self.status.reset()
        self.pulses.release(self.now)
        self.status.release(self.now)
        self.samples = self._event = 0
        self._next_energy = self._next_slow = NEVER
        self.ready, self._ready_at = False, ready_at
        self.schedule()

    def look(self) -> None:
        """Bring `samples` up to `now`, before a register access."""
        self.samples = self.dsp.index(self.now)

    # -- control ------------------------------------------------------------------------------------------------

    def run(self, on: bool) -> None:
        """RUN: 0 -> 1 clears the results and starts the sample clock, 1 -> 0 stops it."""
        if on == bool(self.registers.get(r.RUN, 0)):
            return
        self.registers[r.RUN] = int(on)
        if not on:
            self.buffer.halt(self.samples)
            self.dsp.halt(self.now)
            return
        self.dsp.start(self.now)
        self.results.clear()
        self.samples = self._event = 0
        self.status.seen = dict.fromkeys(st.PERIODIC, 0)
        self._next_slow, self._next_energy = THD_SAMPLES, NEVER
        self.buffer.begin(0, True)
        if self.registers.get(r.EP_CFG, 0) & 1:
            self.enable_energy(True)

    def cut(self) -> None:
        """Settings change now: nothing beyond the present sample count stands."""
        self.dsp.cut(self.samples)
        self.dsp.changed()

    def enable_energy(self, on: bool) -> None:
        """EGY_PWR_EN; call `cut` before."""
        if not on:
            self.dsp.energy_origin, self._next_energy = None, NEVER
        elif self.registers.get(r.RUN, 0):
            origin = self.dsp.enable_energy(self.samples)
            self.status.seen[st.PWRRDY] = origin
            self._next_energy = origin + (self.registers[r.EGY_TIME] & 0x1FFF) + 1

    def freeze(self, frozen: bool) -> None:
        """Stop or restart the sample clock behind the host's back."""
        if not self.registers.get(r.RUN, 0):
            return
        if frozen:
            self.look()
            self.dsp.halt(self.now)
        else:
            self.dsp.resume(self.now)
        self.schedule()

    def coast(self, duration_ns: int) -> None:
        """Stand still for `duration_ns` from now, and then go on as if the energies had flowed meanwhile as they did in
        the last interval. There are no samples, pages and pulses of that time."""
        if not self.dsp.running:
            return
        self.look()
        interval_fs = ((self.registers[r.EGY_TIME] & 0x1FFF) + 1) * self.dsp.period_fs
        if self.dsp.energy_origin is not None:
            self.dsp.energy.repeat(duration_ns * 1_000_000 / interval_fs)
        sampled_ns = self.dsp.time_of(self.samples)
        self.dsp.halt(self.now)
        self.dsp.resume(sampled_ns + duration_ns)  # in whole periods of the mains there is no jump in the samples
        self.status.bits[0] |= st.EGYRDY | st.PAGE_FULL
        self.schedule()

    def longest_coast_ns(self) -> int:
        """Until the fastest energy register has gone through nine tenths of half its upper half's turn."""
        interval_ns = ((self.registers[r.EGY_TIME] & 0x1FFF) + 1) * self.dsp.period_fs // 1_000_000
        return int(0.9 * (1 << 31) * interval_ns / max(1, self.dsp.energy.fastest))

    def set_channel_gain(self, row: int, factor: float) -> None:
        """The analog gain of a channel is `factor` times its own from now on."""
        self.look()
        self.dsp.channel_gains[row] = factor
        self.cut()
        self.schedule()

    def set_energy_gain(self, phase: int, factor: float) -> None:
        """What is added up of a phase's powers is `factor` times what xWATT and the others show."""
        self.look()
        self.dsp.energy_gains[phase] = factor
        self.cut()
        self.schedule()

    def set_page_gain(self, row: int, factor: float) -> None:
        """A channel goes into the waveform buffer `factor` times what it is. What is there stays."""
        self.look()
        self.cut()
        self.dsp.page_gains[row] = factor
        self.schedule()

    def silence_pages(self, pages: int) -> None:
        """PAGE_FULL stays as it is until so many pages more are full."""
        self.look()
        self.buffer.silent_until = self.samples + pages * PAGE_SETS
        self.schedule()

    # -- events -------------------------------------------------------------------------------------------------

    def schedule(self) -> None:
        """Work out `due`."""
        dsp, status, buffer = self.dsp, self.status, self.buffer
        due = self._ready_at
        if self.thermometer.ready_at < due:
            due = self.thermometer.ready_at
        if self.crc.due < due:
            due = self.crc.due
        if dsp.running:
            chunk = dsp.chunk or dsp.ensure()
            count = chunk.base + chunk.count
            if self._next_energy < count:
                count = self._next_energy
            if self._next_slow < count:
                count = self._next_slow
            if self._event < len(chunk.events) and chunk.events[self._event].at < count:
                count = chunk.events[self._event].at
            if buffer.irq_at is not None and buffer.irq_at < count:
                count = buffer.irq_at
            if not status.bits[0] & st.PAGE_FULL and buffer.pages:
                page = buffer.next_full(self.samples)
                if page is not None and page < count:
                    count = page
            if status.masks[0] & st.PERIODIC_BITS:
                periodic = status.next_periodic(self.samples)
                if periodic is not None:
                    count = min(count, periodic)
            at = dsp.time_of(count)
            if at < due:
                due = at
        edge = self.pulses.next_edge(dsp)
        self.due = edge if edge < due else due

    def fire(self) -> None:
        """Do all that is due at `now`."""
        now, status, dsp = self.now, self.status, self.dsp
        if now >= self._ready_at:
            self.ready, self._ready_at = True, NEVER
            status.raise_bits(1, st.RSTDONE)
        if now >= self.thermometer.ready_at:
            self.thermometer.finish()
            status.raise_bits(0, st.TEMP_RDY)
        if now >= self.crc.due:
            status.raise_bits(1, self.crc.finish())
        if dsp.running:
            self._fire_samples(dsp.index(now))
        for number, sign in self.pulses.drive(dsp, now):
            self._pulsed(number, sign)
        status.drive(now)
        if dsp.running and dsp.chunk and self.samples >= dsp.chunk.base + dsp.chunk.count:
            dsp.commit()
        self.schedule()

    def _fire_samples(self, samples: int) -> None:
        status = self.status
        if not status.bits[0] & st.PAGE_FULL:
            page = self.buffer.next_full(self.samples)
            if page is not None and page <= samples:
                status.bits[0] |= st.PAGE_FULL
        if self.buffer.irq_at is not None and self.buffer.irq_at <= samples:
            self.buffer.irq_at = None
            status.bits[0] |= st.WFB_TRIG_IRQ
        self.samples = samples
        events = (self.dsp.chunk or self.dsp.ensure()).events
        while self._event < len(events) and events[self._event].at <= samples:
            self._rare(events[self._event].kind, events[self._event].value)
            self._event += 1
        while self._next_energy <= samples:
            self._end_of_interval()
        while self._next_slow <= samples:
            self.results.renew_slow()
            self._next_slow += THD_SAMPLES
        if status.masks[0] & st.PERIODIC_BITS:
            status.refresh(samples, status.masks[0])

    def _end_of_interval(self) -> None:
        self.dsp.latch_energy(self._next_energy, bool(self.registers.get(r.EP_CFG, 0) >> 4 & 1))
        self._next_energy += (self.registers[r.EGY_TIME] & 0x1FFF) + 1
        if self.missed_egyrdy:
            self.missed_egyrdy -= 1
        else:
            self.status.raise_bits(0, st.EGYRDY)

    def _rare(self, kind: str, value: int) -> None:
        """PHNOLOAD or PHSIGN changes, with the status bits of what changed."""
        if kind == "noload":
            changed = self.registers.get(r.PHNOLOAD, 0) ^ value
            self.registers[r.PHNOLOAD] = value
            self.status.raise_bits(1, (changed | changed >> 6 | changed >> 12) & 0x3F)
            return
        signs = self.registers.get(r.PHSIGN, 0)
        changed = (signs ^ value) & 0x3F
        self.registers[r.PHSIGN] = signs & ~0x3F | value
        for phase in range(3):
            self.status.raise_bits(0, (changed >> 2 * phase & 1) << 1 + phase)
            self.status.raise_bits(0, (changed >> 2 * phase + 1 & 1) << 4 + phase)

    def _pulsed(self, number: int, sign: int) -> None:
        """A CF pulse: its status bit, and SUMxSIGN with REVPSUMx if the energy's sign has changed."""
        self.status.raise_bits(0, st.CF_BIT[number])
        signs, bit = self.registers.get(r.PHSIGN, 0), 1 << 6 + number
        if bool(signs & bit) != (sign < 0):
            self.registers[r.PHSIGN] = signs ^ bit
            self.status.raise_bits(0, st.REVPSUM_BIT[number])

    def _before_commit(self, samples: int) -> None:
        self.buffer.sync(samples)
        self.pulses.next_chunk(self.dsp)
        self._event = 0

    def _source_changed(self, t_ns: int) -> None:
        if self.dsp.running:
            self.dsp.shorten(max(self.dsp.index(t_ns - 1), self.dsp.index(self.now)))
            self.schedule()

    def _grid(self, bit: int) -> tuple[float, int] | None:
        """Period and origin in samples of a periodic status bit."""
        if not self.dsp.running:
            return None
        if bit == st.PWRRDY:
            origin = self.dsp.energy_origin
            return None if origin is None else ((self.registers[r.PWR_TIME] & 0x1FFF) + 1, origin)
        if bit == st.DREADY:
            return 1, 0
        if bit == st.THD_PF_RDY:
            return THD_SAMPLES, 0
        half = half_cycle_samples(self.registers)
        if bit == st.RMSONERDY:
            return half, 0
        return 2 * half * (12 if self.registers.get(r.ACCMODE, 0) & 1 << 8 else 10), 0
