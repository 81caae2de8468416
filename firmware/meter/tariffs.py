"""The billing part of the meter, made of its parameters: rates, demand, billing periods and load profiles.

tariff/README.md says how they work together; here is which a meter of a type has, and where they are kept.
"""

import errno

from drivers.nor_flash import W25Q128
from meter.cosem.registration import Registration
from meter.face.control_inputs import ControlInputs
from meter.metrology.energies import channels, energy_list
from meter.metrology.networks import NETWORKS
from meter.storage import layout
from meter.storage.file_flash import FileFlash
from meter.storage.records import Record
from meter.storage.ring import Ring
from meter.tariff import billing, switch_table, tariff_record
from meter.tariff.billing import Billing
from meter.tariff.control_table import ControlTable
from meter.tariff.demand import Demand
from meter.tariff.energy_record import EnergyRecord
from meter.tariff.engine import Engine
from meter.tariff.load_profile import LoadProfile, entry_size
from meter.tariff.power_factor import PowerFactor
from meter.tariff.rated_registers import RatedRegisters
from meter.tariff.rates import Rates
from meter.tariff.time_switch import TimeSwitch

# Stage, index, sectors in the flash chip, or as files without one
_PROFILES = (
    (layout.PROFILE_1_STAGE, layout.PROFILE_1_INDEX, layout.PROFILE_1_SECTORS, layout.PROFILE_1_FILES),
    (layout.PROFILE_2_STAGE, layout.PROFILE_2_INDEX, layout.PROFILE_2_SECTORS, layout.PROFILE_2_FILES),
)
_STORED_VALUES = (
    (layout.BILLING_STAGE, layout.BILLING_INDEX, layout.BILLING_SECTORS, layout.BILLING_FILES),
    (layout.SNAPSHOT_STAGE, layout.SNAPSHOT_INDEX, layout.SNAPSHOT_SECTORS, layout.SNAPSHOT_FILES),
)


class Tariffs:
    """`read_moment(name)`: a value of a moment for the profiles, in thousandths (tariff.load_profile).

    `rated`, `demand`, `billing`, `profiles`, `rates`, `time_switch`, `control_table`, `engine`: the parts, which the
    object model shows. `record`: totals and rated registers as they are stored together. `locked` is to be set when the
    memory did not answer at start: no command is kept over what could not be read.
    """

    def __init__(self, board, memory, parameters, type_code, clock, energies, journal, read_moment):
        active_only = not type_code.has_reactive
        self._energies, self._clock = energies, clock
        self.locked = False
        self._control_inputs = ControlInputs(board.control_inputs)
        self.rated = RatedRegisters(energy_list(parameters.rated_quantities, active_only), parameters.rates)
        self.record = EnergyRecord(energies, self.rated)
        demanded = energy_list(parameters.demand_quantities, active_only) if type_code.has_demand else ()
        period_s = parameters.demand_period_min * 60
        self.demand = Demand(energies, demanded, parameters.rates, period_s, parameters.demand_subperiods)
        if not active_only:
            self.demand.power_factor = PowerFactor(energies, self.demand.subperiods)
        self.flash_found = False
        self._flash = flash = _flash(board)

        def make_ring(places: tuple, size: int) -> Ring:
            stage, index, sectors, files = places
            return Ring(memory, flash, stage, index, files if board.flash_cs is None else sectors, size)

        stored = tuple([make_ring(places, billing.ENTRY_SIZE) for places in _STORED_VALUES])
        self.billing = Billing(stored, energies, self.rated, self.demand)
        registration = Registration(parameters, NETWORKS[parameters.network])
        if registration.by_period:
            self.billing.rated_unit = registration.energy_scale("Wh", registration.rated)
        self.profiles: tuple = ()
        if type_code.has_load_profile:
            texts = parameters.profile_1_channels, parameters.profile_2_channels
            minutes = parameters.profile_1_period_min, parameters.profile_2_period_min
            for n in range(len(texts)):
                shown = channels(texts[n], active_only)
                ring = make_ring(_PROFILES[n], entry_size(shown))
                self.profiles += (LoadProfile(ring, shown, minutes[n] * 60, energies, read_moment),)
        self.time_switch = TimeSwitch(memory, clock.calendar)
        self.control_table = ControlTable(memory, type_code)
        self.rates = Rates(type_code, self.time_switch, self.control_table, parameters, clock, journal.note)
        area = layout.TARIFF
        record = Record(memory, area.address, area.capacity, tariff_record.VERSION)
        self.engine = Engine(record, clock, self.rates, self.demand, self.billing, self.profiles, parameters)
        self.engine.note = journal.note
        self.engine.reset_plan.date = lambda days: clock.calendar.date(days)
        self._rings = stored + tuple([profile.ring for profile in self.profiles])

    def load(self) -> None:
        """Take over what is stored, after the energies. OSError if the FRAM does not answer; `flash_found` is about the
        flash, without which the newest entries are still there."""
        try:
            self._flash.check_id()
            self.flash_found = True
        except OSError:
            pass
        self.time_switch.load()
        self.control_table.load()
        self.engine.load()

    @property
    def inputs(self) -> int:
        """The control inputs that are on, bit n - 1 is input n; to be asked once an interval."""
        return self._control_inputs.read()

    def reset_by_button(self) -> "int | None":
        """A billing reset now, wanted by the reset button: 0 when it is made; for how many seconds the button is still
        locked out; None if it may not reset. OSError if the values cannot be stored, or would be cleared at once."""
        if self.engine.closing:
            raise OSError(errno.EAGAIN, "reset: something is about to be cleared")
        utc = self._clock.utc()
        left = self.billing.lockout_s(billing.BUTTON, utc)
        return 0 if self.engine.reset(billing.BUTTON, utc) else left or None

    def add(self, increment) -> None:
        """Book the energies of an interval."""
        self._energies.add(increment)
        self.rated.add(increment.rows[0], self.rates.energy)

    def command(self, selector: int) -> None:
        """As tariff.rates.Rates.command, and it outlasts the supply. ValueError also if it means a rate that has no
        registers, OSError if it cannot be kept; then nothing has changed."""
        if selector and max(switch_table.outputs(selector)[:2]) > self.rated.rates:
            raise ValueError("no registers of this rate: %d" % selector)
        self._tell(self.rates.command, selector)

    def switch(self, script: int) -> None:
        """The same with Rates.switch."""
        self._tell(self.rates.switch, script)

    def _tell(self, change, script: int) -> None:
        before = self.rates.pack()
        change(script)
        if self.locked or not self.engine.keep():
            self.rates.unpack(before)
            raise OSError(errno.EIO, "command: not kept")

    def tend(self) -> bool:
        """Move a little of what waits to the flash; True if there is more to do. OSError if the flash fails."""
        is_busy = False
        for ring in self._rings:
            is_busy = ring.tend() or is_busy
        return is_busy


def _flash(board):
    if board.flash_cs is None:
        return FileFlash("rings", layout.FILE_SECTORS)
    return W25Q128(board.fram_spi, board.flash_cs)
