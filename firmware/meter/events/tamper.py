"""Covers and magnet: what opens the meter or disturbs it, also while it is off.

What has been logged last is on record. A start compares with it, so a cover that was opened without mains, and still
is open, is logged then. The event comes before the record: power lost between the two logs it twice, never not at all.
"""

from micropython import const

from meter.storage.layout import TAMPER
from meter.storage.records import Record

MAGNET = const(64)  # signals, in the order of the control table's names
COVER = const(128)

_VERSION = const(1)
# Attribute of the board, events when it comes on and goes off (the front cover's are our own), signal
_INPUTS = (
    ("terminal_cover", 133, 187, COVER),
    ("front_cover", 170, 171, COVER),
    ("magnet", 134, 188, MAGNET),
)


class Tamper:
    """The pins of `board`: high is open, or a strong field; None where there is none. `memory`: a records.Memory.
    `note(event)` logs an event.

    `signals`: of those that are on; after `load` of those that were. `is_saved`: what has been logged is on record,
    else each look tries again.
    """

    def __init__(self, board, memory, note):
        self.signals = 0
        self.is_saved = True
        self._pins = [getattr(board, row[0]) for row in _INPUTS]
        self._seen = -1  # levels at the last look
        self._logged = 0  # bit n: row n is on
        self._note = note
        self._record = Record(memory, TAMPER.address, TAMPER.capacity, _VERSION)

    def load(self) -> None:
        """What was logged last. OSError if the memory does not answer."""
        payload = self._record.load()
        if payload:
            self._take(payload[0])

    def _take(self, levels: int) -> None:
        self._logged = levels
        self.signals = 0
        for n, row in enumerate(_INPUTS):
            if levels >> n & 1:
                self.signals |= row[3]

    def look(self) -> None:
        """Once a second. A change counts when two looks in a row have it: what is shorter is a disturbance."""
        levels = 0
        for n, pin in enumerate(self._pins):
            if pin is not None and pin.value():
                levels |= 1 << n
        steady = 0 if self._seen < 0 else ~(levels ^ self._seen)
        self._seen = levels
        levels = self._logged & ~steady | levels & steady
        changed = levels ^ self._logged
        for n, (_, on, off, _) in enumerate(_INPUTS):
            if changed >> n & 1:
                self._note(on if levels >> n & 1 else off)
        self._take(levels)
        if changed or not self.is_saved:
            try:
                self.is_saved = self._record.save_twice(bytes((levels,)))
            except OSError:
                self.is_saved = False
