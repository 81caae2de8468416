"""The meter: makes its parts on a board, wires them together and runs them, in an order that can be read here.

Tasks on one loop:
- measuring: serves the metering chip (metering.py); every half second energy goes from chip to registers to FRAM;
- face: display and symbols, four times a second;
- house: once a second the clock, the counters and the watchdog;
- power.py: notes the end of mains and its return;
- one for each port (communication.py).
"""

import asyncio
import time

import machine
from micropython import const

from drivers.ade9000 import ChipError
from drivers.ds3231 import DS3231
from drivers.fram import Fram
from drivers.pcf8576 import PCF8576
from meter import factory
from meter.access import FIELD_SERVICE, Access
from meter.calibration_store import CalibrationStore
from meter.comms.dlms.counters import InvocationCounters
from meter.comms.dlms.key_management import KeyManagement
from meter.comms.dlms.security import Security
from meter.communication import Communication
from meter.cosem.model import ObjectModel
from meter.events import error_register as error
from meter.events import log
from meter.events.log import EventLog
from meter.events.log_view import LogView
from meter.face.display import Display
from meter.face.rolling import Rolling
from meter.keys import Keys
from meter.log_ins import LogIns
from meter.metering import Metering
from meter.metrology import audit, calibration, kernel_choice
from meter.metrology.energies import sum_channel
from meter.parameters import Parameters
from meter.power import MainsWatch
from meter.sources import Sources, system_title
from meter.store import Store
from meter.tariff.clock import Clock
from meter.tariff.counters import Counters
from meter.tariff.energy_registers import EnergyRegisters

_CHIP_RETRY_MS = const(200)
_FACE_MS = const(250)

_INTERVALS_UNTIL_CALIBRATED = const(3)  # until the chip has its corrections, and one with the old ones has passed
_NOTE_AGAIN_MS = const(60_000)

_CALIBRATION_CODE = const("C.60.1")
_RESET_ERRORS = const("C150")  # formatted command, as on other meters of the family


