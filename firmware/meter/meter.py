"""The meter: makes its parts on a board, wires them together and runs them, in an order that can be read here.

Five tasks on one loop:
- measuring: serves the metering chip; every half second energy goes from chip to registers to FRAM;
- face: display and symbols, four times a second;
- house: once a second the clock, the counters and the watchdog;
- power: notes the end of mains and its return;
- optical port.
"""

import asyncio
import time

import machine

from drivers.ade9000 import ADE9000, ChipError
from drivers.ds3231 import DS3231
from drivers.fram import Fram
from drivers.pcf8576 import PCF8576
from meter import factory
from meter.comms.port import OpticalPort
from meter.cosem.model import DISPLAY_LIST, ObjectModel
from meter.events import error_register as error
from meter.face.display import Display
from meter.face.leds import cf_divider
from meter.face.rolling import Rolling
from meter.metrology.billing_path import BillingPath
from meter.metrology.front_end import chip_setup
from meter.metrology.sample_path import SamplePath
from meter.parameters import Parameters
from meter.store import Store
from meter.tariff.clock import Clock
from meter.tariff.counters import Counters
from meter.tariff.energy_registers import EnergyRegisters

FIRMWARE_VERSION = "P01"
MAKER = "LGZ"  # the maker code that readers of this product family look for

_SLOWEST_DIVIDER = 65535  # CFxDEN
_CHIP_WAIT_MS = 250
_CHIP_RETRY_MS = 200
_FACE_MS = 250
_BRIDGING_MS = 500  # mains may be away this long without consequence


