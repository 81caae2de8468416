"""The pins CF1..CF4: edges at their exact times, and a record of all pulses."""

from __future__ import annotations

from tools.bench.ade9000.dsp import Chunk, Dsp
from tools.bench.ade9000.pulses import Pulse
from tools.bench.line import Line

NEVER = 1 << 62
KEPT = 200_000


class PulseOutputs:
    """`lines` are idle high and low during a pulse; `times[n]` falling edges in bench ns, `counts[n]` their number.

    The energy of a sample is put out during the sample period that follows it. So a pulse can be due a little after
    the chunk it was found in has passed: such pulses wait in a queue.
    """

    def __init__(self, name: str) -> None:
        self.lines = tuple(Line(f"{name}.cf{n}") for n in range(1, 5))
        self.times: list[list[int]] = [[], [], [], []]
        self.counts = [0, 0, 0, 0]
        self._clear()

    def _clear(self) -> None:
        self._chunk: Chunk | None = None
        self._done = [0, 0, 0, 0]
        self._queue: list[list[tuple[int, Pulse]]] = [[], [], [], []]
        self._fall = [NEVER] * 4
        self._rise = [NEVER] * 4
        self._soonest = NEVER

    def release(self, t_ns: int) -> None:
        """Chip reset or no supply: all high, no pulse pending."""
        for line in self.lines:
            line.set(1, t_ns)
        self._clear()

    def next_chunk(self, dsp: Dsp) -> None:
        """The DSP's chunk is over; what it has still to put out is queued."""
        self.next_edge(dsp)
        if self._chunk is not None:
            for n in range(4):
                rest = self._chunk.pulses[n][self._done[n] :]
                self._queue[n] += [(self._time(self._chunk, pulse, dsp), pulse) for pulse in rest]
        self._chunk, self._done = None, [0, 0, 0, 0]

    def next_edge(self, dsp: Dsp) -> int:
        """Bench ns of the next edge in the present look-ahead, NEVER if there is none."""
        if dsp.chunk is not self._chunk:
            self._chunk = dsp.chunk
            for n in range(4):
                self._find(n, dsp)
            self._soonest = min(min(self._fall), min(self._rise))
        return self._soonest

    def drive(self, dsp: Dsp, now: int) -> list[tuple[int, int]]:
        """Set the lines up to `now`; returns (output, sign of the energy) of each pulse."""
        if self.next_edge(dsp) > now:
            return []
        started = []
        for n in range(4):
            while min(self._fall[n], self._rise[n]) <= now:
                if self._rise[n] < self._fall[n]:
                    self.lines[n].set(1, self._rise[n])
                    self._rise[n] = NEVER
                else:
                    started.append((n, self._start(n, dsp)))
        self._soonest = min(min(self._fall), min(self._rise))
        return started

    def _start(self, n: int, dsp: Dsp) -> int:
        """Put out the next pulse of output `n`; returns its sign."""
        at = self._fall[n]
        if self._queue[n]:
            pulse = self._queue[n].pop(0)[1]
        else:
            assert self._chunk is not None
            pulse = self._chunk.pulses[n][self._done[n]]
            self._done[n] += 1
        if self.lines[n].level == 0:  # the rate jumped: the old pulse ends where the new one begins
            self.lines[n].set(1, at)
        self.lines[n].set(0, at)
        self._rise[n] = at + max(1, round(pulse.low_s * 1e9))
        self.counts[n] += 1
        self.times[n].append(at)
        if len(self.times[n]) > KEPT:
            del self.times[n][: KEPT // 2]
        self._find(n, dsp)
        return pulse.sign

    def _find(self, n: int, dsp: Dsp) -> None:
        chunk = self._chunk
        if self._queue[n]:
            self._fall[n] = self._queue[n][0][0]
        elif chunk is not None and self._done[n] < len(chunk.pulses[n]):
            self._fall[n] = self._time(chunk, chunk.pulses[n][self._done[n]], dsp)
        else:
            self._fall[n] = NEVER

    @staticmethod
    def _time(chunk: Chunk, pulse: Pulse, dsp: Dsp) -> int:
        return dsp.time_of(chunk.base + 1 + pulse.at)
