"""The measuring part of the meter: one metering chip, the two paths that leave it, and what keeps them right.

`meter.py` runs it: `start`, then `wait` and `take` in turn, and `tend` when an interval's energy has been booked; after
a ChipError `rescue`, and `start` again.
Once an interval: energy from the chip to an increment, the audit of both paths. Once a second: the chip's temperature
and its gains. Every 45 s, and when the audit is suspicious: the chip's settings against those it was given.
"""

from micropython import const

from drivers.ade9000 import ADE9000, ChipError, NoPages
from drivers.ade9000_registers import CF1DEN, CF2DEN
from meter.face.leds import cf_divider, choices
from meter.metrology import audit
from meter.metrology.billing_path import BillingPath
from meter.metrology.compensation import Compensation
from meter.metrology.front_end import chip_setup, summation_in
from meter.metrology.networks import NETWORKS
from meter.metrology.readings import Readings
from meter.metrology.sample_path import SamplePath
from meter.metrology.start_up import start_powers
from meter.metrology.wiring_check import WiringCheck

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from meter.metrology.billing_path import Increment
    from meter.metrology.calibration import Calibration

_WAIT_MS = const(250)
_TEMPERATURE_INTERVALS = const(2)
_VERIFY_INTERVALS = const(90)
_SLOWEST_DIVIDER = const(65535)  # CFxDEN
_PAGE_TRIALS = const(2)  # starts of a chip that hands out no pages, before energy is counted without


