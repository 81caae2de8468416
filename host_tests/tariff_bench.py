"""A meter's registers with what drives them, on memories that outlive it and may lose their supply at any step.

For either interpreter. `World` is what stays: the FRAM, the rings, the clock's zone. `Life` is the firmware from one
power-on to the next. Time is the test's: every call says what time it is.
"""

from host_tests.model_sources import Increment, Ram
from host_tests.power_cut import PowerCut
from meter.metrology.energies import AVERAGE, MOMENT, NAMES, NO_VALUE, STATUS, channels, energy_list
from meter.storage import layout
from meter.storage.records import Record
from meter.tariff import energy_record, tariff_record
from meter.tariff.billing import ENTRY_SIZE, Billing
from meter.tariff.demand import Demand
from meter.tariff.energy_record import EnergyRecord
from meter.tariff.energy_registers import EnergyRegisters
from meter.tariff.engine import Engine
from meter.tariff.load_profile import LoadProfile, entry_size
from meter.tariff.periods import FAR
from meter.tariff.power_factor import PowerFactor
from meter.tariff.rated_registers import RatedRegisters

NOTHING = [0] * len(NAMES)
SPAN = 7  # entries that a ring's index has one time for, and has room for before they are committed


class Supply:
    """Lasts for `left` more halves of a step that changes a memory: before a step and in its middle."""

    def __init__(self):
        self.left = -1
        self.steps = 0

    def use(self):
        """True: the step is done half, and then the supply is gone."""
        self.steps += 1
        if self.left < 0:
            return False
        if self.left == 0:
            self.left = -1
            raise PowerCut
        if self.left == 1:
            self.left = -1
            return True
        self.left -= 2
        return False


