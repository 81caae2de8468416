"""The front on its own: display, buttons and chip as they ship, before an object model with values of its own."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import micropython_names

from host_tests.model_sources import KWH, Increment, Sources, make_model
from host_tests.wires import DirectI2C, DirectPin, Wires
from meter.events.error_register import ErrorRegister
from meter.face.front import Front
from meter.inspection import Inspection
from meter.metrology.energies import NAMES
from meter.tariffs import Tariffs
from tools.bench.lcd import Lcd
from tools.bench.line import Line
from tools.bench.pcf8576 import PCF8576

BUTTONS = {"down": "display_down", "up": "display_up", "reset": "reset_button", "service": "service_button"}
SHORT_S, LONG_S = 0.2, 2.1
_STEP_S = 0.025  # as the front's task does


class FrontBench:
    """A front in front of a meter of this type with these parameters. Time passes in `run` and in what uses it."""

    def __init__(self, designation: str = "ZMG405CR4.260b.43", values: dict[str, Any] | None = None, **fitted: bool):
        """`fitted`: buttons that a board does not have, as `service=False`."""
        self.chip = PCF8576(seed=3)
        self.chip.power(True, 0)
        self.wires = Wires(self.chip)
        micropython_names.follow(self.wires)
        self.lcd = Lcd(self.chip)
        self.lines = {name: Line(name, 1) for name in BUTTONS}
        board = SimpleNamespace(i2c=DirectI2C({0x38: self.chip}, self.wires))
        for name, attribute in BUTTONS.items():
            setattr(board, attribute, DirectPin(self.lines[name]) if fitted.get(name, True) else None)
        self.errors = errors = ErrorRegister()

        class OwnSources(Sources):
            @property
            def error_text(self) -> str:  # type: ignore[override]
                return errors.text()

        self.sources: Any = OwnSources()
        self.sources.test_mode = Inspection(lambda: 0, lambda on: None)
        self.model = make_model(designation, values, self.sources)
        self.parameters = self.model.parameters
        self.samples = SimpleNamespace(present=[True, True, True], reversed_field=False)
        self.billing = SimpleNamespace(p_sign=1, q_sign=1)
        self.communication, self.mains = SimpleNamespace(active=False), SimpleNamespace(is_down=False)
        sources = self.sources
        tariffs: Any = SimpleNamespace(_clock=sources.clock, billing=sources.billing, engine=sources.engine)
        self.front = Front(
            board,
            self.model,
            self.errors,
            SimpleNamespace(samples=self.samples, billing=self.billing),
            self.communication,
            self.mains,
            lambda: Tariffs.reset_by_button(tariffs),
        )
        self.run(0.3)

    def run(self, seconds: float) -> None:
        """Let the front look and draw for so long."""
        end = self.wires.t_ns + round(seconds * 1e9)
        while self.wires.t_ns < end:
            self.front.step()
            self.wires.run(_STEP_S)

    def hold(self, name: str, pressed: bool = True) -> None:
        """Press a button, or let it go."""
        self.lines[name].set(int(not pressed), self.wires.t_ns)

    def press(self, *names: str) -> tuple[str, str, str]:
        """Press buttons one after the other, "down" shortly, "DOWN" for long; what is to be read then."""
        for name in names:
            self.hold(name.lower())
            self.run(LONG_S if name.isupper() else SHORT_S)
            self.hold(name.lower(), False)
            self.run(SHORT_S)
        return self.read()

    def read(self) -> tuple[str, str, str]:
        """Index, value and unit field. The display cannot tell S from 5, nor I from 1."""
        return self.lcd.index, self.lcd.value, self.lcd.unit

    def consume(self, kwh: float, seconds: int = 900) -> None:
        """So much active energy is imported in so many seconds."""
        energies = {"a_import": round(kwh * KWH)}
        self.sources.book(self.sources.clock.now + seconds, **energies)

    def put_total(self, name: str, kwh: float) -> None:
        """Bring the total of an energy to a value."""
        missing = round(kwh * KWH) - self.sources.energies.get(name)
        row = [missing if name == each else 0 for each in NAMES]
        self.sources.energies.add(Increment([row] + [[0] * len(NAMES)] * 3))
