"""Where the object model gets its values: the owners of values, and the few values that have no owner of their own."""

from micropython import const

from meter import factory
from meter.metrology import audit

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

FIRMWARE_VERSION = "P01"
MAKER = "LGZ"  # the maker code that readers of this product family look for

_AUDIT_TEXTS = {
    audit.SOUND: "sound",
    audit.SILICON: "energy registers",
    audit.SAMPLES: "samples",
    audit.LOST: "pages lost",
    audit.UNDECIDED: "undecided",
}


def system_title(serial_number: str) -> bytes:
    """8 octets: maker, serial number as an integer (Green Book, 9.2.3.4.3)."""
    return MAKER.encode() + int(serial_number).to_bytes(5, "big")


class Sources:
    """What cosem.model.ObjectModel asks for; meter.py fills it.

    Owners: `energies`, `counters`, `clock`, `event_log` (events.log.EventLog), `security` (who keeps the keys), and
    those of `tariffs` (meter.tariffs.Tariffs): `rated`, `demand`, `billing`, `profiles`, `rates`, `time_switch`,
    `control_table`, `engine`.
    `terminals`: meter.terminals.Terminals. `test_mode`: meter.inspection.Inspection.
    `scripts`: by name (cosem.setups), functions of the script number.
    `set_clock(utc)` and `write_calibration(text)` change what meter.py has a hand in; both may raise OSError.
    """

    firmware_version = FIRMWARE_VERSION
    scripts: "dict" = {}

    def __init__(
        self, identity, errors, energies, counters, clock, event_log, metering, calibration, security, tariffs
    ):
        self.rated, self.demand, self.billing = tariffs.rated, tariffs.demand, tariffs.billing
        self.profiles, self.rates, self.engine = tariffs.profiles, tariffs.rates, tariffs.engine
        self.time_switch, self.control_table = tariffs.time_switch, tariffs.control_table
        self.energies, self.counters, self.clock, self.event_log = energies, counters, clock, event_log
        self.security = security
        self.terminals: "Any"
        self.test_mode: "Any"
        self.set_clock: "Callable[[int], None]"
        self.write_calibration: "Callable[[str], None]"
        self._identity, self._errors, self._metering, self._calibration = identity, errors, metering, calibration

    @property
    def serial_number(self) -> str:
        return self._identity.serial_number

    @property
    def type_designation(self) -> str:
        return self._identity.type_designation

    @property
    def type_code(self):
        """meter.type_code.TypeCode."""
        return self._identity.type_code

    def identification(self, rate: str) -> str:
        """The identification line of IEC 62056-21 (6.3.2) without CR LF; `rate`: the character of the highest rate."""
        return "/" + MAKER + rate + factory.identification(self.type_designation, FIRMWARE_VERSION)

    @property
    def logical_device_name(self) -> str:
        """16 characters: maker, accuracy and kind of the type, serial number."""
        return MAKER + self.type_designation[3:8] + self.serial_number

    @property
    def system_title(self) -> bytes:
        return system_title(self.serial_number)

    @property
    def error_text(self) -> str:
        return self._errors.text()

    @property
    def actual(self):
        """Instantaneous values: means of a second (metrology.values.Values)."""
        return self._metering.samples.second

    @property
    def harmonics(self):
        return self._metering.samples.harmonics

    @property
    def audit_text(self) -> str:
        return _AUDIT_TEXTS[self._metering.audit.verdict]

    @property
    def wiring_text(self) -> "str | None":
        return self._metering.wiring.text

    @property
    def wiring_code(self) -> "str | None":
        return self._metering.wiring.code

    @property
    def calibration_readings(self) -> str:
        return self._metering.readings.text()

    @property
    def calibration_record(self) -> str:
        return self._calibration.calibration.text()