class Metering:
    """What one chip measures on `board`, for a meter of `type_code` with `analog` constants and these `parameters`.

    `samples`: the SamplePath; `billing`: the BillingPath; `audit`; `readings`: sums for calibration; `wiring`: the
    WiringCheck. `counting` is to be set by the owner of the registers: while false the test LEDs stay dark, because
    nothing is counted. They stay dark too while the audit has the samples' energy booked: they follow the chip, which
    is not believed then.
    `led_constant_refused`: the chip cannot flash at the parameter's constant. What `take` finds beside energy it says
    in `new_verdict` (the audit's) and `repaired` (registers whose settings had changed by themselves).
    """

    def __init__(self, board, type_code, analog: dict, parameters, calibration: "Calibration", kernels, crc16):
        network = NETWORKS[parameters.network]
        hz = parameters.nominal_hz
        start_p, start_q = start_powers(type_code, network, parameters.nominal_voltage, parameters.nominal_current_ma)
        self.counting = False
        self.new_verdict = False
        self.repaired: list = []
        self.led_constant_refused = False
        self.chip = ADE9000(
            board.metering_spi, board.metering_cs, board.metering_irq0, board.metering_irq1, board.metering_reset, crc16
        )
        self.billing = BillingPath(
            analog,
            network,
            start_p,
            start_q,
            hz,
            parameters.summation,
            parameters.apparent,
            type_code.has_reactive,
        )
        self.samples = SamplePath(analog, hz, network, parameters.apparent, kernels)
        nominal_a = parameters.nominal_current_ma / 1000
        self.wiring = WiringCheck(self.samples.second, network, parameters.nominal_voltage, nominal_a)
        absolute = summation_in(network, parameters.summation) != "vector"
        self.audit = audit.Audit(analog, network.elements, start_p, hz, absolute)
        self.readings = Readings()
        self._compensation = Compensation(calibration)
        self._analog = analog
        # What both paths were made for holds until the next start of the firmware, whatever becomes of the parameters.
        self._hz = hz
        # CFxDEN of active and reactive energy; whether each LED shows reactive
        self._dividers = [self._divider(n) for n in (parameters.led_constant, parameters.led_constant_reactive)]
        self._reactive = [False, parameters.led_2 == "reactive"]
        self._relit = False
        self._settings = chip_setup(
            analog, network, hz, parameters.nominal_voltage, self._dividers[0], parameters.summation
        )
        self._settings[CF2DEN] = self._dividers[self._reactive[1]]
        self._setup: dict = {}
        self._powers = [0] * 6
        self._windows = 0
        self._intervals = 0
        self._news = audit.NOTHING
        self._running = False  # the chip counts on from the reading before
        self._pageless = 0  # starts of the chip that have brought no pages
        self.calibrate(calibration)

    def calibrate(self, calibration: "Calibration") -> None:
        """Use another calibration, within a second."""
        self._compensation.calibration = calibration
        self.samples.offsets[:] = calibration.power_offsets()
        self._recalibrated = True

    async def start(self) -> None:
        """Reset the chip and start it with all its settings. ChipError if it is not as it should be."""
        self._running = False
        setup = dict(self._settings)
        setup.update(self._compensation.registers(self._analog, self._hz))
        self._recalibrated = False
        self._setup = setup
        self.chip.needs_pages = self._pageless < _PAGE_TRIALS
        await self.chip.start(setup)
        self.billing.reset_baseline([0] * len(self.billing.codes))  # a started chip counts from zero
        self.samples.reset()
        self.audit.restart()
        self._running = True

    def show_reactive(self, on: bool) -> None:
        """Let LED 1 show reactive energy in place of active, or give it back, within a second."""
        self._reactive[0] = on
        self._settings[CF1DEN] = self._dividers[on]
        self._relit = True

    def _divider(self, constant: int) -> int:
        analog = self._analog
        try:
            divider, _ = cf_divider(constant, analog["i_full_scale_nA"], analog["u_full_scale_uV"])
        except ValueError:  # counting goes on
            self.led_constant_refused = True
            return _SLOWEST_DIVIDER
        return divider

    async def wait(self) -> None:
        """Until there is something to take, for a quarter of a second at most."""
        await self.chip.wait(_WAIT_MS)

    def take(self) -> "Increment | None":
        """Take what the chip has; the energies of an interval if one has ended. ChipError if the chip is in trouble."""
        chip, samples = self.chip, self.samples
        try:
            pages = chip.read_pages(chip.page_buffer)
        except NoPages:  # a new start may help; if it does not, each would only cost energy
            self._pageless += 1
            raise
        samples.feed(chip.page_buffer, pages, chip.lost_pages)
        if samples.windows != self._windows:
            self._windows = samples.windows
            self._pageless = 0
            chip.needs_pages = True
            self.readings.window(samples.window)
        self.audit.feed(samples.energy, pages, chip.lost_pages)
        return self._interval() if chip.energy_ready() else None

    def _interval(self) -> "Increment":
        chip, billing = self.chip, self.billing
        elapsed_ms = chip.energy_elapsed_ms
        increment = billing.advance(billing.codes, elapsed_ms, chip.read_energies(billing.codes))
        # From here to the registers the chip is not asked for anything: trouble with it must not cost this energy.
        self.readings.interval(increment, elapsed_ms)
        self._news = self.audit.interval(increment, elapsed_ms)
        if self._news == audit.NEW_VERDICT:
            self.new_verdict = True
        if self.audit.replaces:
            increment = billing.substitute(self.audit.p, self.audit.q, self.audit.interval_ms)
        return increment

    def tend(self) -> None:
        """What there is to do with the chip once the energies of an interval have been booked. ChipError."""
        chip, billing = self.chip, self.billing
        # Nor may they flash energies of the chip in whose place others are booked.
        flashing = self.counting and not self.audit.replaces
        if self._relit:
            self._relit = False
            self._change({CF1DEN: self._settings[CF1DEN]})
        first, second = self._reactive
        signs = billing.p_sign, billing.q_sign
        chip.enable_pulses(flashing and signs[first] != 0, flashing and signs[second] != 0, choices(first, second))
        if self.audit.wants_witness:
            chip.read_powers(self._powers)
            self.audit.testify(self._powers)
        self._intervals += 1
        if self._intervals % _TEMPERATURE_INTERVALS == 0:
            self._compensate()
        if self._news == audit.CHECK_SETTINGS or self._intervals % _VERIFY_INTERVALS == 0:
            self._verify()

    def _compensate(self) -> None:
        """Follow the chip's temperature, or a new calibration, with the chip's correction registers."""
        if self._recalibrated:
            self._recalibrated = False
            self._change(self._compensation.registers(self._analog, self._hz))
        celsius_m = self.chip.read_temperature()
        if celsius_m is not None:
            self.readings.temperature = celsius_m
            self._change(self._compensation.update(celsius_m))

    def _change(self, settings: dict) -> None:
        self.chip.update(settings)
        self._setup.update(settings)

    def _verify(self) -> None:
        """See that the chip has kept its settings; write again what has changed by itself."""
        wrong = self.chip.verify(self._setup)
        if wrong:
            self.chip.update({register: self._setup[register] for register in wrong})
            self.audit.repaired()
            self.repaired = wrong

    def rescue(self) -> "Increment | None":
        """What the chip has added up before it is reset; nothing from one that was reset already or is being started,
        nor from one whose energies are not believed."""
        chip, billing = self.chip, self.billing
        if not self._running or self.audit.verdict == audit.SILICON:
            return None
        try:
            negative = chip.read_energies(billing.codes)
        except ChipError:
            return None
        return billing.advance(billing.codes, max(1, chip.energy_age_ms()), negative)

    def invalidate(self) -> None:
        """The chip is not to be trusted: no values until it has been started and measured anew."""
        self.samples.invalidate()
        self._windows = self.samples.windows
        self.billing.p_sign = self.billing.q_sign = 0
