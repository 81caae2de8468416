"""Stands for the meter behind the object model, with values that tell where they come from. For either interpreter."""

from meter import calendar
from meter.cosem.registration import Registration
from meter.events.log import EventLog
from meter.inspection import Inspection
from meter.metrology.energies import NAMES, channels, energy_list
from meter.metrology.networks import NETWORKS
from meter.parameters import Parameters
from meter.storage.layout import PARAMETERS, Area
from meter.storage.records import Record
from meter.storage.ring import Ring
from meter.tariff import billing, tariff_record
from meter.tariff.billing import Billing
from meter.tariff.control_table import ControlTable
from meter.tariff.counters import Counters
from meter.tariff.demand import Demand
from meter.tariff.energy_registers import EnergyRegisters
from meter.tariff.engine import Engine
from meter.tariff.load_profile import LoadProfile, entry_size
from meter.tariff.power_factor import PowerFactor
from meter.tariff.rated_registers import RatedRegisters
from meter.tariff.rates import Rates
from meter.tariff.time_switch import TimeSwitch
from meter.terminals import Terminals
from meter.type_code import TypeCode

KWH = 3_600_000_000  # mWs
ROW_STEP, NAME_STEP = 100 * KWH, KWH  # the total of name n in row r is r * 100 + n + 1 kWh


def log_area(sectors, address=0):
    """Room for an event log of so many sectors, of 14 entries each."""
    return Area("small event log", address, 2 * (4 + 12) + 2 * 256 + sectors * (256 + 16))


RING = log_area(8)


class Ram:
    """An empty memory."""

    def __init__(self, size=0x10000):
        self.content = bytearray(size)

    def read_into(self, address, buf):
        buf[:] = self.content[address : address + len(buf)]

    def write(self, address, buf):
        self.content[address : address + len(buf)] = buf


class Unwritten:
    """An empty memory that takes no room before it is written."""

    content = None

    def read_into(self, address, buf):
        if self.content is None:
            buf[:] = bytes(len(buf))
        else:
            self.content.read_into(address, buf)

    def write(self, address, buf):
        if self.content is None:
            self.content = Ram()
        self.content.write(address, buf)


class Flash:
    """Small sectors that are done at once; `read` are those that have been read."""

    sector_size, sectors = 1024, 64

    def __init__(self):
        self.content = {}
        self.read = []

    def read_into(self, address, buf):
        sector, at = divmod(address, self.sector_size)
        self.read.append(sector)
        buf[:] = self.content.get(sector, b"\xff" * self.sector_size)[at : at + len(buf)]

    def busy(self):
        return False

    def start_erase(self, sector):
        self.content[sector] = bytearray(b"\xff" * self.sector_size)

    def program(self, address, buf):
        sector, at = divmod(address, self.sector_size)
        for n in range(len(buf)):
            self.content[sector][at + n] &= buf[n]


class Increment:
    """Energies of one interval: `rows[row][name]`."""

    def __init__(self, rows):
        self.rows = rows


def rising_increment():
    return Increment([[ROW_STEP * row + NAME_STEP * (n + 1) for n in range(len(NAMES))] for row in range(4)])


class Actual:
    """230 V, 5 A, 30 degrees behind, in a field turning L1 L2 L3; phase n a little different."""

    u_sym = [0.5, 230.0, 2.3]
    i_sym = [0.1, 5.0, 0.25]
    totals = {"f": 50.0123, "p": 2987.7, "q": -1725.1, "s": 3450.0, "pf": -0.866, "i0": 0.0421}
    firsts = {"u": 230.0, "i": 5.0, "p": 995.9, "q": -575.0, "s": 1150.0, "pf": 0.866, "u_angle": 0.0, "lag": 30.0}

    def total(self, quantity):
        return self.totals[quantity]

    def phase(self, quantity, n):
        if quantity == "lag":
            return self.firsts[quantity]
        if quantity == "u_angle":
            return (self.firsts[quantity] + 120.0 * n) % 360.0
        return self.firsts[quantity] + n


class Harmonics:
    """Order h of phase n: h + n / 10 (V, A); nothing is known of L3."""

    def u(self, n, h):
        return None if n == 2 else h + n / 10

    i = u

    def thd_u(self, n):
        return 1.5 + n

    def thd_i(self, n):
        return 20.25 + n


class Clock:
    """It is 2026-11-22 16:40:56."""

    valid = True
    calendar = wire = calendar
    on_other_base = False
    base = 1
    period_s = 900
    preset = None

    def __init__(self, ahead=0, daylight_saving=False):
        self.now = 848_680_856  # seconds since 2000
        self.offset = ahead  # minutes
        self.daylight_saving = daylight_saving

    def utc(self):
        return self.now

    def zone(self, utc):
        return self.offset, self.daylight_saving, 0, 1 << 40

    def to_utc(self, local, last=False):
        return local - self.offset * 60

    def adjust(self, seconds):
        self.now += seconds

    def fields(self):
        return calendar.fields(self.now + self.offset * 60)


class Pin:
    """An output."""

    level = 0

    def value(self, level=None):
        if level is not None:
            self.level = level
        return self.level


class Board:
    """Its terminals."""

    def __init__(self):
        self.outputs = tuple([Pin() for _ in range(6)])
        self.relay = Pin()


