"""The calibration record in the FRAM: loaded with care, because a meter with a wrong one counts wrong.

It is written twice. One damaged copy is mended from the other; without any good copy the meter measures uncorrected and
must not count.
"""

import errno

from micropython import const

from meter.factory import AreaImage
from meter.metrology import calibration
from meter.storage.layout import CALIBRATION
from meter.storage.records import FOREIGN, UNKNOWN, Record

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from meter.metrology.calibration import Calibration
    from meter.storage.records import Memory

_BOTH = 2


class CalibrationStore:
    """`calibration` is the one in force, nominal while there is no good record.

    `valid`: energy may be counted with it. `damaged`: something is wrong with the stored one, be it with one copy only.
    `locked`: to be set when the memory did not answer at start: nothing is saved over what could not be read.
    """

    def __init__(self, memory: "Memory"):
        self.calibration = calibration.nominal()
        self.valid = False
        self.damaged = False
        self.locked = False
        self._record = _record(memory)

    def load(self) -> None:
        """Take the stored record over and mend a damaged copy. OSError if the memory does not answer."""
        payload = self._record.load()
        self.damaged = self._record.whole_slots < _BOTH
        try:
            if payload is None:
                raise ValueError("calibration: no record")
            self.calibration = calibration.unpack_record(payload)
            self.valid = True
        except ValueError:  # never calibrated, both copies lost, or a good copy of what is no calibration
            self.calibration = calibration.nominal()
            self.valid = False
            self.damaged = True
            return
        if self.damaged:
            self._record.save_twice(payload)

    def save(self, new: "Calibration") -> None:
        """Keep `new` and use it, as one calibration more. ValueError if the stored record is a newer firmware's,
        OSError if the memory fails: then the old one holds. If only one copy could be written, it is `damaged`."""
        if self.locked:
            raise OSError(errno.EIO, "calibration: the stored one could not be read")
        if self._record.status == UNKNOWN:
            self.load()
        if self._record.status == FOREIGN:
            raise ValueError("calibration: the record is of a newer firmware")
        counted = calibration.Calibration(new.phases, new.temperature, new.time, self.calibration.count + 1)
        self.damaged = not self._record.save_twice(counted.pack())
        self.calibration = counted
        self.valid = True


def image(record: "Calibration") -> bytes:
    """The content of the calibration area, to be put at `layout.CALIBRATION.address` of a new memory."""
    area = AreaImage(CALIBRATION.address, CALIBRATION.size)
    _record(area).save_twice(record.pack())
    return bytes(area.content)


def _record(memory: "Memory") -> Record:
    return Record(memory, CALIBRATION.address, CALIBRATION.capacity, calibration.VERSION)
