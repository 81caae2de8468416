"""Log-ins that failed: counted, delayed and in the end locked, for each channel and level on its own.

After `max_attempts` wrong passwords or proofs in a row a level is locked on that channel, for `lock_hours` or until the
certification seal is broken. Before that, the wrong ones of a channel in a row make it wait: 0, 1, 2, 4 s and so on.
What is counted and locked is on record before the client hears that it was wrong, and outlives any power cut.

The record, little endian: 1 byte seal seen broken, then for each channel and level (0 to 6) 9 bytes:

    0  1  wrong ones in a row; 255: locked
    1  4  not used (once the end of the lock by the clock)
    5  4  end of the lock in operating seconds

Operating time alone ends a lock: the clock can be put ahead by who has a lower level.
"""

import struct

from micropython import const

from meter.storage import layout
from meter.storage.records import EMPTY, Record

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Callable

    from meter.parameters import Parameters
    from meter.storage.records import Memory

VERSION = const(1)
CHANNELS = const(4)
LEVELS = const(7)
_LOCKED = const(255)
_CELL = "<B4xI"
_CELL_SIZE = const(9)
_FIRST_PENALTY_MS = const(1_000)
_DOUBLINGS = const(6)  # up to 64 s
_TICKS_MASK = const(0x3FFFFFFF)
_HOUR_S = const(3_600)
_LONGEST_LOCK_S = const(240 * 3_600)


class LogIns:
    """`parameters` has `max_attempts` and `lock_hours`; `seal_broken()` is true while the certification seal is open.

    `now()` gives the time in two ways: operating time (s, survives power cuts, may run over), ticks (ms, wrap).
    `report(level, channel, is_locked)` is called for each failure, after it is on record. A memory that fails is tried
    again by `update`; `is_saved` tells.
    """

    def __init__(
        self,
        memory: "Memory",
        parameters: "Parameters",
        seal_broken: "Callable[[], int]",
        now: "Callable[[], tuple]",
        report: "Callable[[int, int, bool], object]",
        area: layout.Area = layout.LOG_INS,
    ):
        self._record = Record(memory, area.address, area.capacity, VERSION)
        self._parameters, self._seal_broken, self._now, self._report = parameters, seal_broken, now, report
        self._cells = [[0, 0] for _ in range(CHANNELS * LEVELS)]
        self._seal_was_broken = False
        self._penalties = [0] * CHANNELS  # ms
        self._penalties_since = [0] * CHANNELS  # ticks
        self._loaded = False
        self.is_saved = True
        self.damaged = False  # what was stored is lost, and counting has begun anew

    def load(self) -> None:
        """Take over what is stored. OSError if the memory does not answer: nothing is stored over it then."""
        payload = self._record.load()
        size = 1 + CHANNELS * LEVELS * _CELL_SIZE
        if payload is not None and len(payload) == size:
            self._seal_was_broken = bool(payload[0])
            for place in range(len(self._cells)):
                at = 1 + place * _CELL_SIZE
                self._cells[place] = list(struct.unpack(_CELL, payload[at : at + _CELL_SIZE]))
        else:
            self.damaged = self._record.status != EMPTY
        self._loaded = True

    def update(self) -> None:
        """Let end what has its time behind it, or the seal against it. Once a second."""
        broken = bool(self._seal_broken())
        if broken != self._seal_was_broken:
            self._seal_was_broken = broken
            self.is_saved = False
            if broken:  # at the moment of breaking: a seal that stays open does not make for endless attempts
                self._cells = [[0, 0] for _ in self._cells]
                self._penalties = [0] * CHANNELS
        operating, ticks = self._now()
        for cell in self._cells:
            if cell[0] == _LOCKED and _is_over(cell[1], operating):
                cell[0] = 0
                self.is_saved = False
        for channel in range(CHANNELS):
            self._penalties[channel] = self._left(channel, ticks)
            self._penalties_since[channel] = ticks
        if not self.is_saved:
            self._save()

    def failed(self, level: int, channel: int) -> None:
        """A password or proof was wrong; one that came while the level was locked does not count."""
        if self.locked(level, channel):
            return
        cell = self._cells[channel * LEVELS + level]
        cell[0] = min(cell[0] + 1, _LOCKED - 1)
        operating, ticks = self._now()
        self._penalties[channel] = self._penalty(channel)
        self._penalties_since[channel] = ticks
        is_lock = cell[0] >= self._parameters.max_attempts
        if is_lock:
            cell[0], cell[1] = _LOCKED, operating + self._parameters.lock_hours * _HOUR_S
        self._save()
        self._report(level, channel, is_lock)

    def succeeded(self, level: int, channel: int) -> None:
        """A client has logged in, which ends the row of wrong ones."""
        cell = self._cells[channel * LEVELS + level]
        if 0 < cell[0] < _LOCKED:
            cell[0] = 0
            self._save()

    def locked(self, level: int, channel: int) -> bool:
        """Whether no password or proof is looked at: the level is locked, or the channel has to wait."""
        self.update()
        return self._cells[channel * LEVELS + level][0] == _LOCKED or self._penalties[channel] > 0

    def penalty_ms(self, channel: int) -> int:
        """For how long the channel still has to wait, ms."""
        return self._left(channel, self._now()[1])

    @property
    def any_locked(self) -> bool:
        """Whether a level is locked on some channel."""
        return any(cell[0] == _LOCKED for cell in self._cells)

    def _penalty(self, channel: int) -> int:
        """How long the channel waits after the wrong ones it has had, on all levels together, ms."""
        wrong = 0
        for cell in self._cells[channel * LEVELS : (channel + 1) * LEVELS]:
            wrong += cell[0] if cell[0] != _LOCKED else 0
        return 0 if wrong < 2 else _FIRST_PENALTY_MS << min(wrong - 2, _DOUBLINGS)

    def _left(self, channel: int, ticks: int) -> int:
        return max(0, self._penalties[channel] - (ticks - self._penalties_since[channel] & _TICKS_MASK))

    def _save(self) -> None:
        self.is_saved = False
        if not self._loaded:
            return
        payload = bytes([self._seal_was_broken]) + b"".join([struct.pack(_CELL, *cell) for cell in self._cells])
        try:
            self._record.save_twice(payload)
            self.is_saved = True
        except OSError:
            pass  # in force all the same, and saved by the next update


def _is_over(end: int, operating: int) -> bool:
    """Whether a lock has ended. More than the longest one is left only when the operating time has run over."""
    return not 0 < end - operating <= _LONGEST_LOCK_S