class Meter:
    """One meter on one board. `run` never returns while the supply lasts.

    The attributes without underscore are the owners of values that the object model reaches (cosem.model).
    """

    def __init__(self, board):
        self.errors = error.ErrorRegister()
        self.energies = EnergyRegisters()
        self.counters = Counters()
        self._board = board
        self._fram = Fram(board.fram_spi, board.fram_cs)
        self._store = Store(self._fram, self.energies, self.counters, self.errors)
        self._identity = self._load_identity()
        self.parameters = Parameters(self._fram, {"address": self.serial_number})
        self._load_memory()
        self.clock = Clock(DS3231(board.i2c))
        self._display = Display(PCF8576(board.i2c))
        self._model = ObjectModel(self, self.parameters.obis_b)
        self._chip = ADE9000(
            board.metering_spi, board.metering_cs, board.metering_irq0, board.metering_irq1, board.metering_reset
        )
        analog, hz = self._identity.analog, self.parameters.nominal_hz
        self._billing = BillingPath(analog, self._start_power_mw(), hz)
        self.actual = SamplePath(analog, hz)
        self._port = OpticalPort(board.optical_uart, self._identification, self._model.readout, self.parameters)
        self._watchdog = None
        self._trouble = ""  # what was last wrong with the metering chip
        self._measuring = True  # the measuring task has been seen at work since the watchdog was fed
        self._mains_flag = asyncio.ThreadSafeFlag()
        self._powered_down = False

    # --- values of the object model that have no owner of their own -------------------------------------------------

    @property
    def serial_number(self) -> str:
        return self._identity.serial_number

    @property
    def firmware_version(self) -> str:
        return FIRMWARE_VERSION

    @property
    def error_text(self) -> str:
        return self.errors.text()

    @property
    def led_constant(self) -> int:
        return self.parameters.led_constant

    # --- start ------------------------------------------------------------------------------------------------------

    def _load_identity(self):
        """The factory record, or the board's own type under serial number 0 if there is none."""
        identity = None
        try:
            self._fram.check_id()
            identity = factory.load(self._fram)
            if identity is None and not factory.is_blank(self._fram):
                self.errors.set(error.PARAMETERS)
            self._fram.check_id()
        except OSError:
            self.errors.set(error.MAIN_MEMORY)
        if identity is None:
            board = self._board
            analog = board.ANALOG
            identity = factory.Factory(
                board.type_designation, "00000000", analog["u_full_scale_uV"], analog["i_full_scale_nA"]
            )
        return identity

    def _load_memory(self) -> None:
        self._store.load()
        try:
            self._fram.check_id()
            self.parameters.load()
        except OSError:
            self.errors.set(error.MAIN_MEMORY)
        if self.parameters.checksum_error:
            self.errors.set(error.PARAMETERS)
        if machine.reset_cause() == machine.WDT_RESET:
            self.errors.set(error.WATCHDOG)
        elif self.counters.get("operating_seconds") and machine.reset_cause() == machine.PWRON_RESET:
            self.counters.add("power_failures")

    def _identification(self) -> str:
        ident = factory.identification(self._identity.type_designation, FIRMWARE_VERSION)
        return "/" + MAKER + self.parameters.max_baud_char + ident

    async def run(self) -> None:
        """Start all tasks; returns only if one of them fails, with its exception."""
        self._watchdog = self._board.watchdog()
        await asyncio.gather(self._measure(), self._face(), self._house(), self._power(), self._port.run())

    # --- measuring --------------------------------------------------------------------------------------------------

    async def _measure(self) -> None:
        """Keep the metering chip running; after any trouble with it start it anew."""
        while True:
            try:
                await self._start_chip()
                try:
                    await self._serve_chip()
                except ChipError:
                    self._rescue()
                    raise
            except ChipError as trouble:
                self._report(str(trouble))
                self._measuring = True
                self.errors.set(error.MEASURING_SYSTEM)
                self.counters.add("metering_restarts")
                self.actual.invalidate()
                await asyncio.sleep_ms(_CHIP_RETRY_MS)

    def _report(self, trouble: str) -> None:
        """Print what is wrong with the chip, once for each new trouble."""
        if trouble != self._trouble:
            self._trouble = trouble
            print("metering:", trouble)

    async def _start_chip(self) -> None:
        analog, parameters = self._identity.analog, self.parameters
        try:
            divider, _ = cf_divider(parameters.led_constant, analog["i_full_scale_nA"], analog["u_full_scale_uV"])
        except ValueError:  # the chip cannot flash at this constant; counting goes on
            self.errors.set(error.PARAMETERS)
            divider = _SLOWEST_DIVIDER
        setup = chip_setup(analog, parameters.nominal_hz, parameters.nominal_voltage, self._start_power_mw(), divider)
        await self._chip.start(setup)
        self._billing.reset_baseline([0] * 6)  # a started chip counts from zero
        self.actual.reset()

    def _rescue(self) -> None:
        """Take what a chip in trouble has added up before it is reset; one that was reset already gives nothing."""
        try:
            self._chip.read_energies(self._billing.codes)
        except ChipError:
            return
        self._book(self._billing.advance(self._billing.codes, max(1, self._chip.energy_age_ms())))

    def _start_power_mw(self) -> int:
        """Total power below which nothing counts: 70 % of that at the starting current, 0.1 % (405) or 0.2 % of In."""
        share = 1 if self._identity.type_designation[4:6] == "05" else 2  # per mille
        parameters = self.parameters
        return 3 * parameters.nominal_voltage * parameters.nominal_current_ma * share * 7 // 10_000

    async def _serve_chip(self) -> None:
        chip, billing, actual = self._chip, self._billing, self.actual
        pages, codes, lost = chip.page_buffer, billing.codes, chip.lost_pages
        while True:
            await chip.wait(_CHIP_WAIT_MS)
            self._measuring = True
            actual.feed(pages, chip.read_pages(pages), chip.lost_pages)
            if chip.energy_ready():
                self._trouble = ""
                chip.read_energies(codes)
                self._book(billing.advance(codes, chip.energy_elapsed_ms))
                self.counters.add("lost_pages", chip.lost_pages - lost)
                lost = chip.lost_pages

    def _book(self, increment) -> None:
        """One interval's energy goes where energy goes, and into the FRAM."""
        # Without its memory the meter knows neither its constants nor what it has counted so far.
        if self._store.loaded:
            self.energies.add(increment)
            self._store.save_energies()

    # --- face -------------------------------------------------------------------------------------------------------

    async def _face(self) -> None:
        """Draw the display four times a second; dark while mains is away."""
        display = self._display
        try:
            display.off()
        except OSError:
            self.errors.set(error.DISPLAY_BOARD)
        rolling = Rolling([self._model.find(code) for code in DISPLAY_LIST], self.parameters.display_seconds)
        while True:
            try:
                if self._powered_down:
                    display.off()
                else:
                    self._draw(display, rolling)
                self.errors.clear(error.DISPLAY_BOARD)
            except OSError:
                self.errors.set(error.DISPLAY_BOARD)
            await asyncio.sleep_ms(_FACE_MS)

    def _draw(self, display, rolling) -> None:
        now = time.ticks_ms()
        if self.errors.fatal:
            display.show("F.F", self.errors.text(), "")
        else:
            rolling.show(display, now)
        display.phases(self.actual.present, self.actual.reversed_field)
        display.arrows(self._billing.p_sign, self._billing.q_sign)
        display.symbols(comm=self._port.active, error=self.errors.bits != 0)
        display.refresh(now)

    # --- house ------------------------------------------------------------------------------------------------------

    async def _house(self) -> None:
        """Once a second: clock, operating time, watchdog."""
        try:
            self.clock.start()
        except OSError:
            self.errors.set(error.TIME_DEVICE)
        while True:
            try:
                self.clock.update()
                self.errors.clear(error.TIME_DEVICE)
            except OSError:
                self.errors.set(error.TIME_DEVICE)
            self.errors.note(error.CLOCK_INVALID, not self.clock.valid)
            self.counters.add("operating_seconds")
            self._store.save_counters()
            if not self._store.loaded and not self._store.foreign:
                self._look_for_memory()
            if self._watchdog and self._measuring:  # a measuring task that stands still is a reason to start anew
                self._measuring = False
                self._watchdog.feed()
            await asyncio.sleep_ms(1000)

    def _look_for_memory(self) -> None:
        """Identity, parameters and totals could not be read at start: start anew once the memory answers."""
        try:
            self._fram.check_id()
        except OSError:
            return
        machine.reset()

    # --- power ------------------------------------------------------------------------------------------------------

    async def _power(self) -> None:
        """Ride through short interruptions; after a longer one store everything and wait in the dark for the end.

        Energy needs no last-minute rescue: it has been stored every half second.
        """
        pin = self._board.power_fail
        pin.irq(lambda _pin: self._mains_flag.set(), pin.IRQ_FALLING | pin.IRQ_RISING)
        while True:
            if not pin.value():
                await self._bridge(pin)
            if self._powered_down and pin.value():
                self._powered_down = False
                self.counters.add("power_failures")
            await self._mains_flag.wait()

    async def _bridge(self, pin) -> None:
        """Mains is away: returns when it is back, or when it has been away too long and all is stored."""
        deadline = time.ticks_add(time.ticks_ms(), _BRIDGING_MS)
        while not pin.value():
            left = time.ticks_diff(deadline, time.ticks_ms())
            if left <= 0:
                self._powered_down = True
                self._store.save_energies()
                self._store.save_counters()
                return
            try:
                await asyncio.wait_for_ms(self._mains_flag.wait(), left)
            except asyncio.TimeoutError:
                pass
