"""What the mains source is told: the settings, and the checks of what a caller gives.

Everything here raises ValueError with the name of what is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

MAX_ORDER = 80
Triple = tuple[float, float, float]
Spectrum = dict[int, tuple[float, float]]
PerPhase = float | Sequence[float]
TERMINALS = ("U1", "U2", "U3", "I1", "I2", "I3")
Wiring = tuple[tuple[int, int, int], ...]  # (terminal, wire or transformer, 1, -1 turned round or 0 open), of TERMINALS


@dataclass(frozen=True)
class Setting:
    """What `Source.set` was told: volts and amperes rms, degrees, hertz, spectra as fractions of the fundamental."""

    u: Triple = (230.0, 230.0, 230.0)
    i: Triple = (0.0, 0.0, 0.0)
    phi: Triple = (0.0, 0.0, 0.0)
    f: float = 50.0
    u_harmonics: tuple[Spectrum, Spectrum, Spectrum] = ({}, {}, {})
    i_harmonics: tuple[Spectrum, Spectrum, Spectrum] = ({}, {}, {})
    u_noise: Triple = (0.0, 0.0, 0.0)
    i_noise: Triple = (0.0, 0.0, 0.0)
    noise_relative: bool = False
    sequence: str = "normal"
    neutral: str | tuple[float, float] = "sum"
    wiring: Wiring = ()
    star: tuple[float, float] = (0.0, 0.0)

    def changed(
        self,
        u: PerPhase | None,
        i: PerPhase | None,
        phi: PerPhase | None,
        f: float | None,
        harmonics: Mapping[str, Any] | None,
        noise: float | Mapping[str, PerPhase] | None,
        sequence: str | None,
        neutral: str | float | tuple[float, float] | None,
        wiring: Mapping[str, str | None] | None = None,
        star: tuple[float, float] | None = None,
    ) -> Setting:
        """This setting with what is not None replaced; the arguments are those of `Source.set`."""
        new = self
        if u is not None:
            new = replace(new, u=_three("u", u))
        if i is not None:
            new = replace(new, i=_three("i", i))
        if phi is not None:
            new = replace(new, phi=_three("phi", phi, signed=True))
        if f is not None:
            new = replace(new, f=_number("f", f, 1.0, 400.0))
        if harmonics is not None:
            new = replace(new, **_harmonics(harmonics))
        if noise is not None:
            new = replace(new, **_noise(noise))
        if sequence is not None:
            if sequence not in ("normal", "reversed"):
                raise ValueError(f"sequence: {sequence!r} is neither 'normal' nor 'reversed'")
            new = replace(new, sequence=sequence)
        if neutral is not None:
            new = replace(new, neutral=_neutral(neutral))
        if wiring is not None:
            new = replace(new, wiring=_wiring(wiring))
        if star is not None:
            new = replace(new, star=_polar("star", "volts", star))
        return new


def triple(values: Any) -> Triple:
    """Three plain floats."""
    return (float(values[0]), float(values[1]), float(values[2]))


def _number(name: str, value: Any, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        raise ValueError(f"{name}: {value!r} is not a number")
    number = float(value)
    if not low <= number <= high:
        raise ValueError(f"{name}: {number} is outside {low:g}..{high:g}")
    return number


def _three(name: str, value: Any, signed: bool = False) -> Triple:
    low, high = (-3600.0, 3600.0) if signed else (0.0, 1e6)
    values = list(value) if isinstance(value, (Sequence, np.ndarray)) and not isinstance(value, str) else [value] * 3
    if len(values) != 3:
        raise ValueError(f"{name}: one number or three (L1, L2, L3), not {len(values)}")
    return triple([_number(name, v, low, high) for v in values])


def _spectrum(name: str, value: Any) -> Spectrum:
    if not isinstance(value, Mapping):
        raise ValueError(f"harmonics[{name!r}]: a mapping of order to (fraction, degrees) is wanted, not {value!r}")
    result: Spectrum = {}
    for order, pair in value.items():
        if isinstance(order, bool) or not isinstance(order, int) or order == 1 or not 0 <= order <= MAX_ORDER:
            raise ValueError(f"harmonics[{name!r}]: order {order!r} is not 0 or 2..{MAX_ORDER}")
        if not isinstance(pair, Sequence) or len(pair) != 2:
            raise ValueError(f"harmonics[{name!r}][{order}]: (fraction, degrees) is wanted, not {pair!r}")
        fraction = _number(f"harmonics[{name!r}][{order}] fraction", pair[0], 0.0, 100.0)
        degrees = _number(f"harmonics[{name!r}][{order}] degrees", pair[1], -3600.0, 3600.0)
        if order == 0 and degrees not in (0.0, 180.0):
            raise ValueError(f"harmonics[{name!r}][0]: DC has only 0 or 180 degrees, not {degrees}")
        result[order] = (fraction, degrees)
    return result


def _harmonics(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or set(value) - {"u", "i"}:
        raise ValueError(f"harmonics: a mapping with the keys 'u' and 'i' is wanted, not {value!r}")
    result = {}
    for name in ("u", "i"):
        given = value.get(name, {})
        spectra = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else [given] * 3
        if len(spectra) != 3:
            raise ValueError(f"harmonics[{name!r}]: one spectrum or three (L1, L2, L3), not {len(spectra)}")
        result[f"{name}_harmonics"] = tuple(_spectrum(name, s) for s in spectra)
    return result


def _noise(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        level = _three("noise", _number("noise", value, 0.0, 10.0))
        return {"u_noise": level, "i_noise": level, "noise_relative": True}
    if set(value) - {"u", "i"}:
        raise ValueError(f"noise: the keys are 'u' (volts) and 'i' (amperes), not {sorted(map(str, value))}")
    return {
        "u_noise": _three("noise['u']", value.get("u", 0.0)),
        "i_noise": _three("noise['i']", value.get("i", 0.0)),
        "noise_relative": False,
    }


def _neutral(value: Any) -> str | tuple[float, float]:
    if isinstance(value, str):
        if value != "sum":
            raise ValueError(f"neutral: {value!r} is neither 'sum' nor a current")
        return value
    return _polar("neutral", "amperes", value if isinstance(value, Sequence) and len(value) == 2 else (value, 0.0))


def _polar(name: str, unit: str, value: Any) -> tuple[float, float]:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        raise ValueError(f"{name}: ({unit}, degrees) is wanted, not {value!r}")
    return (_number(f"{name} {unit}", value[0], 0.0, 1e6), _number(f"{name} degrees", value[1], -3600.0, 3600.0))


def _wiring(value: Any) -> Wiring:
    if not isinstance(value, Mapping):
        raise ValueError(f"wiring: a mapping of terminals to what is connected is wanted, not {value!r}")
    result = []
    for terminal, wire in value.items():
        if terminal not in TERMINALS:
            raise ValueError(f"wiring: {terminal!r} is none of {', '.join(TERMINALS)}")
        own = TERMINALS.index(terminal)
        if wire is None:
            result.append((own, own, 0))
            continue
        name = str(wire).lstrip("-")
        turned = wire == "-" + name and terminal[0] == "I"
        if name not in TERMINALS or name[0] != terminal[0] or (wire != name and not turned):
            raise ValueError(f"wiring[{terminal!r}]: {wire!r} cannot be connected there")
        result.append((own, TERMINALS.index(name), -1 if turned else 1))
    return tuple(result)
