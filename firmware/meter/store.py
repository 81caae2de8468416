"""What the meter keeps in its FRAM while it runs: energy totals and counters, each a two-slot record."""

from meter.events import error_register as error
from meter.storage import layout, records
from meter.tariff import counters, energy_registers


class Store:
    """Loads and saves `energies` and `counters`; notes trouble in `errors` (events.error_register.ErrorRegister)."""

    def __init__(self, memory, energies, counter_set, errors):
        area = layout.ENERGY
        self._energy_record = records.Record(memory, area.address, area.capacity, energy_registers.VERSION)
        area = layout.COUNTERS
        self._counter_record = records.Record(memory, area.address, area.capacity, counters.VERSION)
        self._energies, self._counters, self._errors = energies, counter_set, errors

    def load(self) -> None:
        """Take the stored values over; a new meter starts at zero, and so does one whose both slots are damaged,
        which the error register then says. OSError if the memory does not answer."""
        for record, owner in ((self._energy_record, self._energies), (self._counter_record, self._counters)):
            payload = record.load()
            if payload is not None:
                owner.unpack(payload)
            elif record.status != records.EMPTY:
                self._errors.set(error.BACKUP_DATA)

    def save_energies(self) -> None:
        """Every half second. A failing memory is noted; the totals in RAM go on and the next call tries again."""
        self._save(self._energy_record, self._energies)

    def save_counters(self) -> None:
        self._save(self._counter_record, self._counters)

    def _save(self, record, owner) -> None:
        try:
            record.save(owner.pack())
        except OSError:
            self._errors.set(error.MAIN_MEMORY)
