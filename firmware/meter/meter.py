"""The meter: makes its parts on a board, wires them together and runs them, in an order that can be read here.

Tasks on one loop:
- measuring.py: serves the metering chip; every half second energy goes from chip to registers to FRAM, and whatever is
  due by then happens to demand, billing periods and profiles;
- face/front.py: buttons and display;
- house: once a second the clock, the counters and the watchdog;
- archive: moves full sectors of profiles and stored values to the flash;
- battery.py: instead of all that, while the meter lives on a battery;
- power.py: notes the end of mains and its return;
- face/pulses.py: gives the pulses of the output contacts;
- one for each port (communication.py).
"""

import asyncio
import time

import machine
from micropython import const

from drivers.ds3231 import DS3231
from drivers.fram import Fram
from meter import factory
from meter.access import EXTENDED_SERVICE, FIELD_SERVICE, Access
from meter.battery import BatteryLife
from meter.calibration_store import CalibrationStore
from meter.clearing import EVERYTHING, Clearing
from meter.comms.dlms.counters import InvocationCounters
from meter.comms.dlms.key_management import KeyManagement
from meter.comms.dlms.security import Security
from meter.communication import Communication
from meter.cosem.model import ObjectModel
from meter.events import error_register as error
from meter.events import log
from meter.events.log import EventLog
from meter.face.front import Front
from meter.inspection import Inspection
from meter.journal import Journal
from meter.keys import Keys
from meter.log_ins import LogIns
from meter.measuring import Measuring
from meter.metering import Metering
from meter.metrology import audit, calibration, kernel_choice
from meter.metrology.energies import sum_channel
from meter.parameters import Parameters
from meter.power import MainsWatch, OperatingTime, Outages
from meter.signals import Signals
from meter.sources import Sources, system_title
from meter.store import Store
from meter.tariff import load_profile
from meter.tariff.clock import Clock
from meter.tariff.counters import Counters
from meter.tariff.energy_registers import EnergyRegisters
from meter.tariffs import Tariffs
from meter.terminals import Terminals
from meter.timekeeping import Timekeeping

_HOUSE_MS = const(1_000)
_ARCHIVE_MS = const(20)  # between two steps of moving a sector, or two looks at pulses

_CALIBRATION_CODE = const("C.60.1")
_RESET_ERRORS = const("C150")  # formatted command, as on other meters of the family
_CLEAR = const("C152")  # ours, with the script of clearing.py


