"""The billing part as it ships, on memories that outlive it and may lose their supply at any byte.

`World` is what stays: the FRAM, byte by byte as it is written, the flash chip, and the settings. `Life` is the firmware
from one power-on to the next: Store, Tariffs and what they are made of, called in the order in which the meter calls
them. Time is the test's: every call says what time it is.
"""

from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import Any

import micropython_names

from host_tests.model_sources import Increment
from host_tests.power_cut import PowerCut
from host_tests.ring_bench import SmallFram, Supply
from host_tests.tariff_bench import shown_rows
from host_tests.wires import DirectPin, DirectSPI, Wires
from meter import calendar, persian
from meter.events.error_register import ErrorRegister
from meter.metrology.energies import NAMES
from meter.parameters import Parameters
from meter.storage.layout import MEMORY_SIZE
from meter.store import Store
from meter.tariff.clock import Clock
from meter.tariff.counters import NAMES as COUNTERS
from meter.tariff.counters import Counters
from meter.tariff.energy_registers import EnergyRegisters
from meter.tariff.load_profile import END_INTERNAL
from meter.tariff.time_switch import TimeSwitch
from meter.tariffs import Tariffs
from meter.type_code import TypeCode
from tools.bench.nor_flash import NorFlash

TYPE = TypeCode("ZMG405CR4.260b.43")
NOTHING = [0] * len(NAMES)
POLL_S = 0.02  # between two steps of moving a sector, as in the meter
UTILITY = 4  # access level
TELLING_OF_CUTS = 16  # entries among the newest, at most


class World:
    """What outlives the firmware; `settings` are parameters by name, set before the first start. Tests that make one
    give the time back in the end: micropython_names.follow(None)."""

    def __init__(self, seed: int = 0, **settings: Any) -> None:
        self.supply = Supply(seed)
        self.fram = SmallFram(self.supply, MEMORY_SIZE)
        self.chip = NorFlash(seed=seed)
        self.noted: list[tuple[int, int, int]] = []
        self.power_on()
        parameters = Parameters(self.fram)
        for name, value in settings.items():
            parameters.set(name, value, UTILITY)
        self.calendar = persian if parameters.calendar == "persian" else calendar

    def time_switch(self) -> TimeSwitch:
        """That of a meter that has not started yet."""
        return TimeSwitch(self.fram, self.calendar)

    def copy(self, seed: int = 0) -> World:
        """Another one with the same memories."""
        other = World.__new__(World)
        other.supply = Supply(seed)
        other.fram = SmallFram(other.supply, 0)
        other.fram.content = bytearray(self.fram.content)
        other.chip = NorFlash(self.chip.content, seed=seed)
        other.noted, other.calendar = [], self.calendar
        other.power_on()
        return other

    def power_on(self) -> None:
        """The supply is there, after it was not: what the flash chip was at is torn."""
        self.supply.left = None
        self.chip.cancel_cut()
        self.wires = Wires(self.chip)
        micropython_names.follow(self.wires)
        self.chip.power(False, 0)
        self.chip.power(True, 0)

    def power_off(self) -> None:
        self.chip.power(False, self.wires.t_ns)

    def cut_while_programming(self, byte: int) -> None:
        """The supply goes when so many bytes more are in the flash, and some bits of the next one."""
        self.chip.cut_after(byte, _stop, torn_byte=True)

    def cut_while_erasing(self, part: float) -> None:
        self.chip.cut_in_erase(part, _stop)


def _stop() -> None:
    raise PowerCut