class Sources:
    """The owners of all values."""

    test_mode = Inspection(lambda: 0, lambda on: None)
    error_text, serial_number, firmware_version = "00000000", "60800001", "P01"
    type_designation, logical_device_name, system_title = "ZMG405CR4.260b.43", "LGZ405CR60800001", b"LGZ" + bytes(5)
    security = None
    wiring_text, wiring_code = "reversed field, no I2", "000820"
    audit_text, calibration_readings, calibration_record = "00000000", "1,2,3", "4,5,6"

    def __init__(self, sum_channels=((), ()), actual=None):
        self.energies = EnergyRegisters(sum_channels)
        self.energies.add(rising_increment())
        self.counters = Counters()
        self.counters.add("power_failures", 3)
        self.actual = actual or Actual()
        self.harmonics = Harmonics()
        self.clock = Clock()
        self.log = EventLog(Ram(RING.end), RING)
        self.event_log = self.log
        self.scripts = {}
        self.moments = {}  # values of a moment, in thousandths
        self.noted = []  # events of the engine

    def equip(self, type_code, parameters):
        """Have the billing part of a meter of this type, if there is none yet."""
        self.type_code = type_code
        if not hasattr(self, "engine"):
            self.switch_rates(type_code, parameters)
            self.bill(type_code, parameters)

    def switch_rates(self, type_code, parameters):
        """Have what switches rates, as a meter of this type that was never set up."""
        self.time_switch = TimeSwitch(Unwritten())
        self.control_table = ControlTable(Unwritten(), type_code)
        self.rates = Rates(type_code, self.time_switch, self.control_table, parameters, self.clock)
        total = self.energies.get
        self.terminals = Terminals(Board(), Unwritten(), parameters, type_code, total, self.rates, lambda: False)

    def bill(self, type_code, parameters):
        """Have registers by rate, demand, billing periods and profiles, as a meter of this type that starts now for the
        first time: on small rings, 16 stored periods and 256 rows of six channels each."""

        active_only = not type_code.has_reactive

        def ring(n, size):
            stage, index = Area("stage", 0x800 * n, 0x800), Area("index", 0x2000 + 0x100 * n, 0x100)
            found = Ring(self.fram, self.flash, stage, index, (16 * n, 16), size)
            self.rings.append(found)
            return found

        self.fram, self.flash, self.rings = Ram(0x4000), Flash(), []
        self.rated = RatedRegisters(energy_list(parameters.rated_quantities, active_only), parameters.rates)
        demanded = energy_list(parameters.demand_quantities, active_only) if type_code.has_demand else ()
        period_s = parameters.demand_period_min * 60
        self.demand = Demand(self.energies, demanded, parameters.rates, period_s, parameters.demand_subperiods)
        if not active_only:
            self.demand.power_factor = PowerFactor(self.energies, self.demand.subperiods)
        stored = tuple([ring(n, billing.ENTRY_SIZE) for n in (0, 1)])
        self.billing = Billing(stored, self.energies, self.rated, self.demand)
        registration = Registration(parameters, NETWORKS[parameters.network])
        if registration.by_period:
            self.billing.rated_unit = registration.energy_scale("Wh", registration.rated)
        self.profiles: tuple = ()
        for n in (1, 2) if type_code.has_load_profile else ():
            name = "profile_" + str(n)
            shown = channels(parameters.get(name + "_channels"), active_only)
            step_s = parameters.get(name + "_period_min") * 60
            read = self.moments.get
            profile = LoadProfile(ring(n + 1, entry_size(shown)), shown, step_s, self.energies, read)
            self.profiles += (profile,)
        record = Record(self.fram, 0x2800, 0x0BF0, tariff_record.VERSION)
        arguments = self.demand, self.billing, self.profiles, parameters
        self.engine = Engine(record, self.clock, self.rates, *arguments)
        self.engine.note = self.note
        self.engine.load()
        self.engine.power_up(self.clock.now)
        self.commit()

    def note(self, *event):
        self.noted.append(event)

    def commit(self):
        """What has been appended lasts, and moves to the flash when a sector is full."""
        for ring in self.rings:
            ring.commit()
            while ring.tend():
                pass

    def book(self, utc, **energies):
        """So much energy has come until `utc`, in mWs by name, at the rates that hold."""
        row = [energies.get(name, 0) for name in NAMES]
        self.energies.add(Increment([row, [0] * len(NAMES), [0] * len(NAMES), [0] * len(NAMES)]))
        self.rated.add(row, self.rates.energy)
        self.clock.now = utc
        self.engine.tick(utc)
        self.commit()

    def set_clock(self, utc):
        self.clock.now = utc

    def write_calibration(self, text):
        if text == "bad":
            raise ValueError
        self.calibration_record = text


def parameters_with(values):
    """A parameter set that differs from the default in these values."""
    parameters = Parameters(Ram(PARAMETERS.end))
    for name in values:
        parameters.set(name, values[name], 4)
    return parameters


def make_model(designation="ZMG405CR4.260b.43", values=None, sources=None):
    """The object model of a meter of that type with these parameter values."""
    from meter.cosem.model import ObjectModel
    from meter.metrology.energies import sum_channel

    parameters = parameters_with(values or {})
    if sources is None:
        sources = Sources((sum_channel(parameters.sum_channel_1), sum_channel(parameters.sum_channel_2)))
    type_code = TypeCode(designation)
    sources.equip(type_code, parameters)
    return ObjectModel(sources, parameters, type_code)