class Meter:
    """One meter on one board. `run` never returns while the supply lasts."""

    def __init__(self, board):
        self._errors = error.ErrorRegister()
        self._counters = Counters()
        self._board = board
        self._memory_read = True  # all that the FRAM holds could be read at start
        self._identified = True  # the analogue constants are this meter's own, or it never had any
        self._fram = Fram(board.fram_spi, board.fram_cs)
        analog = board.ANALOG
        self._identity = factory.Factory(
            board.type_designation, "00000000", analog["u_full_scale_uV"], analog["i_full_scale_nA"]
        )
        self._read(self._load_identity)
        self._parameters = Parameters(self._fram, {"address": self._identity.serial_number})
        self._calibration = CalibrationStore(self._fram)
        self._load_settings()
        parameters, type_code = self._parameters, self._identity.type_code
        self._energies = EnergyRegisters((sum_channel(parameters.sum_channel_1), sum_channel(parameters.sum_channel_2)))
        self._store = Store(self._fram, self._energies, self._counters, self._errors)
        self._events = EventLog(self._fram)
        self._event_log = LogView(self._events)
        self._log_ins = LogIns(self._fram, parameters, board.seal.value, self._now, self._report_log_in)
        self._load_memory()
        self._parameters.locked = self._calibration.locked = not self._memory_read
        self._parameters.log = self._note_change
        self._clock = Clock(DS3231(board.i2c))
        self._display = Display(PCF8576(board.i2c))
        self._metering = Metering(
            board,
            type_code,
            self._identity.analog,
            parameters,
            self._calibration.calibration,
            *kernel_choice.choose(board.KERNELS),
        )
        if self._metering.led_constant_refused:
            self._errors.set(error.PARAMETERS)
        self._connect(board, parameters, type_code)
        self._watchdog = None
        self._trouble = ""  # what was last wrong with the metering chip
        self._noted: "int | None" = None  # when an event was last made of it
        self._rejected = 0  # implausible readings that have been logged
        self._rejected_noted: "int | None" = None  # when they were
        self._uncounted = 0  # intervals still to be left out
        self._measuring = True  # the measuring task has been seen at work since the watchdog was fed
        self._mains = MainsWatch(board.power_fail, self._store, self._counters)

    def _connect(self, board, parameters, type_code) -> None:
        """Make what clients meet: keys, objects, the door to them, and the ports."""
        keys = Keys(parameters, system_title(self._identity.serial_number))
        counters = InvocationCounters(self._fram)
        is_known = self._memory_read  # else nobody can tell which counters were used
        sources = Sources(
            self._identity,
            self._errors,
            self._energies,
            self._counters,
            self._clock,
            self._event_log,
            self._metering,
            self._calibration,
            KeyManagement(keys, counters) if is_known else None,
        )
        sources.set_clock = self._set_clock
        sources.write_calibration = self._write_calibration
        self._model = ObjectModel(sources, parameters, type_code)
        writers = {_CALIBRATION_CODE: self._write_calibration}
        access = Access(parameters, self._model.find, board.seal.value, writers, self._log_ins)
        security = Security(keys, counters) if is_known else None
        commands = {_RESET_ERRORS: (FIELD_SERVICE, self._reset_errors)}
        self._communication = Communication(board, self._model, access, security, commands)

    # --- start ------------------------------------------------------------------------------------------------------

    def _read(self, *loads) -> None:
        """Call what reads from the FRAM. A silent memory must not pass for an empty one: it has to answer before and
        after."""
        try:
            self._fram.check_id()
            for load in loads:
                load()
            self._fram.check_id()
        except OSError:
            self._memory_read = False
            self._errors.set(error.MAIN_MEMORY)

    def _load_identity(self) -> None:
        """The factory record; the board's own type under serial number 0 stays if there is none."""
        identity = factory.load(self._fram)
        if identity is not None:
            self._identity = identity
        elif not factory.is_blank(self._fram):
            self._identified = False
            self._errors.set(error.PARAMETERS)

    def _load_settings(self) -> None:
        """Parameters and calibration. Without a good calibration the meter measures uncorrected and counts nothing."""
        self._read(self._parameters.load, self._calibration.load)
        if self._parameters.checksum_error or self._parameters.replaced or not self._parameters.consistent:
            self._errors.set(error.PARAMETERS)
        if self._calibration.damaged:
            self._errors.set(error.CALIBRATION)

    def _load_memory(self) -> None:
        self._store.load()
        self._read(self._events.load, self._event_log.load, self._log_ins.load)
        if self._log_ins.damaged:
            self._errors.set(error.BACKUP_DATA)
        if machine.reset_cause() == machine.WDT_RESET:
            self._errors.set(error.WATCHDOG)
        elif self._counters.get("operating_seconds") and machine.reset_cause() == machine.PWRON_RESET:
            self._counters.add("power_failures")

    async def run(self) -> None:
        """Start all tasks; returns only if one of them fails, with its exception."""
        self._watchdog = self._board.watchdog()
        own = (self._measure(), self._face(), self._house(), self._mains.run())
        await asyncio.gather(*own, *self._communication.tasks())

    # --- measuring --------------------------------------------------------------------------------------------------

    async def _measure(self) -> None:
        """Keep the metering chip running; after any trouble with it start it anew."""
        metering = self._metering
        while True:
            try:
                await metering.start()
                try:
                    await self._serve_chip()
                except ChipError:
                    self._book(metering.rescue())
                    raise
            except ChipError as trouble:
                self._report(str(trouble))
                self._measuring = True
                self._errors.set(error.MEASURING_SYSTEM)
                self._counters.add("metering_restarts")
                metering.invalidate()
                await asyncio.sleep_ms(_CHIP_RETRY_MS)

    def _report(self, trouble: str) -> None:
        """Print what is wrong with the chip, once for each new trouble, and log it, once a minute at most."""
        if trouble != self._trouble:
            self._trouble = trouble
            print("metering:", trouble)
        if _is_due(self._noted):
            self._noted = time.ticks_ms()
            self._note(log.MEASURING_ACCESS_ERROR)

    async def _serve_chip(self) -> None:
        metering = self._metering
        lost = metering.chip.lost_pages
        while True:
            await metering.wait()
            self._measuring = True
            # Without its memory the meter knows neither its constants nor what it has counted so far.
            known = self._memory_read and self._store.loaded and self._identified
            metering.counting = known and self._calibration.valid and not self._uncounted
            increment = metering.take()
            if increment is not None:
                self._trouble = ""
                self._book(increment)
                self._uncounted = max(0, self._uncounted - 1)
                metering.tend()
                self._counters.add("lost_pages", metering.chip.lost_pages - lost)
                lost = metering.chip.lost_pages
                self._note_audit()
                self._note_rejected()

    def _book(self, increment) -> None:
        """One interval's energy goes where energy goes, and into the FRAM."""
        if increment is not None and self._metering.counting:
            self._energies.add(increment)
            self._store.save_energies()

    def _note_audit(self) -> None:
        """Log what the audit has found, and what it has mended."""
        metering = self._metering
        if metering.new_verdict:
            metering.new_verdict = False
            verdict = metering.audit.verdict
            self._note(log.PATHS_AGREE if verdict == audit.SOUND else log.PATHS_DISAGREE, metering.audit.detail)
            if verdict not in (audit.SOUND, audit.LOST):  # which accuse nobody
                self._errors.set(error.MEASUREMENT)
        if metering.repaired:
            self._note(log.SETTINGS_REPAIRED, metering.repaired[0])
            metering.repaired = []

    def _note_rejected(self) -> None:
        """Log implausible readings of the energies, once a minute at most. One costs nothing, many in a row may."""
        billing = self._metering.billing
        if billing.new_beginnings:
            self._errors.set(error.MEASUREMENT)
        if billing.rejected != self._rejected and _is_due(self._rejected_noted):
            self._rejected, self._rejected_noted = billing.rejected, time.ticks_ms()
            self._note(log.READING_REJECTED, billing.rejected)

    def _note(self, event: int, detail: int = 0, utc: "int | None" = None) -> None:
        """Write an event of now, or of `utc`, into the log; not over one that could not be read."""
        if not self._memory_read:
            return
        try:
            self._events.add(event, self._clock.utc() if utc is None else utc, detail)
        except OSError:
            self._errors.set(error.MAIN_MEMORY)

    def _now(self) -> tuple:
        """UTC (None while the clock is not valid), operating seconds, ticks: the times that log-ins go by."""
        utc = self._clock.utc() if self._clock.valid else None
        return utc, self._counters.get("operating_seconds"), time.ticks_ms()

    def _report_log_in(self, level: int, channel: int, is_locked: bool) -> None:
        detail = channel << 8 | level
        self._note(log.LOG_IN_FAILED, detail)
        if is_locked:
            self._errors.set(error.COMMUNICATION_LOCKED)
            self._note(log.COMMUNICATION_LOCKED, detail)

    def _tend_log_ins(self) -> None:
        """Let locks end, and show whether there is one."""
        self._log_ins.update()
        self._errors.note(error.COMMUNICATION_LOCKED, self._log_ins.any_locked)
        if self._memory_read and not self._log_ins.is_saved:
            self._errors.set(error.MAIN_MEMORY)

    def _note_change(self, number: int) -> None:
        """A parameter has been changed, through its one door."""
        self._note(log.PARAMETER_CHANGED, number)
        if self._parameters.one_copy:
            self._errors.set(error.MAIN_MEMORY)

    def _reset_errors(self, text: str) -> None:
        """Clear the error register. What is wrong still stays or comes back. ValueError: there is no operand."""
        if text:
            raise ValueError("the reset of errors has no operand")
        before = self._errors.bits
        self._errors.clear(before)
        self._errors.set(self._lasting_errors())
        self._note(log.ERRORS_CLEARED, before)

    def _lasting_errors(self) -> int:
        """Bits whose cause is found once, at start or when it appears, and is there still."""
        bits = 0
        if not (self._memory_read and self._store.loaded):
            bits |= error.MAIN_MEMORY
        parameters = self._parameters
        refused = parameters.replaced or self._metering.led_constant_refused
        if parameters.checksum_error or refused or not self._identified:
            bits |= error.PARAMETERS
        if not self._calibration.valid:
            bits |= error.CALIBRATION
        if self._metering.audit.verdict not in (audit.SOUND, audit.LOST):
            bits |= error.MEASUREMENT
        return bits

    def _set_clock(self, utc: int) -> None:
        """Set the clock and log the time before and after. OSError if the clock does not take it."""
        old = self._clock.utc()
        self._clock.set(utc)
        self._note(log.CLOCK_OLD_TIME, utc=old)
        self._note(log.CLOCK_NEW_TIME)

    def _write_calibration(self, text: str) -> None:
        """Keep a calibration and use it. ValueError if it is none, OSError if the memory fails."""
        if not self._calibration.valid:
            self._uncounted = _INTERVALS_UNTIL_CALIBRATED
        self._calibration.save(calibration.parse(text))
        if self._calibration.damaged:
            self._errors.set(error.MAIN_MEMORY)
        else:
            self._errors.clear(error.CALIBRATION)
        self._metering.calibrate(self._calibration.calibration)

    # --- face -------------------------------------------------------------------------------------------------------

    async def _face(self) -> None:
        """Draw the display four times a second; dark while mains is away."""
        display = self._display
        try:
            display.off()
        except OSError:
            self._errors.set(error.DISPLAY_BOARD)
        rolling = Rolling([self._model.find(code) for code in self._model.totals()], self._parameters.display_seconds)
        while True:
            try:
                if self._mains.is_down:
                    display.off()
                else:
                    self._draw(display, rolling)
                self._errors.clear(error.DISPLAY_BOARD)
            except OSError:
                self._errors.set(error.DISPLAY_BOARD)
            await asyncio.sleep_ms(_FACE_MS)

    def _draw(self, display, rolling) -> None:
        now = time.ticks_ms()
        if self._errors.fatal:
            display.show("F.F", self._errors.text(), "")
        else:
            rolling.show(display, now)
        samples, billing = self._metering.samples, self._metering.billing
        display.phases(samples.present, samples.reversed_field)
        display.arrows(billing.p_sign, billing.q_sign)
        display.symbols(comm=self._communication.active, error=self._errors.bits != 0)
        display.refresh(now)

    # --- house ------------------------------------------------------------------------------------------------------

    async def _house(self) -> None:
        """Once a second: clock, operating time, watchdog."""
        try:
            self._clock.start()
        except OSError:
            self._errors.set(error.TIME_DEVICE)
        while True:
            try:
                self._clock.update()
                self._errors.clear(error.TIME_DEVICE)
            except OSError:
                self._errors.set(error.TIME_DEVICE)
            self._errors.note(error.CLOCK_INVALID, not self._clock.valid)
            self._counters.add("operating_seconds")
            self._store.save_counters()
            self._tend_log_ins()
            if not (self._memory_read and self._store.loaded) and not self._store.foreign:
                self._look_for_memory()
            if self._parameters.restart_due and not self._communication.active and not self._mains.is_down:
                self._start_anew()
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

    def _start_anew(self) -> None:
        """Parameters that were changed take effect with a new start: store all that has been counted, and make it."""
        self._book(self._metering.rescue())
        self._store.save_energies()
        self._store.save_counters()
        machine.reset()


def _is_due(noted: "int | None") -> bool:
    """Whether what was last logged at `noted` (ticks, None: never) may be logged again."""
    return noted is None or time.ticks_diff(time.ticks_ms(), noted) > _NOTE_AGAIN_MS
