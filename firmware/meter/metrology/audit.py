"""The audit: the energies of billing path and sample path, compared all the time, and which of them to believe.

Both paths see the same samples, so per element their active and fundamental reactive energies agree but for rounding:
six balances. They come on different grids: the chip adds up every 0.5 s behind a low pass, the samples are summed over
windows of 10 or 12 cycles. Both are brought to one time, counted in the chip's samples. What is left is an error at
the two ends of a comparison, in proportion to how much the power changed around them, and it is known.

A block is ten seconds of such intervals, up to twenty if the load never holds still. Two bad blocks, in the same
balance and direction and without a good one between, make a verdict. The third witness is the chip's power registers,
from which it makes its energies. An account of what is and what is not found: README.md.
"""

from micropython import const

from drivers.ade9000_registers import ENERGY_SHIFT, SAMPLE_RATE
from meter.metrology.audit_windows import BALANCES, PHASES, AuditWindows
from meter.metrology.scales import energy_ratio
from meter.metrology.values import wrapped

# Verdicts
SOUND = const(0)
SILICON = const(1)  # the chip's energy registers are wrong
SAMPLES = const(2)  # the waveform samples are wrong
LOST = const(3)  # too many samples are missing to compare
UNDECIDED = const(4)  # the paths disagree, and the witness agrees with neither

# What `Audit.interval` has to tell
NOTHING = const(0)
CHECK_SETTINGS = const(1)  # a first suspicion: see whether the chip's settings still are what they were
NEW_VERDICT = const(2)

# In samples
_LATCH = const(4000)  # the chip's energy interval
_DELAY = const(1014)  # of its power low pass: two poles that take 32 dB each from 100 Hz
_LATE = const(800)  # a latch is read at most this long after it
_EARLY = const(40)  # and this long before, because pages come in pieces

_BLOCK = const(20)  # intervals compared at least
_LONG_BLOCK = const(40)  # and at most
_BLIND_MS = const(30_000)  # without a complete block for so long: LOST
_CLEAN_BLOCKS = const(3)  # before a path is trusted again
_WITNESSED = const(4)  # intervals of steady load that make a testimony
_CLEAR = const(3)  # times as far from one path as from the other

_TOO_LITTLE = const(1 << 6)  # times a balance's bit: the samples had less than the silicon

# What a balance may be off
_SHARE = const(100)  # 1 % of its energy
_OTHER_SHARE = const(500)  # 0.2 % of the element's energy of the other kind: an angle of 0.1 degrees between the paths
_FLOOR = const(50)  # 2 % of the start-up power
_CALM = const(4)  # a block had better end where its end adds no more than a quarter to that
_SHIFTS_PER_S = const(20)  # the paths may be shifted by 50 ms: a latch read late, a low pass not as it should be
_STEADY = const(100)  # an interval is fit for a testimony if its ends are certain to 1 %
_SHARP = const(60)  # a block proves a balance sound if 1.7 % would have been too much


