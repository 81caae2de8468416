"""The DSP: sample clock, and the chunk of look-ahead in which everything up to the next change is worked out.

Samples are generated ahead in chunks of up to MAX_CHUNK. A chunk depends only on its plan and on the filter memories
before it, so when the source or a register changes in the middle it is cut there (`shorten`), bit for bit what it would
have been, and the next one starts from the new facts. What a register shows at some time is looked up by sample index.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from tools.bench.ade9000 import registers as r
from tools.bench.ade9000 import zero_crossing
from tools.bench.ade9000.accumulators import (
    SETTLE_SAMPLES,
    AccPlan,
    AccState,
    Accumulated,
    EnergyRegisters,
    make_acc_plan,
)
from tools.bench.ade9000.analog import Analog
from tools.bench.ade9000.filters import FloatArray
from tools.bench.ade9000.noload import Gated, GatePlan, GateState, gate, make_gate_plan
from tools.bench.ade9000.plan import Plan, make_plan
from tools.bench.ade9000.power import ENERGIES, PowerPlan, Powers, PowerState, make_power_plan
from tools.bench.ade9000.pulses import Pulse, PulsePlan, find_pulses, make_pulse_plans
from tools.bench.ade9000.samples import (
    MAX_CHUNK,
    SET_BYTES,
    Basis,
    ChannelState,
    Samples,
    lpf_codes,
    make_samples,
    pack_sets,
    shortened,
)
from tools.bench.source import Segment, Source

PERIOD_FS = 125_000_000_000  # of the sample clock, in femtoseconds
FIRST_CHUNK = 256
HISTORY = 2800  # samples kept for the rms over 10 or 12 cycles down to 40 Hz


@dataclass(frozen=True)
class Plans:
    """Everything constant over a chunk. acc is None while the accumulators stand still."""

    signal: Plan
    power: PowerPlan
    gate: GatePlan
    pulses: tuple[PulsePlan, ...]
    acc: AccPlan | None


@dataclass
class State:
    """All memories before the first sample of a chunk."""

    channel: ChannelState = field(default_factory=ChannelState)
    power: PowerState = field(default_factory=PowerState)
    gate: GateState = field(default_factory=GateState)
    acc: AccState = field(default_factory=AccState)
    held: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)


@dataclass
class Event:
    """A rare change inside a chunk, effective after sample count `at`: PHNOLOAD flags or PHSIGN bits."""

    at: int
    kind: str
    value: int


def _nobody(_samples: int) -> None:
    pass


_NO_SUMS = np.zeros((ENERGIES, MAX_CHUNK))
_PHNOLOAD_BITS = np.array([1 << (6 * (row % 3) + row // 3) for row in range(ENERGIES)])


class Chunk:
    """`count` samples from global sample count `base` on, with all that follows from them."""

    def __init__(self, plans: Plans, state: State, base: int, samples: Samples) -> None:
        self.plans, self.start, self.base, self.samples = plans, state, base, samples
        self.count = samples.pcf.shape[1]
        self.powers = Powers(plans.power, samples.pcf, state.power)
        self.acc: Accumulated | None = None
        self.pulses: list[list[Pulse]] = [[], [], [], []]
        self.gated = Gated(_NO_SUMS[:, : self.count], [], state.gate)
        self._packed: dict[tuple[bool, bool], bytes] = {}
        self.end = State(samples.end, self.powers.end, state.gate, state.acc, state.held)
        if plans.acc:
            self._accumulate(plans.acc)
        self.events = self._events()

    def _accumulate(self, plan: AccPlan) -> None:
        sums = self.powers.sums
        self.acc = Accumulated(plan, sums, self.start.acc, self.base)
        self.gated = gate(self.plans.gate, sums, self.start.gate, self.base - plan.origin)
        held = []
        for n, converter in enumerate(self.plans.pulses):
            self.pulses[n], rest = find_pulses(converter, self.gated.sums, self.start.held[n])
            held.append(rest)
        self.end.gate, self.end.acc, self.end.held = self.gated.end, self.acc.end, tuple(held)

    def _events(self) -> list[Event]:
        events = [Event(self.base + at, "noload", int(_PHNOLOAD_BITS[flags].sum())) for at, flags in self.gated.changes]
        if self.acc:
            events += [Event(self.base + at, "sign", bits) for at, bits in self.acc.sign_changes]
        return sorted(events, key=lambda event: event.at)

    def packed(self, lpf: bool, neutral: bool, basis: Basis, gains: FloatArray) -> bytes:
        """All samples, times a fault's gain of each channel, as waveform buffer sets, packed at the first demand."""
        key = (lpf, neutral)
        if key not in self._packed:
            codes = self.lpf(basis) if lpf else self.samples.pcf
            if (gains != 1).any():
                codes = codes * gains[:, None]
            self._packed[key] = pack_sets(codes, neutral, 16 if lpf else 1)
        return self._packed[key]

    def lpf(self, basis: Basis) -> FloatArray:
        """(7, count) codes before gains and high pass."""
        plan = self.plans.signal
        return lpf_codes(plan, basis.table(plan), self.samples.angle, self.samples.noise, self.count)