class Life:
    """The firmware from a power-on on, at the time `utc`."""

    def __init__(self, world: World, utc: int) -> None:
        self.world = world
        self.errors, self.counters, self.energies = ErrorRegister(), Counters(), EnergyRegisters()
        self.parameters = parameters = Parameters(world.fram)
        parameters.load()
        self.clock = Clock(None, parameters)
        self.clock.valid = True
        cs = DirectPin.chip_select(world.chip, world.wires)
        board = SimpleNamespace(control_inputs=(), fram_spi=DirectSPI(world.chip, world.wires), flash_cs=cs)
        journal = SimpleNamespace(note=lambda *event: world.noted.append(event))
        self.tariffs = tariffs = Tariffs(
            board, world.fram, parameters, TYPE, self.clock, self.energies, journal, lambda name: None
        )
        self.rated, self.demand, self.billing = tariffs.rated, tariffs.demand, tariffs.billing
        self.profiles, self.engine = tariffs.profiles, tariffs.engine
        self.store = Store(world.fram, tariffs.record, self.counters, self.errors)
        self.store.load()
        tariffs.load()
        assert tariffs.flash_found and self.store.loaded
        self.found_utc = tariffs.record.utc
        self.engine.power_up(utc, tariffs.record.utc)
        self._increment = Increment([NOTHING, NOTHING, NOTHING, NOTHING])

    def book(self, utc: int, **amounts: int) -> None:
        """An interval has ended at `utc`, with these energies in mWs (mvars)."""
        self.save(utc, **amounts)
        self.engine.tick(utc, 0)
        assert self.engine.is_saved and not self.engine.rings_failed

    def save(self, utc: int, **amounts: int) -> None:
        """The first half of it: what must not be lost is kept."""
        row = NOTHING.copy()
        for name, amount in amounts.items():
            row[NAMES.index(name)] = amount
        self._increment.rows[0] = row
        self.tariffs.add(self._increment)
        self.tariffs.record.utc = utc
        assert self.store.save_energies()

    def power_down(self, utc: int) -> None:
        """Mains has gone, and the supply holds for long enough."""
        self.save(utc)
        self.engine.power_down(utc)
        self.store.save_counters()

    def archive(self, steps: int = -1) -> None:
        """Move what waits to the flash, or so many steps of that."""
        while steps and self.tariffs.tend():
            self.world.wires.run(POLL_S)
            steps -= 1

    def rows(self, n: int, count: int | None = None) -> list[tuple]:
        """The last `count` entries of a profile, or all: time, status, values."""
        ring = self.profiles[n].ring
        first = ring.oldest if count is None else max(ring.oldest, ring.newest + 1 - count)
        return [tuple(row[1:]) for row in shown_rows(self.profiles[n], [(first, ring.newest)])]


def shown(life: Life, entries: int = 1 << 30) -> dict[str, Any]:
    """All that a client could see, but for the entries of profiles that tell of a cut; of the other ones the last
    `entries`."""
    names, demanded, rates = life.rated.quantities, life.demand.quantities, range(1, life.rated.rates + 1)
    billing, factor = life.billing, life.demand.power_factor
    stored = [billing.stored(n, scheme) for scheme in (0, 1) for n in range(1, billing.available(scheme) + 1)]
    return {
        "totals": [life.energies.get(name, row) for name in NAMES for row in range(4)],
        "rated": [life.rated.get(name, rate) for name in names for rate in rates],
        "maxima": [life.demand.maximum(name, rate) for name in demanded for rate in rates],
        "cumulated": [life.demand.cumulated(name, rate) for name in demanded for rate in rates],
        "power factors": (factor and (factor.last, factor.least, factor.least_utc), billing.power_factor()),
        "averages": [(life.demand.last(name), life.demand.current(name)) for name in demanded],
        "resets": (billing.count, billing.utc, billing.source, bytes(billing.begin._data)),
        "stored": [each and (each.utc, bytes(each._data)) for each in stored],
        "lockouts": [billing.lockout_s(source, billing.utc) for source in (1, 2, 3)],
        "profiles": [regular(profile, entries) for profile in life.profiles],
        "parameters": {name: life.parameters.get(name) for name in life.parameters.names()},
        "tables": [life.tariffs.time_switch._parts, life.tariffs.time_switch.activation],
        "control": life.tariffs.control_table.text,
        "commands": life.tariffs.rates.pack(),
        "counters": [life.counters.get(name) for name in COUNTERS],
        "damaged": (
            life.engine.damaged,
            life.errors.bits,
            life.tariffs.time_switch.damaged,
            life.tariffs.control_table.damaged,
            life.parameters.checksum_error,
            life.parameters.replaced,
        ),
    }


def regular(profile: Any, entries: int) -> list[tuple]:
    """Time and payload of the last entries with which intervals ended by the clock; all must be whole."""
    found = []
    for _, utc, payload in profile.ring.walk(profile.ring.newest - entries - TELLING_OF_CUTS, profile.ring.newest):
        assert payload is not None
        status = struct.unpack_from("<I", payload, 0)[0]
        if status & END_INTERNAL:
            found.append((utc, payload))
    return found[-entries:]
