"""The bench: a virtual meter's hardware, mains and clock, with the firmware running on it.

    with Bench(seed=1) as bench:
        bench.source.set(u=230, i=5, phi=60)
        bench.run(3600)
        print(bench.read("1.8.0"), bench.lcd.value, len(bench.leds.active))

README.md in this folder has the whole API.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from boards.virtual import wiring
from tools.bench import firmware_code
from tools.bench.ade9000 import ADE9000, tolerances
from tools.bench.contact import Contact
from tools.bench.ds3231 import DS3231
from tools.bench.ds3231_drift import made_curve
from tools.bench.fram import FRAM
from tools.bench.gpio import Gpio
from tools.bench.iec_client import DataSet, IecReader
from tools.bench.lcd import Lcd
from tools.bench.leap import GLANCE_NS, MINUTE_S, STEADY_NS, leap
from tools.bench.line import Line, Switch
from tools.bench.mcu import Mcu, SpiBus
from tools.bench.network import reserve_port
from tools.bench.nor_flash import NorFlash
from tools.bench.pcf8576 import PCF8576
from tools.bench.process import DEFAULT_HEAP_KIB, restore_cores, share_one_core
from tools.bench.real_time import RealTime
from tools.bench.reserve import READOUT_BATTERY, SUPERCAP, Reserve
from tools.bench.source import Source
from tools.bench.supply import Supply
from tools.bench.uart import UartLine, VirtualEnd
from tools.bench.world import Device, World

Calibration = firmware_code.calibration.Calibration
NS = 1_000_000_000
EPOCH_2000 = 946_684_800  # Unix time of 2000-01-01
DEFAULT_TYPE = "ZMG405CR4.260b.43"
NETWORK = "3P4W"  # what a meter is connected to unless it is told otherwise
BETWEEN_PHASES = 400  # V: nominal voltage of a meter without a neutral, to go with the source's 230 V
NOMINAL = firmware_code.calibration.nominal()  # a calibration that corrects nothing
COLDEST, HOTTEST = -40.0, 85.0  # degrees C, the range of the chips
BUTTONS = {
    "down": wiring.DISPLAY_DOWN,
    "up": wiring.DISPLAY_UP,
    "reset": wiring.RESET_BUTTON,
    "service": wiring.SERVICE_BUTTON,
}
DEFAULT_START = 820_540_800  # 2026-01-01 00:00:00 UTC in seconds since 2000, the virtual meter's first day


@dataclass(frozen=True)
class Leds:
    """Flashes of the test LEDs since power-on: bench seconds of each."""

    active: list[float]
    reactive: list[float]


class Bench:
    """One virtual meter.

    `type` is the type designation and `serial` the 8-digit serial number it is manufactured with; `seed` decides all
    that is random. With `virtual` time moves only in `run` (and in what uses it: `read`, `power_cut`, ...), as fast as
    it goes; without, the meter runs by itself in real time while the bench is entered, with its ports open. `tcp_port`
    is then the port of 127.0.0.1 that its network is on, the same over all its lives; in virtual time it is None.

    `network`: how the meter is connected, one of source.NETWORKS; it is set up for it. `specimen`: None is a meter
    whose front end is ideal; a number is one made meter with the errors that tolerances.py draws for it. `parameters`:
    by name, as stored before the meter's first start. `calibration`: the record it leaves the factory with, by default
    one that corrects nothing; None for a meter that was never calibrated. `events`: what its event log holds before
    that, oldest first: (UTC seconds since 2000, number, detail). `reserve`: what feeds its clock without a supply, a
    full "supercap" or a "battery"; a "readout battery" feeds display and optical port too, from a press of a display
    button on.
    """

    seal_open = Switch("_seal")  # the certification seal is broken; the meter allows more then
    terminal_cover_open, front_cover_open = Switch("_terminal_cover"), Switch("_front_cover")
    magnet = Switch("_magnet")  # a strong DC field: the sensor sees it, the current transformers stay as they are

    def __init__(
        self,
        type: str = DEFAULT_TYPE,
        seed: int = 1,
        virtual: bool = True,
        *,
        serial: str = "60800001",
        start: int | None = None,
        heap_kib: int = DEFAULT_HEAP_KIB,
        network: str = NETWORK,
        specimen: int | None = None,
        parameters: Mapping[str, Any] | None = None,
        calibration: Calibration | None = NOMINAL,
        events: Iterable[tuple[int, int, int]] = (),
        reserve: str = SUPERCAP,
    ) -> None:
        self.type, self.seed, self.virtual, self.serial = type, seed, virtual, serial
        self.network, self.specimen = network, specimen
        if start is None:
            start = DEFAULT_START if virtual else int(time.time()) - EPOCH_2000
        self.source = Source(seed, clock=lambda: self.world.now, network=network)
        made = {} if specimen is None else vars(tolerances.draw(specimen))
        self.metering = ADE9000(self.source, seed=seed, **made)
        self.lcd_driver = PCF8576(seed=seed)
        self.rtc = DS3231()
        if specimen is not None:
            self.rtc.curve = made_curve(specimen)
        self.reserve = Reserve(self.rtc, reserve)
        self.fram = FRAM(seed=seed)
        self.flash = NorFlash(seed=seed)
        self.uarts = [UartLine(name) for name in ("optical", "port1", "port2")]
        chips: list[Device] = [self.metering, self.lcd_driver, self.rtc, self.reserve, self.fram, self.flash]
        powered = [*chips, *self.uarts]
        self.supply = Supply(powered, lambda: max(self.source.truth().u), self._power_changed, [self.metering])
        self._seal = Line("seal", 0)
        self._terminal_cover, self._front_cover = Line("terminal cover", 0), Line("front cover", 0)
        self._magnet = Line("magnet", 0)
        self._inputs = [Line(f"control input {n + 1}", 1) for n in range(len(wiring.CONTROL_INPUTS))]
        self.outputs = [Contact(f"output {n + 1}") for n in range(len(wiring.OUTPUTS))]
        self.relay = Contact("relay")
        self._buttons = {name: Line(f"{name} button", 1) for name in BUTTONS}
        self.world = World([self.supply, *powered])
        self.mcu = self._wire(heap_kib)
        self.lcd = Lcd(self.lcd_driver)
        self._before_cut: dict[str, Any] | None = None
        self._real_time: RealTime | None = None
        self.tcp_port: int | None = None
        self._port_holder: socket.socket | None = None
        self._cores: set[int] | None = None
        self.rtc.set_utc(start, 0)
        self._manufacture(parameters or {}, calibration)
        self.fram.poke(*firmware_code.event_log_image(events))

    def _wire(self, heap_kib: int) -> Mcu:
        """Join the chips to the pins and buses of the virtual board."""
        gpio = Gpio()
        gpio.input(wiring.METERING_IRQ0, self.metering.irq0)
        gpio.input(wiring.METERING_IRQ1, self.metering.irq1)
        gpio.input(wiring.POWER_FAIL, self.supply.power_fail)
        gpio.input(wiring.SEAL, self._seal)
        gpio.input(wiring.TERMINAL_COVER, self._terminal_cover)
        gpio.input(wiring.FRONT_COVER, self._front_cover)
        gpio.input(wiring.MAGNET, self._magnet)
        for name, pin in BUTTONS.items():
            gpio.input(pin, self._buttons[name])
        for pin, line in zip(wiring.CONTROL_INPUTS, self._inputs, strict=True):
            gpio.input(pin, line)
        for pin, contact in zip((*wiring.OUTPUTS, wiring.RELAY), (*self.outputs, self.relay), strict=True):
            gpio.outputs[pin] = contact.line.set
            gpio.pulled_down.append(pin)
        metering_bus, fram_bus = SpiBus(self.world), SpiBus(self.world)
        gpio.outputs[wiring.METERING_CS] = metering_bus.select(self.metering)
        gpio.outputs[wiring.METERING_RESET] = self._reset_metering
        gpio.outputs[wiring.FRAM_CS] = fram_bus.select(self.fram)
        gpio.outputs[wiring.FLASH_CS] = fram_bus.select(self.flash)
        gpio.outputs[wiring.BATTERY_OFF] = self._end_battery
        return Mcu(
            self.world,
            gpio,
            {wiring.SPI_METERING: metering_bus, wiring.SPI_FRAM: fram_bus},
            {wiring.I2C_MAIN: {wiring.LCD_ADDRESS: self.lcd_driver, wiring.RTC_ADDRESS: self.rtc}},
            self.uarts,
            virtual=self.virtual,
            unique_id=self.serial.encode()[:8].ljust(8, b"\0"),
            heap_kib=heap_kib,
        )

    def _reset_metering(self, level: int, t_ns: int) -> None:
        self.metering.reset(level, t_ns)
        self.world.touch(self.metering)

    def _end_battery(self, level: int, t_ns: int) -> None:
        self.supply.release(level, t_ns)
        self.world.touch(self.supply)

    def _manufacture(self, parameters: Mapping[str, Any], calibration: Calibration | None) -> None:
        """Write what the production line writes: factory record, parameters that are not the default, calibration."""
        self.fram.poke(*firmware_code.factory_image(self.type, self.serial))
        values: dict[str, Any] = {} if self.network == NETWORK else {"network": self.network}
        if self.network == "3P3W":
            values["nominal_voltage"] = BETWEEN_PHASES
        values |= parameters
        if values:
            self.fram.poke(*firmware_code.parameters_image(values, self.serial))
        if calibration is not None:
            self.fram.poke(*firmware_code.calibration_image(calibration))

    # --- life -------------------------------------------------------------------------------------------------

    def __enter__(self) -> Bench:
        if self.virtual:
            self._cores = share_one_core()
        else:
            self._port_holder = reserve_port()
            self.tcp_port = self.mcu.tcp_port = self._port_holder.getsockname()[1]
        self.source.listeners.append(self.supply.source_changed)
        self.supply.source_changed(self.world.now)
        if not self.virtual:
            for uart in self.uarts:
                uart.open_ports()
            self._real_time = RealTime(self)
            self.source.guard = self._real_time.lock
            self._real_time.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop everything. What the firmware has printed stays in `log`."""
        if self._real_time is not None:
            self._real_time.stop()
        self.mcu.stop()
        for uart in self.uarts:
            uart.close()
        if self._port_holder is not None:
            self._port_holder.close()
        restore_cores(self._cores)

    @property
    def hold(self) -> AbstractContextManager[Any]:
        """In real time the bench runs in a thread of its own; inside `with bench.hold:` it stands still."""
        return self._real_time.lock if self._real_time is not None else nullcontext()

    @property
    def real_time(self) -> RealTime:
        """What ties an entered bench in real time to the computer's clock, and makes it faster. ValueError in virtual
        time, which is as fast as it goes."""
        if self._real_time is None:
            raise ValueError("this bench is in virtual time")
        return self._real_time

    @property
    def now(self) -> float:
        """Bench time, seconds since the bench was made."""
        return self.world.now / NS

    @property
    def log(self) -> str:
        """What the firmware has printed; a meter that is well prints nothing."""
        return self.mcu.log + (self.mcu.process.log if self.mcu.process else "")

    def run(self, seconds: float) -> None:
        """Let `seconds` of bench time pass. FirmwareStopped if the firmware ends although the supply is on."""
        if not 0 <= seconds < float("inf"):
            raise ValueError(f"seconds: {seconds} is no time to run")
        if self._real_time is not None:
            self._real_time.sleep(seconds)
        else:
            self.mcu.run_until(self.world.now + round(seconds * NS))

    def fast_forward(self, seconds: float, stride: int = MINUTE_S) -> None:
        """Let `seconds` of bench time pass without calculating most of them (leap.py); nothing else may happen then.

        The meter wakes whenever its clock shows a multiple of `stride` seconds, and what is due at other times is late.
        60 is right for all that it does by itself, 900 if its periods are quarters of an hour. A live meter is
        fast-forwarded by its own clockwork: `real_time.jump`.
        """
        if self._real_time is not None:
            raise ValueError("a meter in real time is fast-forwarded by real_time.jump")
        if stride < 1:
            raise ValueError(f"stride: {stride} is no number of seconds from 1 on")
        end = self.world.now + round(seconds * NS)
        self.run(min(seconds, STEADY_NS / NS))
        while self.world.now < end:
            leap(self, end, stride)
            self.run(max(0, min(GLANCE_NS if self.supply.on else end, end - self.world.now)) / NS)

    # --- mains ------------------------------------------------------------------------------------------------

    def power_cut(self) -> None:
        """Mains off; returns when the supply's hold-up is over and the electronics are off (about 10 s later)."""
        self.mains_off()
        while self.supply.on:
            self.run(0.5)

    def kill(self) -> None:
        """Supply voltage gone at this instant: no warning, no hold-up."""
        with self.hold:
            self.supply.drop(self.world.now)
            self.mains_off()

    def power_on(self) -> None:
        """Mains back, as it was before `power_cut` or `kill`."""
        with self.hold:
            if self._before_cut is not None:
                before, self._before_cut = self._before_cut, None
                self.source.set(**before)
        if self._real_time is not None:
            self._real_time.start()

    def mains_off(self) -> None:
        """Mains gone; the electronics live on until the hold-up is over."""
        with self.hold:
            if self._before_cut is None:
                setting = self.source.setting
                self._before_cut = {"u": setting.u, "i": setting.i}
                self.source.set(u=0, i=0)

    @property
    def mains_on(self) -> bool:
        """Whether the mains are there, whatever the source is set to; False from `power_cut` to `power_on`."""
        return self._before_cut is None

    def _power_changed(self, on: bool, _t_ns: int) -> None:
        if on:
            self.mcu.start()
        else:
            self.mcu.stop()
        self.world.settle()

    # --- surroundings -----------------------------------------------------------------------------------------

    @property
    def temperature(self) -> float:
        """Degrees C in the meter. Setting it changes what drifts with it, at once: metering chip, clock chip."""
        return self.metering.temperature

    @temperature.setter
    def temperature(self, celsius: float) -> None:
        if not COLDEST <= celsius <= HOTTEST:
            raise ValueError(f"temperature: {celsius} degC is outside {COLDEST:g}..{HOTTEST:g}")
        with self.hold:
            self.world.settle()
            self.metering.temperature = self.rtc.temperature = celsius
            self.world.settle()

    @property
    def inputs(self) -> tuple[bool, ...]:
        """Whether there is voltage on each of the control inputs' terminals; set some, the others have none."""
        return tuple(not line.level for line in self._inputs)

    @inputs.setter
    def inputs(self, voltages: Iterable[bool]) -> None:
        given = [bool(voltage) for voltage in voltages]
        if len(given) > len(self._inputs):
            raise ValueError(f"inputs: the board has {len(self._inputs)}")
        given += [False] * (len(self._inputs) - len(given))
        with self.hold:
            for line, voltage in zip(self._inputs, given, strict=True):
                line.set(int(not voltage), self.world.now)

    def hold_button(self, name: str, pressed: bool = True) -> None:
        """Press one of BUTTONS and keep it pressed, or let it go."""
        with self.hold:
            self._buttons[name].set(int(not pressed), self.world.now)
            if pressed and name in ("down", "up") and self.reserve.kind == READOUT_BATTERY:
                self.supply.wake(self.world.now)

    def press(self, name: str, seconds: float = 0.2) -> None:
        """Press one of BUTTONS for `seconds`, let it go, and give the meter the time it takes to show what follows."""
        self.hold_button(name)
        self.run(seconds)
        self.hold_button(name, False)
        self.run(0.2)

    # --- what a person or a client sees -----------------------------------------------------------------------

    @property
    def leds(self) -> Leds:
        """Flashes of the two test LEDs so far."""
        active, reactive = self.metering.cf_pulses[0], self.metering.cf_pulses[1]
        return Leds([t / NS for t in active], [t / NS for t in reactive])

    def readout(self, list_number: int = 0) -> dict[str, DataSet]:
        """Read out over the optical port, as a client does (300 Bd, then the offered rate); data sets by code.

        `list_number`: 0 standard, 6 service. Takes some seconds of bench time.
        """
        end = VirtualEnd()
        with self.hold:
            self.uarts[0].attach(end)
        try:
            data_sets = IecReader(end, self.run, self.hold).readout(list_number)
        finally:
            with self.hold:
                self.uarts[0].detach(end)
        return {data_set.code: data_set for data_set in data_sets}

    def read(self, code: str) -> DataSet:
        """One data set, from the service list if the standard readout lacks it. KeyError if neither has it."""
        data_sets = self.readout(0)
        return data_sets[code] if code in data_sets else self.readout(6)[code]

    # --- what only a bench can know ---------------------------------------------------------------------------

    def totals(self) -> dict[str, int]:
        """The energy totals as they lie in the FRAM, mWs and mvars, in full resolution. {} on a new meter."""
        return firmware_code.energy_totals(self.fram)

    def events(self) -> list[tuple[int, int, int, int]]:
        """The event log as it lies in the FRAM, oldest first: (sequence, UTC seconds since 2000, number, detail)."""
        return firmware_code.events(self.fram)

    def inject(self, part: str, **faults: Any) -> None:
        """Set fault hooks of a chip model: `bench.inject("metering", stuck_miso=0)`; see each model's `faults`.

        `part` is metering, fram, flash, rtc or lcd. AttributeError if the model has no such fault.
        """
        models: dict[str, Any] = {"metering": self.metering, "fram": self.fram, "flash": self.flash}
        models |= {"rtc": self.rtc, "lcd": self.lcd_driver}
        if part not in models:
            raise ValueError(f"no part {part!r}; there are {', '.join(models)}")
        hooks = models[part].faults
        with self.hold:
            for name, value in faults.items():
                if not hasattr(hooks, name):
                    raise AttributeError(f"{part} has no fault {name!r}; it has {sorted(vars(hooks))}")
                setattr(hooks, name, value)

    def tear(self, n_bytes: int) -> None:
        """Lose the supply inside the FRAM write that is under way when `n_bytes` more bytes have been stored."""
        self.fram.cut_after(n_bytes, self.kill, torn_byte=True)

    def heap(self) -> dict[str, int]:
        """Bytes of the firmware's heap: code, data, and the most data seen; measured now after a collection.

        In real time it waits for a firmware that has much to do, for 10 s at most.
        """
        self.mcu.heap = 0, 0
        self.mcu.report_heap = True
        for _ in range(1 if self.virtual else 100):
            self.run(0.1)
            code, data = self.mcu.heap
            if code:
                break
        return {"code": code, "data": data, "high_water": self.mcu.heap_high_water}