class Memory(Ram):
    """FRAM; `broken`: it refuses to be written."""

    def __init__(self, supply):
        super().__init__()
        self.supply = supply
        self.broken = False

    def write(self, address, buf):
        if self.broken:
            raise OSError(5, "memory")
        if self.supply.use():
            super().write(address, buf[: len(buf) // 2])
            raise PowerCut
        super().write(address, buf)


class Ring:
    """The contract of storage/ring.py on a list. Entries that were never committed are gone in the next life."""

    def __init__(self, kept, supply, payload_size, capacity):
        self._kept, self._supply, self._size = kept, supply, payload_size
        self.capacity = capacity
        self.newest = self._committed = 0
        self._is_cleared = False  # but all entries are still there for the next start
        self.broken = False

    @property
    def oldest(self):
        return max(1, self.newest - self.capacity + 1)

    def restore(self, newest):
        assert newest <= len(self._kept)
        del self._kept[newest:]
        self.newest = self._committed = newest

    def commit(self):
        self._forget()
        self._committed = self.newest

    def _forget(self):
        if self._is_cleared:
            del self._kept[:]
            self._is_cleared = False

    def append(self, utc, payload):
        if self.broken:
            raise OSError(5, "ring")
        assert len(payload) == self._size
        if self.newest - self._committed >= SPAN:
            raise OSError(11, "ring: full until the owner commits")
        torn = self._supply.use()
        self._forget()
        self._kept.append((utc, bytes(payload)))
        if torn:
            raise PowerCut
        self.newest += 1
        return self.newest

    def entry(self, n):
        return self._kept[n - 1] if self.oldest <= n <= self.newest else None

    def walk(self, first, last):
        for n in range(max(first, self.oldest), min(last, self.newest) + 1):
            entry = self._kept[n - 1]
            yield (n, None, None) if entry is None else (n, entry[0], entry[1])

    def spans(self, first_utc, last_utc):
        found = []
        for first in range(self.oldest, self.newest + 1, SPAN):
            last = min(first + SPAN - 1, self.newest)
            times = [utc for _, utc, _ in self.walk(first, last) if utc is not None]
            if not times or not (
                (first_utc is not None and max(times) < first_utc) or (last_utc is not None and min(times) > last_utc)
            ):
                found.append((first, last))
        return found

    def clear(self):
        self.newest = self._committed = 0
        self._is_cleared = True
        if self._supply.use():
            raise PowerCut


class Utc:
    """A zone without any."""

    def zone(self, _utc):
        return 0, False, -FAR, FAR

    def to_utc(self, local, _last=False):
        return local


class Rates:
    """Rate 1 from `day` to `night` o'clock in local time, rate 2 at other hours; signals as the test sets them."""

    def __init__(self, clock, day=6, night=22):
        self._clock, self._day, self._night = clock, day, night
        self.energy = self.demand = 1
        self.period_end = self.demand_inhibited = False
        self.reset_due = 0
        self.next_change = 0
        self.inputs = 0

    def update(self, utc, inputs):
        self.inputs = inputs
        local = utc + self._clock.zone(utc)[0] * 60
        self.energy = self.demand = 1 if self._day <= local // 3600 % 24 < self._night else 2
        self.next_change = min(utc + 3600 - local % 3600, self._clock.zone(utc)[3])

    def pack(self):
        return b""

    def unpack(self, data):
        assert data == b""


class Clock:
    """A clock with a zone; `valid` as the test sets it."""

    def __init__(self, zone):
        self.zone, self.to_utc = zone.zone, zone.to_utc
        self.valid = True


class Settings:
    """Parameters at their defaults, as the test sets them."""

    rated_quantities = "a_import,a_export"
    rates = 2
    demand_quantities = "a_import"
    demand_period_min = 15
    demand_subperiods = 1
    demand_control = "clock"
    demand_on_tariff_change = demand_on_reset = demand_inhibition_s = 0
    reset_sources, snapshot_sources, reset_lockout_min = 0x0F, 0, 60
    reset_day, reset_hour, reset_minute = 31, 0, 0
    profile_1_period_min, profile_1_channels = 15, "a_import,=a_import,~a_import"
    profile_2_period_min, profile_2_channels = 5, "a_import,@u1"
    shift_limit_s = 9
    changes = 0

    def __init__(self, **values):
        for name in values:
            setattr(self, name, values[name])


class World:
    """What outlives the firmware."""

    def __init__(self, zone=None, **settings):
        self.supply = Supply()
        self.fram = Memory(self.supply)
        self.kept = {}
        self.zone = zone or Utc()
        self.settings = Settings(**settings)
        self.events = []

    def ring(self, name, payload_size, capacity=100_000):
        return Ring(self.kept.setdefault(name, []), self.supply, payload_size, capacity)

    def record(self, area, module):
        readable = getattr(module, "READABLE", ())
        return Record(self.fram, area.address, area.capacity, module.VERSION, readable)


def shown_rows(profile, parts):
    """What the channels of a load profile show of its entries `parts`: (number, utc, status, values), None for what is
    not known; written from the facts alone, for the objects have an own way to it."""
    for number, utc, entry, before in profile.entries(parts):
        if entry is None:
            yield number, None, None, None
            continue
        values = []
        for n, (form, _) in enumerate(profile.channels, 1):
            if form == MOMENT:
                values.append(None if entry[n] == NO_VALUE else entry[n])
            elif form == STATUS:
                values.append(entry[n])
            elif before is None or before[n] > entry[n]:
                values.append(None)
            else:
                gained = entry[n] - before[n]
                values.append(gained // profile.step_s if form == AVERAGE else gained)
        yield number, utc, entry[0], values


class Life:
    """The firmware from a power-on at `utc` on, wired as the meter wires it."""

    has_power_factor = True

    def __init__(self, world, utc, valid=True):
        self.world = world
        settings = world.settings
        self.clock = Clock(world.zone)
        self.clock.valid = valid
        self.moments: dict = {}
        self.energies = EnergyRegisters()
        self.rated = RatedRegisters(energy_list(settings.rated_quantities), settings.rates)
        self.energy_record = EnergyRecord(self.energies, self.rated)
        self._record = world.record(layout.ENERGY, energy_record)
        stored = self._record.load()
        if stored is not None:
            self.energy_record.unpack(stored)
        quantities = energy_list(settings.demand_quantities)
        period_s = settings.demand_period_min * 60
        self.demand = Demand(self.energies, quantities, settings.rates, period_s, settings.demand_subperiods)
        if self.has_power_factor:
            self.demand.power_factor = PowerFactor(self.energies, self.demand.subperiods)
        rings = tuple([world.ring(name, ENTRY_SIZE) for name in ("resets", "snapshots")])
        self.billing = Billing(rings, self.energies, self.rated, self.demand)
        self.profiles = []
        for name in ("profile_1", "profile_2"):
            listed = channels(getattr(settings, name + "_channels"))
            minutes = getattr(settings, name + "_period_min")
            ring = world.ring(name, entry_size(listed))
            self.profiles.append(LoadProfile(ring, listed, minutes * 60, self.energies, self.moments.get))
        self.rates = Rates(self.clock)
        record = world.record(layout.TARIFF, tariff_record)
        profiles = tuple(self.profiles)
        self.engine = Engine(record, self.clock, self.rates, self.demand, self.billing, profiles, settings)
        self.engine.note = self._note
        self.engine.load()
        self.power_up(utc)

    def power_up(self, utc):
        self.engine.power_up(utc, self.energy_record.utc)

    def _note(self, event, detail, utc):
        self.world.events.append((event, detail, utc))

    def save(self, utc):
        self.energy_record.utc = utc
        self._record.save(self.energy_record.pack())

    def book(self, utc, a_import=0, a_export=0, inputs=0):
        """An interval has ended at `utc`, with these energies in mWs."""
        row = [a_import, a_export] + NOTHING[2:]
        self.energies.add(Increment([row, NOTHING, NOTHING, NOTHING]))
        self.rated.add(row, self.rates.energy)
        self.save(utc)
        self.engine.tick(utc, inputs)

    def rows(self, n=0, first=None, last=None):
        profile = self.profiles[n]
        return list(shown_rows(profile, profile.select(first, last)))
