"""A meter that bills in the tests' own time: quarters of an hour with energies and rates, and a ledger of them.

For either interpreter.
"""

from meter.metrology.energies import NAMES

KWH = 3_600_000_000  # mWs
QUARTER = 900
START = 848_680_200  # 2026-11-22 16:30:00 UTC


class BilledMeter:
    """`make_model` and a `Sources` of model_sources.py; the meter starts at START, for the first time.

    `booked`: (end, rate, {name: mWs}) of each quarter. `start`: the totals at START.
    """

    def __init__(self, make_model, sources, designation="ZMG405CR4.260b.43", values=None):
        sources.clock.now = START
        self.model = make_model(designation, values or {}, sources)
        self.sources = sources
        self.start = {name: sources.energies.get(name) for name in NAMES}
        self.booked = []

    @property
    def now(self):
        return self.sources.clock.now

    def quarter(self, rate=1, **energies):
        """A quarter of an hour at this rate."""
        sources = self.sources
        sources.rates.command(rate)
        sources.engine.wake()
        sources.engine.tick(self.now)
        sources.book(self.now + QUARTER, **energies)
        self.booked.append((self.now, rate, energies))

    def reset(self):
        """A billing reset by communication; the lockout is over."""
        self.sources.billing.lock_out(3, 0)
        self.sources.engine.reset_by_command()
        self.sources.commit()

    def total(self, name, until=1 << 40):
        """mWs on the register at a moment, by the ledger."""
        return self.start[name] + sum([entry[2].get(name, 0) for entry in self.booked if entry[0] <= until])

    def at_rate(self, name, rate):
        return sum([entry[2].get(name, 0) for entry in self.booked if entry[1] == rate])


def story(meter):
    """Two billing periods and a part of the third: what the transcripts and the runs on MicroPython tell."""
    meter.quarter(1, a_import=KWH // 2 + 12_345, r1=KWH // 7, s_import=KWH * 5 // 8)
    meter.quarter(1, a_import=KWH // 4, r1=KWH // 70, s_import=KWH // 4 + 7)
    meter.quarter(2, a_import=KWH // 3, a_export=KWH // 50)
    meter.reset()
    meter.quarter(2, a_import=KWH // 9, s_import=KWH // 6)
    meter.quarter(1, a_import=KWH // 5, r4=KWH // 11, s_import=KWH // 4)
    meter.reset()
    meter.sources.moments["u1"], meter.sources.moments["pf"] = 230_126, -866
    meter.quarter(1, a_import=KWH // 6, r1=KWH // 13, s_import=KWH // 5)
