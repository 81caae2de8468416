"""Script tables (class 9) and register activation (class 6): builders, as in setups.py.

What a script does is listed as the Blue Book has it (class 9): service, class, logical name, attribute or method,
parameter. The meter does these things itself; most of them no client may do one by one.
"""

from micropython import const

from meter.cosem import obis
from meter.cosem.classes import FIELD, SEALED, Composite
from meter.cosem.data_types import INT8, OCTETS, UINT8
from meter.cosem.definitions import CUMULATED, MAXIMUM, RATED, SETUPS, SIGNAL

_WRITE, _EXECUTE = const(1), const(2)  # service_id
_RATES = const(8)
_OFF = const(10)  # scripts of the outputs: n sets signal Cn, 10 + n clears it
_ACTIVE_MASK = const(4)  # attribute of class 6
_RESET, _CAPTURE = const(1), const(2)  # methods
_ACTIVATIONS = const(("0-0:14.0.0", "0-0:14.0.1"))  # of energies, of maxima


def given(action):
    """`action` for a parameter that must not be null-data."""

    def act(value):
        if value is None:
            raise ValueError("no parameter")
        return action(value)

    return act


def scripts(model, logical_name: bytes, name: str):
    """`sources.scripts`: name -> function of the script number, ValueError if there is no such script. A table whose
    scripts nobody runs is there, and empty."""
    run = model.sources.scripts.get(name)
    if run is None:
        return Composite(9, logical_name, ([],))
    listed = {"tariff": _rates, "outputs": _signals, "reset": _clearings, "led": _lights}.get(name, _unknown)
    return Composite(9, logical_name, (lambda: listed(model),), {1: (SEALED if name == "reset" else FIELD, given(run))})


def billing_reset(model, logical_name: bytes, _argument):
    engine = model.sources.engine

    def run(number: int) -> None:
        if number != 1:
            raise ValueError("no such script")
        engine.reset_by_command()

    def listed() -> list:
        capture = _EXECUTE, 7, obis.parse("0-0:98.1.0"), _CAPTURE, (INT8, 0)
        return [(1, [capture] + _resets(4, model.register_names(MAXIMUM)))]

    return Composite(9, logical_name, (listed,), {1: (FIELD, given(run))})


def activation(model, logical_name: bytes, d: int):
    """Class 6 of the rated energies (`d` RATED) or of maximum demands: a mask for each rate, by its digit, and the one
    that holds, with more digits if more rates are on, or 0."""
    sources = model.sources
    class_id, rates = (3, sources.rated.rates) if d == RATED else (4, sources.demand.rates)

    def active() -> int:
        return sources.rates.energy if d == RATED else sources.rates.demand

    def mask(bits: int) -> tuple:
        """Places in the list, from 1 on, of registers at these rates: they lie there rate by rate for each energy."""
        count = len(model.register_names(d))
        return _digits(bits), [n + 1 for n in range(count) if bits >> n % rates & 1]

    def masks() -> list:
        found = [mask(1 << n) for n in range(_RATES)]
        held = mask(active())
        return found if held in found else found + [held]

    def assigned() -> list:
        return [(class_id, name) for name in model.register_names(d)]

    return Composite(6, logical_name, (assigned, masks, lambda: _digits(active())))


# --- what they do: (script, actions) ----------------------------------------------------------------------------------


def _rates(model) -> list:
    """Both register activations get the mask of the rate."""
    names = [obis.parse(code) for code in _ACTIVATIONS[: 2 if model.sources.demand.quantities else 1]]
    return [
        (n, [(_WRITE, 6, name, _ACTIVE_MASK, (OCTETS, _digits(1 << n - 1))) for name in names])
        for n in range(1, model.sources.rated.rates + 1)
    ]


def _signals(_model) -> list:
    return [
        (off + n, [(_WRITE, 1, obis.parse(SIGNAL % n), 2, (UINT8, int(not off)))])
        for off in (0, _OFF)
        for n in range(1, _RATES + 1)
    ]


def _clearings(model) -> list:
    """Of script 1 what is beside the parameters and tables, which go back to their defaults."""

    def profiles(*kinds) -> list:
        return _resets(7, [obis.parse(row[0]) for row in SETUPS if row[2] in kinds and model.fits(row)])

    stored, log = profiles("billing_profile", "load_profile"), profiles("event_log")
    rated, maxima = _resets(3, model.register_names(RATED)), _resets(4, model.register_names(MAXIMUM))
    totals = [obis.parse(code, model.parameters.obis_b) for code in model.totals()]
    registers = _resets(3, totals + model.register_names(CUMULATED)) + rated + maxima + stored
    return [(1, registers + log), (2, rated), (3, stored), (4, log), (5, registers)]


def _lights(_model) -> list:
    """What a test LED shows is no object's."""
    return [(1, []), (2, [])]


def _unknown(_model) -> list:
    return [(1, [])]


def _resets(class_id: int, names: list) -> list:
    return [(_EXECUTE, class_id, name, _RESET, (INT8, 0)) for name in names]


def _digits(mask: int) -> bytes:
    """The digits of the rates in a mask, as C.14.0 shows them."""
    return bytes([0x31 + n for n in range(_RATES) if mask >> n & 1]) or b"0"
