"""What the meter saves in its FRAM all the time: energies and counters, each a two-slot record."""

import errno

from meter.events import error_register as error
from meter.storage import layout, records
from meter.tariff import counters, energy_record


class Store:
    """Loads and saves `energies` (tariff.energy_record.EnergyRecord) and `counters`; notes trouble in `errors`
    (events.error_register.ErrorRegister).

    Nothing is ever saved over a record that has not been read: `loaded` says whether all could be,
    `foreign` that they were written by a newer firmware.
    """

    def __init__(self, memory, energies, counter_set, errors):
        self.loaded = False
        self.foreign = False
        self._memory = memory
        self._errors = errors
        area = layout.ENERGY
        record = records.Record(memory, area.address, area.capacity, energy_record.VERSION, energy_record.READABLE)
        self._energies = record, energies
        area = layout.COUNTERS
        self._counters = (
            records.Record(memory, area.address, area.capacity, counters.VERSION, counters.READABLE),
            counter_set,
        )

    def load(self) -> None:
        """Take the stored values over. A new meter starts at zero, and so does one whose both slots are damaged, which
        the error register then says. A memory that does not answer, or holds the records of a newer firmware, is noted
        and left alone."""
        try:
            self._load(*self._energies)
            self._load(*self._counters)
            self.loaded = True
        except OSError:
            self._errors.set(error.MAIN_MEMORY)

    def save_energies(self) -> bool:
        """Every half second. A failing memory is noted; the totals in RAM go on and the next call tries again. True if
        they are kept."""
        return self._save(*self._energies)

    def save_counters(self) -> None:
        self._save(*self._counters)

    def _load(self, record, owner) -> None:
        # A silent memory must not pass for an empty one: it has to answer before and after.
        self._memory.check_id()
        payload = record.load()
        self._memory.check_id()
        if payload is not None:
            owner.unpack(payload)
        elif record.status == records.FOREIGN:
            self.foreign = True
            raise OSError(errno.EIO, "store: records of a newer firmware")
        elif record.status != records.EMPTY:
            self._errors.set(error.BACKUP_DATA)

    def _save(self, record, owner) -> bool:
        if not self.loaded:
            return False
        try:
            record.save(owner.pack())
            return True
        except OSError:
            self._errors.set(error.MAIN_MEMORY)
            return False
