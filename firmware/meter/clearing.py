"""Clearing of what a meter has gathered, up to the factory reset, as scripts that communication sets off.

A script is a mark in the FRAM, the one write that decides. The meter then starts anew, and each start carries out what
is marked, before it reads anything, and takes the mark away once the registers are running again. So power lost
anywhere leaves all as it was, or all cleared at the next start. No energy is counted while a mark stands.

    1  all of it, and the parameters, the time switch and the control table back to their defaults
    2  rated energy registers
    3  stored values and load profiles
    4  event log
    5  all registers, stored values and load profiles

Factory record, calibration, counters, locks of passwords and the counters of ciphered messages always stay. Events
follow the product family's list: 2, 3 and 193, 4, 59 all registers and profiles, 128 totals; detail: the script.
"""

import errno
from struct import pack, unpack

from micropython import const

from meter.storage import layout
from meter.storage.records import Record
from meter.tariff import energy_record
from meter.tariff import load_profile as status

EVERYTHING = const(1)
_RATED = const(2)
_STORED = const(3)
_VERSION = const(1)
_FORMAT = "<BI"  # scripts as bits, 1 is bit 0; UTC of the last demand
_CHUNK = const(256)
_RECENT = const(16)  # events that one start can log

_REGISTERS = (layout.ENERGY, layout.TARIFF, layout.PULSES)  # without its record a ring is empty
_SETTINGS = (layout.PARAMETERS, layout.TIME_SWITCH, layout.CONTROL_TABLE)
_GONE = status.REGISTERS_CLEARED | status.PROFILE_CLEARED
# By script: areas to blank, events, bits of the profiles' status word
_SCRIPTS = (
    (_SETTINGS + _REGISTERS + (layout.EVENTS,), (4, 128, 59), _GONE | status.EVENT_LOG_CLEARED),
    ((), (2,), status.REGISTERS_CLEARED),
    ((), (3, 193), status.PROFILE_CLEARED),
    ((layout.EVENTS,), (4,), status.EVENT_LOG_CLEARED),
    (_REGISTERS, (128, 59), _GONE),
)
SCRIPTS = tuple(range(1, len(_SCRIPTS) + 1))


class Clearing:
    """`events`: an events.log.EventLog of which nothing has been read yet.

    `due`: there is something to clear, the meter is to start anew; until then commands make no billing reset. `locked`
    is to be set when the memory did not answer at start.
    """

    def __init__(self, memory, events):
        self.locked = self.due = False
        self._memory, self._events = memory, events
        self._engine = None
        area = layout.CLEARING
        self._record = Record(memory, area.address, area.capacity, _VERSION)
        self._marked = 0

    def demand(self, script: int, utc: int) -> None:
        """Mark what a script clears. ValueError if there is no such script, OSError if the memory fails: then nothing
        will be cleared."""
        if script not in SCRIPTS:
            raise ValueError("no such script")
        if self.locked:
            raise OSError(errno.EIO, "clearing: the memory could not be read")
        marked = self._marked | 1 << script - 1
        self._record.save(pack(_FORMAT, marked, utc))
        self._marked, self.due = marked, True
        if self._engine:
            self._engine.closing = True

    def carry_out(self) -> None:
        """At start, before anything else is read: clear what is marked, and log it once. OSError if the memory does not
        keep that."""
        payload = self._record.load()
        if payload is None:
            return
        self._marked, utc = unpack(_FORMAT, payload)
        numbers = []
        for script in self._scripts():
            areas, events, _ = _SCRIPTS[script - 1]
            for area in areas:
                self._blank(area)
            if script == _RATED:
                self._blank_rated()
            numbers += [(number, script) for number in events]
        if not numbers:
            return
        self._events.load()
        logged = [entry[1:] for entry in self._events.entries(_RECENT)]
        for number, script in numbers:
            if (utc, number, script) not in logged:
                self._events.add(number, utc, script)

    def start(self, engine, *arguments) -> None:
        """The `power_up` of a tariff.engine.Engine that has been loaded: before it what its own record holds is cleared
        and the profiles are told, after it all is done. OSError if that is not on record: then nothing must be counted
        before another start."""
        for script in self._scripts():
            if script == _RATED:
                engine.billing.forget_rated()
            if script == _STORED:
                engine.clear_stored()
            engine.mark(_SCRIPTS[script - 1][2])
        engine.power_up(*arguments)
        self._engine = engine
        if self._marked:
            if not engine.is_saved:
                raise OSError(errno.EIO, "clearing: not kept")
            self._record.save_twice(pack(_FORMAT, 0, 0))
            self._marked = 0

    def _scripts(self) -> list:
        return [script for script in SCRIPTS if self._marked >> script - 1 & 1]

    def _blank(self, area) -> None:
        zeros, found = bytes(_CHUNK), bytearray(_CHUNK)
        for address in range(area.address, area.end, _CHUNK):
            self._memory.write(address, zeros)
            self._memory.read_into(address, found)
            if found != zeros:
                raise OSError(errno.EIO, "clearing: memory does not keep what is written")

    def _blank_rated(self) -> None:
        area = layout.ENERGY
        record = Record(self._memory, area.address, area.capacity, energy_record.VERSION, energy_record.READABLE)
        payload = record.load()
        if payload is not None:
            record.save_twice(energy_record.without_rates(payload))
