"""Stations: a source, a standard and a chamber, with one meter connected. The bench's, and a real one."""

from __future__ import annotations

import cmath
import json
import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any, Protocol

from meter.metrology import calibration
from meter.metrology.calibration import Calibration
from meter.metrology.networks import NETWORKS
from tools.bench import Bench
from tools.bench.bench import DEFAULT_START
from tools.bench.iec_client import IecError, IecProgrammer
from tools.bench.uart_ends import VirtualEnd
from tools.calibrate.procedure import Point
from tools.calibrate.readings import Measured, Reference, Snapshot
from tools.calibrate.serial_end import SerialEnd

READINGS, RECORD, SERIAL_NUMBER = "C.60.0", "C.60.1", "0.0.0"
PASSWORD, LEVEL = "00000000", 2  # P2; with the certification seal open it gives access level 4
EPOCH_2000 = 946_684_800
_START_S = 5.0  # power on to counting
# What the bench's meters are made for: V against neutral or middle, A, Hz
_STAR, _CURRENT, _HZ = 230.0, 5.0, 50.0


class Station(Protocol):
    """What the procedure needs. `network`: a key of networks.NETWORKS. Any method may raise IecError."""

    network: str

    @property
    def serial(self) -> str:
        """The meter's serial number."""

    def now(self) -> int:
        """Seconds since 2000 UTC."""

    def apply(self, point: Point) -> Reference:
        """Set source and chamber, let it settle; the truth."""

    def readings(self, seconds: float) -> Measured:
        """What the meter measures in the next `seconds`."""

    def record(self) -> Calibration:
        """The calibration in force."""

    def write(self, record: Calibration) -> None:
        """Put `record` in force."""

    def restart(self) -> None:
        """Take the meter's supply away and give it back."""

    def release(self) -> None:
        """Leave the meter's line to others."""


class MeterLink:
    """The meter's side of a station: objects read and written in programming mode over one line."""

    def __init__(
        self, end: Any, run: Callable[[float], object], hold: AbstractContextManager[object] | None, password: str
    ) -> None:
        self.run = run
        self._programmer = IecProgrammer(end, run, hold)
        self._password = password
        self._open = False

    def read(self, code: str) -> str:
        """Text of an object; a session that has timed out is opened anew."""
        try:
            return self._session().read(code)
        except IecError:
            self._open = False
            return self._session().read(code)

    def write(self, code: str, text: str) -> None:
        """Change an object; IecError if the meter refuses."""
        self._session().write(code, text)

    def close(self) -> None:
        """End the session; whether the meter hears of it does not matter."""
        if self._open:
            self._open = False
            with suppress(IecError):
                self._programmer.close()

    def readings(self, seconds: float) -> Measured:
        """Means over the next `seconds`."""
        first = Snapshot.parse(self.read(READINGS))
        self.run(seconds)
        return Measured.between(first, Snapshot.parse(self.read(READINGS)))

    def record(self) -> Calibration:
        """C.60.1; ValueError if it is no calibration."""
        return calibration.parse(self.read(RECORD))

    def _session(self) -> IecProgrammer:
        if not self._open:
            self._programmer.sign_on(self._password, LEVEL)
            self._open = True
        return self._programmer


class BenchStation:
    """A made meter on the bench; use as a context manager. `specimen`: which of all the meters that could be made."""

    def __init__(
        self,
        type: str = "ZMG405CR4.260b.43",
        network: str = "3P4W",
        specimen: int | None = 1,
        seed: int = 1,
    ) -> None:
        self.network = network
        self.bench = Bench(type, seed, network=network, specimen=specimen)
        self._end = VirtualEnd()
        self._link = MeterLink(self._end, self.bench.run, self.bench.hold, PASSWORD)

    def __enter__(self) -> BenchStation:
        self.bench.__enter__()
        self.bench.uarts[0].attach(self._end)
        self.bench.seal_open = True
        self.bench.source.set(u=_STAR, i=0, phi=0, f=_HZ)
        self.bench.run(_START_S)
        return self

    def __exit__(self, *exception: object) -> None:
        self.bench.__exit__(*exception)

    @property
    def serial(self) -> str:
        return self.bench.serial

    def now(self) -> int:
        return DEFAULT_START + int(self.bench.now)

    def apply(self, point: Point) -> Reference:
        self.bench.temperature = point.temperature
        current = _CURRENT * point.current
        self.bench.source.set(u=_STAR, i=current, phi=point.lag)
        self.bench.run(point.settle)
        return balanced(self.network, _STAR, current, point.lag, _HZ)

    def readings(self, seconds: float) -> Measured:
        return self._link.readings(seconds)

    def record(self) -> Calibration:
        return self._link.record()

    def write(self, record: Calibration) -> None:
        self._link.write(RECORD, record.text())

    def release(self) -> None:
        self._link.close()

    def restart(self) -> None:
        self._link.close()
        self.bench.kill()
        self.bench.power_on()
        self.bench.run(_START_S)


