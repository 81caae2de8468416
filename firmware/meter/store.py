"""What the meter keeps in its FRAM while it runs: energy totals and counters, each a two-slot record."""

from meter.events import error_register as error
from meter.storage import layout, records
from meter.tariff import counters, energy_registers


class Store:
    """Loads and saves `energies` and `counters`; notes trouble in `errors` (events.error_register.ErrorRegister).

    Nothing is ever saved over a record that has not been read: a memory that is silent at start and comes back later
    gives its old totals, and what was counted meanwhile is added to them.
    """

    def __init__(self, memory, energies, counter_set, errors):
        self._memory = memory
        self._errors = errors
        area = layout.ENERGY
        record = records.Record(memory, area.address, area.capacity, energy_registers.VERSION)
        self._energies = [record, energies, False]
        area = layout.COUNTERS
        record = records.Record(memory, area.address, area.capacity, counters.VERSION)
        self._counters = [record, counter_set, False]

    def load(self) -> None:
        """Take the stored values over. A new meter starts at zero, and so does one whose both slots are damaged, which
        the error register then says. A memory that does not answer is noted and tried again with each save."""
        for kept in (self._energies, self._counters):
            try:
                self._load(kept)
            except OSError:
                self._errors.set(error.MAIN_MEMORY)

    def save_energies(self) -> None:
        """Every half second. A failing memory is noted; the totals in RAM go on and the next call tries again."""
        self._save(self._energies)

    def save_counters(self) -> None:
        self._save(self._counters)

    def _load(self, kept: list) -> None:
        record, owner, _ = kept
        self._memory.check_id()  # a silent memory must not pass for an empty one
        payload = record.load()
        if payload is not None:
            owner.add_stored(payload)
        elif record.status != records.EMPTY:
            self._errors.set(error.BACKUP_DATA)
        kept[2] = True

    def _save(self, kept: list) -> None:
        try:
            if not kept[2]:
                self._load(kept)
            kept[0].save(kept[1].pack())
        except OSError:
            self._errors.set(error.MAIN_MEMORY)
