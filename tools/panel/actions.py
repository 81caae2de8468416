"""What the page may do to the bench: commands with checked fields. A command that is refused changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tools.bench.bench import COLDEST, HOTTEST, Bench
from tools.bench.real_time import FASTEST
from tools.panel import fittings
from tools.panel.checks import Check, Refused, boolean, date, each, fields, number, one_of, perhaps

U_MAX, I_MAX, F_MIN, F_MAX = 400.0, 12.0, 45.0, 65.0
INPUTS = 4

_CLEAN: dict[str, Any] = {"u": 230, "i": 5, "phi": 30, "f": 50, "harmonics": {}, "sequence": "normal"}
_RECTIFIER = {5: (0.28, 180.0), 7: (0.14, 0.0), 11: (0.08, 180.0), 13: (0.05, 0.0)}
_FLAT_TOP = {3: (0.02, 0.0), 5: (0.04, 180.0), 7: (0.015, 0.0)}
PRESETS: dict[str, dict[str, Any]] = {  # what the page shows -> what the mains are then
    "normal": {},
    "no load": {"i": 0},
    "unbalance": {"u": (232, 224, 228), "i": (6, 2, 4), "phi": (20, 50, 30)},
    "export": {"phi": 170},
    "capacitive": {"phi": -40},
    "harmonics": {"harmonics": {"u": _FLAT_TOP, "i": _RECTIFIER}},
    "dip to 70 %": {"u": 161},
    "phase L2 lost": {"u": (230, 0, 230), "i": (5, 0, 5)},
    "current without voltage": {"u": (230, 0, 230)},
    "reversed field": {"sequence": "reversed"},
}


def _load(bench: Bench, f: float | None = None, **phases: list[float | None]) -> None:
    """A phase's null is what it has: two pages may change a phase each."""
    _needs_mains(bench)
    setting = bench.source.setting
    values: dict[str, Any] = {
        name: [old if value is None else value for old, value in zip(getattr(setting, name), given, strict=True)]
        for name, given in phases.items()
    }
    bench.source.set(f=f, **values)


def _preset(bench: Bench, name: str) -> None:
    _needs_mains(bench)
    bench.source.set(**_CLEAN | PRESETS[name])


def _needs_mains(bench: Bench) -> None:
    if not bench.mains_on:
        raise Refused(409, "the mains are off: switch them on first")


def _mains(bench: Bench, on: bool) -> None:
    if on:
        bench.power_on()
    else:
        bench.mains_off()


def _inputs(bench: Bench, on: list[bool | None]) -> None:
    bench.inputs = tuple(was if now is None else now for was, now in zip(bench.inputs, on, strict=True))


def _temperature(bench: Bench, celsius: float) -> None:
    bench.temperature = celsius


def _speed(bench: Bench, factor: float) -> None:
    bench.real_time.speed = factor


def _jump(bench: Bench, utc: int) -> None:
    if not bench.supply.on:
        raise Refused(409, "the meter is without power: its clock goes on, but nothing can be seen of it")
    bench.real_time.jump(utc)


def _stay(bench: Bench) -> None:
    bench.real_time.end_jump()


@dataclass(frozen=True)
class Action:
    """What to do with the checked fields; if they are `optional`, with one of them at least."""

    run: Callable[..., None]
    fields: dict[str, Check] = field(default_factory=dict)
    optional: bool = False


ACTIONS = {
    "load": Action(
        _load,
        {
            "u": each(3, perhaps(number(0, U_MAX))),
            "i": each(3, perhaps(number(0, I_MAX))),
            "phi": each(3, perhaps(number(-180, 180))),
            "f": number(F_MIN, F_MAX),
        },
        optional=True,
    ),
    "preset": Action(_preset, {"name": one_of(PRESETS)}),
    "mains": Action(_mains, {"on": boolean}),
    "inputs": Action(_inputs, {"on": each(INPUTS, perhaps(boolean))}),
    "button": Action(fittings.hold_button, {"name": one_of(fittings.BUTTONS), "pressed": boolean}),
    "switch": Action(fittings.switch, {"name": one_of(fittings.SWITCHES), "on": boolean}),
    "temperature": Action(_temperature, {"celsius": number(COLDEST, HOTTEST)}),
    "speed": Action(_speed, {"factor": number(1, FASTEST)}),
    "jump": Action(_jump, {"utc": date}),
    "stay": Action(_stay),
}


def perform(bench: Bench, name: str, body: Any) -> None:
    """Do what the page asks for. Refused if there is no such command, or a field is missing, unknown or wrong."""
    action = ACTIONS.get(name)
    if action is None:
        raise Refused(404, f"there is no command {name!r}")
    values = fields(body, action.fields, action.optional)
    with bench.hold:
        try:
            action.run(bench, **values)
        except ValueError as error:
            raise Refused(400, str(error)) from None