def balanced(network: str, star: float, current: float, lag: float, f: float) -> Reference:
    """The truth of a balanced source, phasor by phasor: `star` volts to the middle, amperes that lag by degrees."""
    u = [cmath.rect(star, math.radians(-120 * n)) for n in range(3)]
    i = [cmath.rect(current, math.radians(-120 * n - lag)) for n in range(3)]
    if network == "3P3W":
        u = [u[0] - u[1], 0j, u[2] - u[1]]
    elements = NETWORKS[network].elements
    power = [u[n] * i[n].conjugate() if n in elements else 0j for n in range(3)]
    volts = [abs(u[n]) if n in elements else 0.0 for n in range(3)]
    amperes = [abs(i[n]) if n in elements else 0.0 for n in range(3)]
    return Reference(
        (volts[0], volts[1], volts[2]), (amperes[0], amperes[1], amperes[2]), (power[0], power[1], power[2]), f
    )


class PortStation:
    """A real meter on a serial port (optical head) and a laboratory that the operator sets.

    `references`: point name -> {"u", "i", "p", "q": a number per element, "f"}; a point that is not in it is asked for.
    `ask` puts a question and returns the answer.
    """

    def __init__(
        self, port: str, network: str, password: str, references: dict[str, Any], ask: Callable[[str], str]
    ) -> None:
        self.network = network
        self._references, self._ask = references, ask
        self._end = SerialEnd(port)
        self._link = MeterLink(self._end, time.sleep, None, password)

    def __enter__(self) -> PortStation:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._link.close()
        self._end.close()

    @property
    def serial(self) -> str:
        return self._link.read(SERIAL_NUMBER)

    def now(self) -> int:
        return int(time.time()) - EPOCH_2000

    def apply(self, point: Point) -> Reference:
        self._link.close()  # the operator may take longer than the session lives
        self._ask(f"Set {point.text}; Enter when it is stable: ")
        time.sleep(point.settle)
        values = self._references.get(point.name)
        return self._reference(values if values is not None else self._type_in())

    def readings(self, seconds: float) -> Measured:
        return self._link.readings(seconds)

    def record(self) -> Calibration:
        return self._link.record()

    def write(self, record: Calibration) -> None:
        self._link.close()
        self._ask("Open the certification seal; Enter: ")
        self._link.write(RECORD, record.text())

    def release(self) -> None:
        self._link.close()

    def restart(self) -> None:
        self._link.close()
        self._ask("Switch the meter off and on again; Enter: ")
        time.sleep(_START_S)

    def _type_in(self) -> dict[str, Any]:
        values: dict[str, Any] = {"u": [], "i": [], "p": [], "q": []}
        for element in NETWORKS[self.network].elements:
            for name, unit in (("u", "V"), ("i", "A"), ("p", "W"), ("q", "var")):
                values[name].append(float(self._ask(f"  {name.upper()} of element L{element + 1} [{unit}]: ")))
        values["f"] = float(self._ask("  frequency [Hz]: "))
        return values

    def _reference(self, values: dict[str, Any]) -> Reference:
        elements = NETWORKS[self.network].elements
        u, i, power = [0.0] * 3, [0.0] * 3, [0j] * 3
        for place, n in enumerate(elements):
            u[n], i[n] = float(values["u"][place]), float(values["i"][place])
            power[n] = complex(values["p"][place], values["q"][place])
        return Reference((u[0], u[1], u[2]), (i[0], i[1], i[2]), (power[0], power[1], power[2]), float(values["f"]))


def load_references(path: Path) -> dict[str, Any]:
    """The standard's readings from a file, by point name; ValueError if it has another form."""
    values = json.loads(path.read_text())
    if not isinstance(values, dict) or not all(
        isinstance(v, dict) and set(v) >= {"u", "p", "q", "f"} for v in values.values()
    ):
        raise ValueError(f'{path}: wanted is {{"full": {{"u": [..], "i": [..], "p": [..], "q": [..], "f": 50.0}}, ..}}')
    return values