Registers = dict[int, int]


class Dsp:
    """Sample clock, current chunk, energy accumulators and peaks. Times in bench ns, counts in samples since RUN."""

    def __init__(self, registers: Registers, source: Source, analog: Analog, seed: int) -> None:
        self.registers, self.source, self.analog = registers, source, analog
        self.rng = np.random.default_rng([seed, source.seed])
        self.channel_gains = np.ones(7)
        self.energy_gains = np.ones(3)
        self.page_gains = np.ones(7)
        self.period_fs = round(PERIOD_FS / (1 + analog.clock_ppm * 1e-6))
        self.running = False
        self.before_commit: Callable[[int], None] = _nobody
        self.energy = EnergyRegisters()
        self.basis = Basis()
        self._rewind(0)

    def _rewind(self, t_ns: int) -> None:
        self.t0, self.base, self.halted_at = t_ns, 0, 0
        self.state = State()
        self.chunk: Chunk | None = None
        self.previous: Chunk | None = None
        self._plans: Plans | None = None
        self._size = FIRST_CHUNK
        self.energy_origin: int | None = None
        self.totals: FloatArray = np.zeros(ENERGIES)
        self.peaks: FloatArray = np.zeros(6)
        self._peaks_from = 0
        self._history: deque[FloatArray] = deque()

    # -- time ---------------------------------------------------------------------------------------------------

    def index(self, t_ns: int) -> int:
        """Samples complete at `t_ns`."""
        if not self.running:
            return self.halted_at
        samples = ((t_ns - self.t0 + 1) * 1_000_000 - 1) // self.period_fs
        return samples if samples > 0 else 0

    def time_of(self, samples: float) -> int:
        """Bench time at which `samples` (may be fractional) are complete."""
        if isinstance(samples, int):
            return self.t0 + samples * self.period_fs // 1_000_000
        whole = int(samples)
        return self.t0 + (whole * self.period_fs + int((samples - whole) * self.period_fs)) // 1_000_000

    def reset(self, t_ns: int) -> None:
        """Chip reset: nothing runs, nothing has been sampled."""
        self.running = False
        self._rewind(t_ns)
        self.energy.clear()

    def start(self, t_ns: int) -> None:
        """RUN 0 -> 1: results cleared, filters empty, sample counting from zero."""
        self._rewind(t_ns)
        self.energy.clear()
        self.running = True

    def halt(self, t_ns: int) -> None:
        """Stop the sample clock; results keep their last values."""
        if self.running:
            self.cut(self.index(t_ns))
            self.halted_at = self.index(t_ns)
            self.running = False

    def resume(self, t_ns: int) -> None:
        """Go on with the sample count where `halt` stopped it."""
        if not self.running:
            self.t0 = t_ns - self.halted_at * self.period_fs // 1_000_000
            self._plans = None
            self.running = True

    # -- chunks -------------------------------------------------------------------------------------------------

    def changed(self) -> None:
        """A signal register or the source changed: the plan must be made anew for the next chunk."""
        self._plans = None

    def shorten(self, samples: int) -> None:
        """End the look-ahead at sample count `samples`."""
        chunk = self.chunk
        if chunk is None or samples >= chunk.base + chunk.count:
            return
        self._size = FIRST_CHUNK
        count = samples - chunk.base
        if count <= 0:
            self.chunk = None
            return
        cut = shortened(chunk.plans.signal, chunk.samples, chunk.start.channel, count)
        self.chunk = Chunk(chunk.plans, chunk.start, chunk.base, cut)

    def cut(self, samples: int) -> None:
        """Make `samples`, the present sample count, the end of a chunk: settings may change behind it."""
        self.shorten(samples)
        if self.chunk is not None and self.chunk.base + self.chunk.count == samples:
            self.commit()

    def ensure(self) -> Chunk:
        """The current chunk, generated if there is none."""
        if self.chunk is None:
            self.chunk = self._generate()
        return self.chunk

    def commit(self) -> None:
        """The current chunk has passed: keep what later samples and registers need of it."""
        chunk = self.ensure()
        self.before_commit(chunk.base + chunk.count)
        if chunk.plans.acc:
            self.energy.commit(chunk.gated.sums)
        self.totals = self.totals + chunk.powers.sums[:, -1]
        self._fold_peaks(chunk, self.base + chunk.count)
        self._history.append(chunk.samples.pcf)
        while sum(h.shape[1] for h in self._history) - self._history[0].shape[1] > HISTORY:
            self._history.popleft()
        self.previous, self.state = chunk, chunk.end
        self.base += chunk.count
        self.chunk = None

    def _generate(self) -> Chunk:
        t_first = self.time_of(self.base + 1)
        segment = self.source.segment(t_first)
        energy = self.energy_origin is not None and self.base >= self.energy_origin
        if self._plans is None or self._plans.signal.segment is not segment or bool(self._plans.acc) != energy:
            self._plans = self._make_plans(segment, energy)
        count = self._size
        self._size = min(MAX_CHUNK, 2 * self._size)
        change = self.source.next_change(t_first)
        if change is not None:
            count = min(count, self.index(change - 1) - self.base)
        if self.energy_origin is not None and self.base < self.energy_origin:
            count = min(count, self.energy_origin - self.base)
        plan = self._plans.signal
        instant = self.t0 + (self.base + 1) * self.period_fs / 1e6
        table = self.basis.table(plan)
        samples = make_samples(plan, table, self.state.channel, segment.cycles(instant), count, self.rng)
        return Chunk(self._plans, self.state, self.base, samples)

    def _make_plans(self, segment: Segment, energy: bool) -> Plans:
        registers = self.registers
        signal = make_plan(registers, segment, self.analog, self.channel_gains)
        zero_crossing.update(registers, signal)
        return Plans(
            signal,
            replace(make_power_plan(registers, signal), energy_gain=self.energy_gains.copy()),
            make_gate_plan(registers),
            make_pulse_plans(registers),
            make_acc_plan(registers, self.energy_origin or 0) if energy else None,
        )

    # -- looking up ---------------------------------------------------------------------------------------------

    def newest(self, samples: int) -> tuple[Chunk, int] | None:
        """(chunk, column) of the newest sample at sample count `samples`, None before the first."""
        if samples > self.base:
            return self.ensure(), samples - self.base - 1
        if self.previous is not None:
            return self.previous, self.previous.count - 1
        return None

    def counted(self, samples: int) -> FloatArray | float:
        """(18,) gated sums of the current chunk at sample count `samples` >= base."""
        return self.ensure().gated.sums[:, samples - self.base - 1] if samples > self.base else 0.0

    def totals_at(self, samples: int) -> FloatArray:
        """(18,) sums of the powers since RUN, ungated, at sample count `samples` >= base."""
        if samples <= self.base:
            return self.totals
        return np.asarray(self.totals + self.ensure().powers.sums[:, samples - self.base - 1])

    def packed(self, first: int, last: int, lpf: bool, neutral: bool) -> bytes:
        """Waveform buffer sets of the samples after counts first..last-1, all of the current chunk.

        Older ones are in the buffer already: it is brought up to date before a chunk is committed.
        """
        chunk = self.ensure()
        assert chunk.base <= first < last <= chunk.base + chunk.count
        sets = chunk.packed(lpf, neutral, self.basis, self.page_gains)
        return sets[(first - chunk.base) * SET_BYTES : (last - chunk.base) * SET_BYTES]

    def window(self, samples: int, length: int) -> FloatArray:
        """(7, up to `length`) PCF codes of the last samples at sample count `samples`."""
        parts = list(self._history)
        if samples > self.base:
            parts.append(self.ensure().samples.pcf[:, : samples - self.base])
        if not parts:
            return np.zeros((7, 0))
        joined = np.concatenate(parts, axis=1)
        # the history ends at `base`; a window may end before it while no chunk is running
        end = joined.shape[1] - max(0, self.base - samples)
        return joined[:, max(0, end - length) : end]

    def _fold_peaks(self, chunk: Chunk, samples: int) -> None:
        low, high = max(0, self._peaks_from - chunk.base), samples - chunk.base
        if high > low:
            codes = chunk.samples.pcf[:6, low:high]
            np.maximum(self.peaks, np.maximum(codes.max(axis=1), -codes.min(axis=1)), out=self.peaks)
            self._peaks_from = samples

    def peaks_at(self, samples: int) -> FloatArray:
        """(6,) largest magnitudes of IA VA IB VB IC VC since they were last cleared."""
        if samples > self.base:
            self._fold_peaks(self.ensure(), samples)
        return self.peaks

    def latch_energy(self, samples: int, overwrite: bool) -> None:
        """An energy interval ends at sample count `samples`."""
        self.energy.latch(self.counted(samples), overwrite)

    def enable_energy(self, samples: int) -> int:
        """EGY_PWR_EN 0 -> 1: returns the sample count from which the accumulators run (PWR_SETTLE later).

        The look-ahead must have been cut before, here and in `clear_pulses`.
        """
        self.energy_origin = samples + SETTLE_SAMPLES[self.registers.get(r.CONFIG1, 0) >> 8 & 3]
        self.state.acc = AccState(signs=self.state.acc.signs)
        self.energy.restart()
        return self.energy_origin

    def clear_pulses(self) -> None:
        """CONFIG1.CF_ACC_CLR."""
        self.state.held = (0.0, 0.0, 0.0, 0.0)