class Audit:
    """No input, no output: it is told what was read, and says what it thinks.

    `analog`, `nominal_hz`: see scales.py. `elements`: the network's. `start_p_mw`: the start-up lock. `absolute`: the
    chip adds up absolute values (front_end.summation_in).

    `verdict`: one of the above. `balances`: bits of those it was found in, 0..2 active, 3..5 reactive L1..L3.
    `replaces`: `p`, `q` (mWs, mvars per element, signed) over `interval_ms` are to be booked instead of the increment.
    """

    def __init__(self, analog: dict, elements: tuple, start_p_mw: int, nominal_hz: int = 50, absolute: bool = False):
        self.verdict = SOUND
        self.balances = 0
        self.replaces = False
        self.p = [0] * PHASES
        self.q = [0] * PHASES
        self.interval_ms = 0
        numerator, denominator = energy_ratio(analog, nominal_hz)
        self._mw = numerator * SAMPLE_RATE, denominator << ENERGY_SHIFT  # of a power code
        self._used = [n for n in range(BALANCES) if n % PHASES in elements]
        self._floor = max(1, start_p_mw // _FLOOR)
        self._absolute = absolute
        self._samples = AuditWindows(self._used)
        self._pending = [0] * BALANCES  # the chip's energy of the interval that waits for its windows
        self._witness = [0] * BALANCES
        self._before = [0] * BALANCES  # energy of the samples at the last latch that was matched
        self._edge = [0] * BALANCES  # and how uncertain that is
        self._doubt = [0] * BALANCES  # by how much at most all before were wrong
        self._power = [0] * BALANCES  # mW
        self._first_power = [0] * BALANCES  # where the present comparison without a gap began
        self._turned = [False] * BALANCES  # and whether the power may have reversed thereabouts
        self._step = [0] * BALANCES  # energy of the samples in the interval matched last
        # Sums over the block: samples less silicon, samples, the larger magnitude of both, uncertainty
        self._difference = [0] * BALANCES
        self._energy = [0] * BALANCES
        self._gross = [0] * BALANCES
        self._unsure = [0] * BALANCES
        self._testimony = [[0] * 4 for _ in range(BALANCES)]  # number; energy of witness, silicon, samples
        self._owed = [0] * BALANCES
        self._suspects = 0  # bits of balances in which the samples had more, and << BALANCES in which they had less
        self._clean = 0  # blocks
        self._joined = False  # the samples are known at the pending interval's beginning
        self.restart()
        self._open_block()

    # --- what the meter tells -----------------------------------------------------------------------------------------

    def restart(self) -> None:
        """The chip has been started anew: its samples and energies count from zero."""
        self._part()
        self._samples.restart()
        self._latch = 0  # when the pending interval ended
        self._waiting = 0  # latches in the pending interval; 0: there is none yet
        self._witnessed = False

    def feed(self, energy, pages: int, lost_pages: int) -> None:
        """After each reading of `pages` pages: `energy` is the sample path's EnergySums."""
        self._samples.feed(energy, pages, lost_pages)

    def interval(self, increment, elapsed_ms: int) -> int:
        """After each reading of the accumulators, when `increment` has its p and q; says what there is to do."""
        self.replaces = self.verdict == SILICON
        self.interval_ms = elapsed_ms
        for n in range(PHASES):
            self.p[n] = self.q[n] = 0
        self._blind_ms += elapsed_ms
        news = NOTHING
        if self._waiting and self._match():
            if self.replaces:
                self._book(self._step)
                self._book(self._owed)
                self._owe_nothing()
            if self._complete():
                news = self._judge()
        if self._blind_ms > _BLIND_MS:
            news = self._decide(LOST, 0)
            self._open_block()
        if self.replaces and self.verdict != SILICON:
            # The samples' energy was one interval behind; the chip's own of this one goes with it.
            self._book(increment.p + increment.q)
            self.interval_ms += elapsed_ms
        elif self.verdict == SILICON:
            self.replaces = True
        self._await(increment)
        return news

    @property
    def wants_witness(self) -> bool:
        """Whether the next `interval` should be followed by `testify`."""
        return self._suspects != 0 or self.verdict != SOUND

    def testify(self, codes: list) -> None:
        """Just after `interval`: the chip's power registers, signed codes of active L1..L3, reactive L1..L3."""
        self._witness[:] = codes
        self._witnessed = True

    def repaired(self) -> None:
        """The chip's settings were wrong and have been written again: the suspicion was theirs."""
        self._acquit()
        self._open_block()

    @property
    def detail(self) -> int:
        """Verdict and balances as one number, for the event log."""
        return self.verdict << 8 | self.balances

    # --- bringing both to one time ------------------------------------------------------------------------------------

    def _await(self, increment) -> None:
        """Keep an interval until the windows around its end have come; find out when that was."""
        position, latches, late = self._samples.position, 0, 0
        if self._waiting:
            since = wrapped(position - self._latch)
            latches = (since + _LATCH // 2) // _LATCH
            late = since - latches * _LATCH
        if latches < 1 or not -_EARLY <= late <= _LATE:
            self._part()
            latches, late = 1, 0  # if it was read late, the next one shows it
        self._latch = wrapped(position - late)
        self._waiting = latches
        for n in range(PHASES):
            self._pending[n] = increment.p[n]
            self._pending[PHASES + n] = increment.q[n]

    def _match(self) -> bool:
        """Compare the pending interval; False if the samples of it or around its end are not complete."""
        samples = self._samples
        if not samples.look(self._latch - _DELAY):
            self._part()
            return False
        joined = self._joined
        for n in self._used:
            if joined:
                self._account(n)
            else:
                self._unsure[n] += samples.edge[n]
                self._first_power[n] = samples.power[n]
            self._before[n] = samples.at[n]
            self._edge[n] = samples.edge[n]
            self._doubt[n] = samples.doubt[n]
            self._power[n] = samples.power[n]
            self._turned[n] = samples.turned[n]
        self._joined = True
        self._witnessed = False
        if joined:
            self._intervals += self._waiting
        return joined

    def _part(self) -> None:
        """The samples' energy goes on with a gap, if at all."""
        if self._joined:
            for n in self._used:
                self._unsure[n] += self._edge[n] + self._shift(n)
        self._joined = False

    def _shift(self, n: int) -> int:
        """What one path's being ahead of the other makes: nothing in a steady load, which enters as it leaves."""
        return abs(self._power[n] - self._first_power[n]) // _SHIFTS_PER_S

    def _account(self, n: int) -> None:
        """Add the pending interval's balance `n` to the block."""
        edges = self._edge[n] + self._samples.edge[n]
        samples, silicon = wrapped(self._samples.at[n] - self._before[n]), self._pending[n]
        self._step[n] = samples
        if self._absolute and (self._turned[n] or self._samples.turned[n]):
            # The chip has added up what the samples subtract: left out, so the comparison has ends here too.
            if not self._turned[n]:
                self._unsure[n] += self._edge[n] + self._shift(n)
            elif not self._samples.turned[n]:
                self._unsure[n] += self._samples.edge[n]
                self._first_power[n] = self._samples.power[n]
            return
        larger = max(abs(silicon), abs(samples))
        self._unsure[n] += wrapped(self._samples.doubt[n] - self._doubt[n])
        self._difference[n] += samples - silicon
        self._energy[n] += samples
        self._gross[n] += larger
        if self._witnessed and edges * _STEADY <= larger:
            testimony = self._testimony[n]
            testimony[0] += 1
            testimony[1] += self._witness[n] * self._mw[0] * self._waiting // (2 * self._mw[1])
            testimony[2] += silicon
            testimony[3] += samples

    # --- the block ----------------------------------------------------------------------------------------------------

    def _open_block(self) -> None:
        self._intervals = 0
        self._blind_ms = 0
        for n in range(BALANCES):
            self._difference[n] = self._energy[n] = self._gross[n] = 0
            self._unsure[n] = self._edge[n] if self._joined else 0
            self._first_power[n] = self._power[n]
            for k in range(4):
                self._testimony[n][k] = 0

    def _allowed(self, n: int) -> int:
        """What balance `n` may be off for reasons other than the ends of the block."""
        other = self._gross[(n + PHASES) % BALANCES]
        return self._gross[n] // _SHARE + other // _OTHER_SHARE + self._floor * self._intervals // 2

    def _complete(self) -> bool:
        if self._intervals < _BLOCK:
            return False
        edges = allowed = 0
        for n in self._used:
            edges += self._edge[n]
            allowed += self._allowed(n)
        return edges * _CALM <= allowed or self._intervals >= _LONG_BLOCK

    def _judge(self) -> int:
        """What follows from a complete block."""
        bad = accused = cleared = 0
        for n in self._used:
            tolerance = self._allowed(n) + self._unsure[n] + self._edge[n] + self._shift(n)
            difference = self._difference[n]
            if abs(difference) > tolerance:
                bad |= 1 << n
                direction, silicon = self._energy[n], self._energy[n] - difference
                if 2 * abs(direction) < abs(silicon):
                    direction = silicon
                accused |= (_TOO_LITTLE if difference * direction < 0 else 1) << n
            elif tolerance * _SHARP <= self._gross[n]:
                cleared |= (1 | _TOO_LITTLE) << n
        self._suspects &= ~cleared
        news = self._accuse(bad, accused) if bad else self._excuse(cleared)
        self._open_block()
        return news

    def _accuse(self, bad: int, accused: int) -> int:
        """The block is bad."""
        self._clean = 0
        if self.verdict == SOUND:
            confirmed = self._suspects & accused
            if not confirmed:
                self._owe_nothing()
            self._owe()
            self._suspects |= accused
            if not confirmed:
                return CHECK_SETTINGS
        for n in self._used:
            if bad >> n & 1:
                verdict = self._ask(n)
                if verdict != UNDECIDED:
                    return self._decide(verdict, bad)
        return self._decide(UNDECIDED, bad) if self.verdict == SOUND else NOTHING

    def _excuse(self, cleared: int) -> int:
        """The block is good; `cleared`: and would not be if these balances were as bad as they can be found to be."""
        if self.verdict == SOUND:
            if not self._suspects:
                self._acquit()
        elif not self.balances & ~cleared:
            self._clean += 1
            if self._clean >= _CLEAN_BLOCKS:
                return self._decide(SOUND, 0)
        return NOTHING

    def _ask(self, n: int) -> int:
        """Which path the witness speaks against, in balance `n`."""
        number, witness, silicon, samples = self._testimony[n]
        to_silicon, to_samples = abs(witness - silicon), abs(witness - samples)
        if number >= _WITNESSED:
            if to_samples * _CLEAR < to_silicon:
                return SILICON
            if to_silicon * _CLEAR < to_samples:
                return SAMPLES
        return UNDECIDED

    def _decide(self, verdict: int, balances: int) -> int:
        self._clean = 0
        if verdict == self.verdict:
            return NOTHING
        if verdict != SILICON and verdict != UNDECIDED:
            self._acquit()
        self.verdict = verdict
        self.balances = balances
        return NEW_VERDICT

    def _acquit(self) -> None:
        self._suspects = 0
        self._owe_nothing()

    # --- energy in place of the chip's --------------------------------------------------------------------------------

    def _owe(self) -> None:
        """Note what the chip has counted too little in a bad block, to be booked if it turns out to be its fault.

        Registers only grow: what it has counted too much stays. Too little of an element that went against the total
        was too much of the total, so that is not owed; nor are elements more than all of them together.
        """
        for first in (0, PHASES):
            energy = net = 0
            for n in range(first, first + PHASES):
                energy += self._energy[n]
                net += self._difference[n]
            if net * energy <= 0:
                continue
            for n in range(first, first + PHASES):
                difference = self._difference[n]
                if difference * self._energy[n] > 0 and difference * net > 0:
                    if abs(difference) > abs(net):
                        difference = net
                    self._owed[n] += difference
                    net -= difference

    def _owe_nothing(self) -> None:
        for n in range(BALANCES):
            self._owed[n] = 0

    def _book(self, amounts: list) -> None:
        for n in range(PHASES):
            self.p[n] += amounts[n]
            self.q[n] += amounts[PHASES + n]