class Meter:
    """One meter on one board. `run` never returns while the supply lasts."""

    def __init__(self, board):
        self._errors = error.ErrorRegister()
        self._counters = Counters()
        self._operating_time = OperatingTime(self._counters)
        self._board = board
        self._memory_read = True  # all that the FRAM holds could be read at start
        self._identified = True  # the analogue constants are this meter's own, or it never had any
        self._watchdog = None
        self._fram = Fram(board.fram_spi, board.fram_cs)
        analog = board.ANALOG
        self._identity = factory.Factory(
            board.type_designation, "00000000", analog["u_full_scale_uV"], analog["i_full_scale_nA"]
        )
        self._read(self._load_identity)
        self._parameters = parameters = Parameters(self._fram, {"address": self._identity.serial_number})
        self._calibration = CalibrationStore(self._fram)
        self._event_log = events = EventLog(self._fram)
        self._clearing = Clearing(self._fram, events)
        self._load_settings()
        self._clock = Clock(DS3231(board.i2c), parameters)
        self._journal = Journal(events, self._clock, self._errors)
        self._measure_with(board, parameters)
        self._load_memory(events)
        self._connect(board, parameters)

    def _measure_with(self, board, parameters) -> None:
        """Make what measures and counts."""
        errors, counters, journal, type_code = self._errors, self._counters, self._journal, self._identity.type_code
        self._energies = EnergyRegisters((sum_channel(parameters.sum_channel_1), sum_channel(parameters.sum_channel_2)))
        self._metering = metering = Metering(
            board,
            type_code,
            self._identity.analog,
            parameters,
            self._calibration.calibration,
            *kernel_choice.choose(board.KERNELS),
        )
        if metering.led_constant_refused:
            errors.set(error.PARAMETERS)

        def moment(name: str) -> "int | None":
            return load_profile.moment(metering.samples.second, name)

        self._tariffs = Tariffs(board, self._fram, parameters, type_code, self._clock, self._energies, journal, moment)
        self._tariffs.engine.status = self._profile_status
        self._signals = Signals(board, self._fram, parameters, type_code, self._tariffs, journal, errors)
        self._store = Store(self._fram, self._tariffs.record, counters, errors)
        rates, total = self._tariffs.rates, self._energies.get
        self._terminals = Terminals(
            board, self._fram, parameters, type_code, total, rates, lambda: metering.billing.p_sign < 0
        )
        self._measuring = Measuring(metering, errors, counters, journal, self._may_count, self._book)
        self._mains = MainsWatch(board.power_fail, self._mains_down, self._mains_returned)
        self._outages = Outages(counters, journal, self._clock, parameters)
        self._timekeeping = Timekeeping(self._clock, journal, errors, self._tariffs.engine, self._mains_periods)

    def _connect(self, board, parameters) -> None:
        """Make what people and clients meet: keys, objects, the door to them, the ports and the display."""
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
            self._tariffs,
        )
        sources.terminals = self._terminals
        self._test_mode = test_mode = Inspection(lambda: self._now()[0], self._metering.show_reactive)
        sources.test_mode = test_mode
        sources.set_clock = self._clock.set
        sources.write_calibration = self._write_calibration
        sources.scripts = {
            "tariff": self._tariffs.command,
            "outputs": self._tariffs.switch,
            "reset": self._clear,
            "test_mode_on": test_mode.begin,
            "test_mode_off": test_mode.end,
            "led": test_mode.light,
        }
        model = ObjectModel(sources, parameters, self._identity.type_code)
        writers = {_CALIBRATION_CODE: self._write_calibration}
        access = Access(parameters, model.find, board.seal.value, writers, self._log_ins)
        security = Security(keys, counters) if is_known else None
        commands = {
            _RESET_ERRORS: (FIELD_SERVICE, self._reset_errors),
            _CLEAR: (EXTENDED_SERVICE, lambda text: self._clear(int(text))),
        }
        self._communication = Communication(board, model, access, security, commands)
        parameters.may_show = model.is_public
        watched = self._errors, self._metering, self._communication, self._mains
        self._front = Front(board, model, *watched, self._tariffs.reset_by_button)

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
        self._read(self._clearing.carry_out, self._parameters.load, self._calibration.load)
        if self._parameters.checksum_error or self._parameters.replaced or not self._parameters.consistent:
            self._errors.set(error.PARAMETERS)
        if self._calibration.damaged:
            self._errors.set(error.CALIBRATION)

    def _load_memory(self, events) -> None:
        """What was counted and what happened. What could not be read is not written either."""
        tariffs, parameters = self._tariffs, self._parameters
        self._log_ins = LogIns(self._fram, parameters, self._board.seal.value, self._now, self._report_log_in)
        self._store.load()
        pulses = self._terminals.pulses
        self._read(tariffs.load, pulses.load, events.load, self._log_ins.load, self._signals.load)
        if self._log_ins.damaged or tariffs.engine.damaged or events.damaged or pulses.damaged:
            self._errors.set(error.BACKUP_DATA)
        if tariffs.time_switch.damaged or tariffs.control_table.damaged:
            self._errors.set(error.PARAMETERS)
        if not tariffs.flash_found:
            self._errors.set(error.PROFILE_MEMORY)
        if machine.reset_cause() == machine.WDT_RESET:
            self._errors.set(error.WATCHDOG)
        tables = tariffs.time_switch, tariffs.control_table
        for part in (parameters, self._calibration, self._journal, self._clearing, self._signals, tariffs) + tables:
            part.locked = not self._memory_read
        for part in (parameters, tariffs.time_switch, tariffs.control_table):
            part.log = self._note_change

    @property
    def _is_known(self) -> bool:
        """The meter knows what it has counted so far."""
        return self._memory_read and self._store.loaded

    def _begin(self) -> None:
        """Find the time, and let all periods go on from where they stood."""
        tariffs = self._tariffs
        engine, last_alive = tariffs.engine, tariffs.record.utc
        self._timekeeping.start(last_alive, tariffs.demand.step_s)
        if self._is_known:
            if last_alive and (engine.down or machine.reset_cause() == machine.PWRON_RESET):
                self._outages.ended(engine.down, last_alive)
            self._read(lambda: self._clearing.start(engine, self._clock.utc(), last_alive, tariffs.inputs))

    async def run(self) -> None:
        """Start all tasks; returns only if one of them fails, with its exception."""
        self._watchdog = self._board.watchdog()
        battery = BatteryLife(self._board, self._front, self._communication, self._timekeeping, self._watchdog)
        if await battery.is_on():
            await battery.run(self._tariffs.record.utc, self._tariffs.demand.step_s)
            machine.reset()
        self._begin()
        own = (self._measuring.run(), self._front.run(), self._house(), self._archive(), self._mains.run())
        await asyncio.gather(*own, *self._terminals.pulses.tasks(), *self._communication.tasks())

    # --- energy -----------------------------------------------------------------------------------------------------

    def _may_count(self) -> bool:
        """Without its memory the meter knows neither its constants nor what it has counted so far."""
        return self._is_known and self._identified and self._calibration.valid

    def _book(self, increment) -> None:
        """One interval's energy goes into the registers and into the FRAM; then what is due by now happens."""
        tariffs, utc = self._tariffs, self._clock.utc()
        tariffs.add(increment)
        tariffs.record.utc = utc
        if self._store.save_energies():
            engine = tariffs.engine
            engine.tick(utc, tariffs.inputs)
            if not engine.is_saved:
                self._errors.set(error.MAIN_MEMORY)
            if engine.rings_failed:
                self._errors.set(error.PROFILE_MEMORY)
                engine.rings_failed = False
            self._terminals.update()
            if not self._terminals.pulses.is_saved:
                self._errors.set(error.MAIN_MEMORY)
            self._errors.note(error.EXTENSION_BOARD, self._terminals.failed)

    def _profile_status(self) -> int:
        """Bits of the profiles' status word that tell of now."""
        bits = load_profile.FATAL_ERROR if self._errors.fatal else 0
        if self._metering.audit.verdict not in (audit.SOUND, audit.LOST) or not self._measuring.is_well:
            bits |= load_profile.DISTURBED
        return bits

    # --- mains ------------------------------------------------------------------------------------------------------

    def _mains_down(self) -> None:
        """Store all that is not stored yet."""
        self._tariffs.record.utc = utc = self._clock.utc()
        self._store.save_energies()
        self._tariffs.engine.power_down(utc)
        self._outages.began(utc)
        self._store.save_counters()
        self._terminals.power_down()

    def _mains_returned(self) -> None:
        """Mains is back before the supply has ended: go on."""
        engine = self._tariffs.engine
        self._terminals.power_up()
        self._outages.ended(engine.down)
        engine.power_up(self._clock.utc(), 0, self._tariffs.inputs)

    # --- time -------------------------------------------------------------------------------------------------------

    def _now(self) -> tuple:
        """Operating seconds, ticks: the times that log-ins go by."""
        return self._counters.get("operating_seconds"), time.ticks_ms()

    def _mains_periods(self) -> "int | None":
        """For a clock that goes by the mains: periods counted so far, None while there are none."""
        return self._metering.samples.periods if self._measuring.is_well else None

    # --- what clients do --------------------------------------------------------------------------------------------

    def _report_log_in(self, level: int, channel: int, is_locked: bool) -> None:
        detail = channel << 8 | level
        self._journal.note(log.LOG_IN_FAILED, detail)
        if is_locked:
            self._errors.set(error.COMMUNICATION_LOCKED)
            self._journal.note(log.COMMUNICATION_LOCKED, detail)

    def _note_change(self, number: int) -> None:
        """A parameter or a table has been changed, through its one door."""
        self._counters.add("configurations")
        self._counters.set("configured_minutes", self._clock.utc() // 60)
        self._journal.note(log.PARAMETER_CHANGED, number)
        tariffs = self._tariffs
        tariffs.engine.wake()
        if self._parameters.one_copy or tariffs.time_switch.one_copy or tariffs.control_table.one_copy:
            self._errors.set(error.MAIN_MEMORY)

    def _reset_errors(self, text: str) -> None:
        """Clear the error register. What is wrong still stays or comes back. ValueError: there is no operand."""
        if text:
            raise ValueError("the reset of errors has no operand")
        before = self._errors.bits
        self._errors.clear(before)
        self._errors.set(self._lasting_errors())
        self._journal.note(log.ERRORS_CLEARED, before)

    def _clear(self, script: int) -> None:
        """Have something cleared, by a new start as soon as no client is served. ValueError or OSError: it is not."""
        self._clearing.demand(script, self._clock.utc())
        if script == EVERYTHING:
            self._note_change(0)

    def _lasting_errors(self) -> int:
        """Bits whose cause is found once, at start or when it appears, and is there still."""
        bits = 0 if self._is_known else error.MAIN_MEMORY
        parameters, tariffs = self._parameters, self._tariffs
        refused = parameters.replaced or self._metering.led_constant_refused or not self._identified
        if parameters.checksum_error or refused or tariffs.time_switch.damaged or tariffs.control_table.damaged:
            bits |= error.PARAMETERS
        if not self._calibration.valid:
            bits |= error.CALIBRATION
        if self._metering.audit.verdict not in (audit.SOUND, audit.LOST):
            bits |= error.MEASUREMENT
        return bits

    def _write_calibration(self, text: str) -> None:
        """Keep a calibration and use it. ValueError if it is none, OSError if the memory fails."""
        if not self._calibration.valid:
            self._measuring.leave_out()
        self._calibration.save(calibration.parse(text))
        if self._calibration.damaged:
            self._errors.set(error.MAIN_MEMORY)
        else:
            self._errors.clear(error.CALIBRATION)
        self._metering.calibrate(self._calibration.calibration)

    # --- house ------------------------------------------------------------------------------------------------------

    async def _house(self) -> None:
        """Once a second: clock, counters, locks, watchdog."""
        measuring = self._measuring
        while True:
            self._timekeeping.update()
            self._count()
            self._tend_log_ins()
            self._test_mode.update()
            if not self._is_known and not (self._store.foreign or self._tariffs.engine.foreign):
                self._look_for_memory()
            is_due = self._parameters.restart_due or self._clearing.due
            if is_due and not self._communication.active and not self._mains.is_down:
                await self._start_anew()
            if self._watchdog and measuring.at_work:  # a measuring task that stands still is a reason to start anew
                measuring.at_work = False
                self._watchdog.feed()
            await asyncio.sleep_ms(_HOUSE_MS)

    def _count(self) -> None:
        """Operating time, phases that fail, and what the monitors see."""
        self._operating_time.count(self._tariffs.rates.energy)
        if self._mains.is_down:
            self._signals.pause()
        else:
            self._outages.look(self._metering.samples.present)
            self._signals.look(self._metering.samples)
        self._store.save_counters()

    def _tend_log_ins(self) -> None:
        """Let locks end, and show whether there is one."""
        self._log_ins.update()
        self._errors.note(error.COMMUNICATION_LOCKED, self._log_ins.any_locked)
        if self._memory_read and not self._log_ins.is_saved:
            self._errors.set(error.MAIN_MEMORY)

    def _look_for_memory(self) -> None:
        """Identity, parameters and totals could not be read at start: start anew once the memory answers."""
        try:
            self._fram.check_id()
        except OSError:
            return
        machine.reset()

    async def _start_anew(self) -> None:
        """Changed parameters and clearings take effect with a new start: let pulses under way end, store all that was
        counted, and make it. There is no way back, because no pulse begins any more."""
        while not self._terminals.rest():
            await asyncio.sleep_ms(_ARCHIVE_MS)
        self._measuring.rescue()
        self._store.save_counters()
        machine.reset()

    async def _archive(self) -> None:
        """Move what is full of profiles and stored values to the flash, in small steps."""
        while True:
            is_busy = False
            if self._is_known and not self._mains.is_down:
                try:
                    is_busy = self._tariffs.tend()
                except OSError:
                    self._errors.set(error.PROFILE_MEMORY)
            await asyncio.sleep_ms(_ARCHIVE_MS if is_busy else _HOUSE_MS)
