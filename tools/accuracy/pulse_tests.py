"""Clauses 8.3 and 8.4: starting, no load, and the test LEDs as a test bench's counter sees them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tools.accuracy import measure
from tools.accuracy.measure import Registers, mean_power, pulses_since
from tools.accuracy.meters import Meter
from tools.accuracy.points import Maker, Point
from tools.accuracy.results import JITTER_PERCENT, START_PERCENT, TEN_PULSES_PERCENT, Row, row
from tools.accuracy.standards import Standard
from tools.accuracy.truth import PHASES
from tools.bench import Bench

JOULES_PER_KWH = 3_600_000
START_S = 30.0
LONGEST_PULSE_S = 110.0  # a slower LED at the starting current is not waited for
PULSES = 30
LONGEST_PERIOD_S = 4.0  # loads at which the LED is slower are left out


def start(meter: Meter, standard: Standard, bench: Bench, quick: bool = False) -> Iterator[Row]:
    """The meter counts at the product's starting current, and flashes at the standard's."""
    registers = Registers(bench, meter.clock_ppm)
    point = _point(meter, standard, standard.starts_at)
    measure.apply(bench, point.setpoint)
    bench.run(measure.SETTLE_S)
    first = registers.reading()
    bench.run(START_S)
    counted = mean_power(first, registers.reading(), standard.quantity)
    error = 100 * (counted / point.truth - 1)
    text = f"starts at {100 * standard.starts_at:g} % In, {point.factor}"
    yield row(meter, standard, "starts at", text, error, START_PERCENT, limit=None, truth=point.truth, measured=counted)
    point = _point(meter, standard, standard.start)
    wait = JOULES_PER_KWH / meter.rating.led_constant / point.truth
    if wait <= LONGEST_PULSE_S and not quick:
        measure.apply(bench, point.setpoint)
        begin = bench.now
        bench.run(1.5 * wait)
        missing = 1.0 - min(1, len(pulses_since(_flashes(bench, standard), begin)))
        text = f"flashes at {100 * standard.start:g} % In, {point.factor}"
        yield row(meter, standard, "flashes at start", text, missing, 0.0, unit="missing", limit=None)


def no_load_seconds(meter: Meter, standard: Standard) -> float:
    """Time in which one pulse is allowed: K * 1e6 / (k * m * Un * Imax) minutes."""
    rating = meter.rating
    i_max = rating.i_max * rating.current_ma / 1000
    elements = len(PHASES[meter.network])
    return 60 * standard.no_load * 1e6 / (rating.led_constant * elements * rating.voltage * i_max)


def no_load(meter: Meter, standards: Sequence[Standard], bench: Bench) -> Iterator[Row]:
    """115 % of Un, current circuits open: nothing is counted, nothing flashes."""
    registers = Registers(bench, meter.clock_ppm)
    measure.apply(bench, meter.balanced(0.0, 0.0, voltage=1.15))
    bench.run(measure.SETTLE_S)
    first = registers.reading()
    begin, seconds = bench.now, max(no_load_seconds(meter, standard) for standard in standards)
    bench.run(seconds)
    last = registers.reading()
    text = f"115 % Un, {seconds / 60:.1f} min"
    for standard in standards:
        names = [name for name in last.totals if name.startswith(standard.quantity[0] + "_")]
        moved = sum(last.totals[name] - first.totals[name] for name in names)
        yield row(meter, standard, "no-load energy", text, float(moved), 0.0, unit="mWs", limit=None)
        flashed = len(pulses_since(_flashes(bench, standard), begin))
        yield row(meter, standard, "no-load flashes", text, float(flashed), 1.0, unit="flashes")


def flashes(meter: Meter, standard: Standard, bench: Bench) -> Iterable[Row]:
    """Constant load: how even the flashes are, and what ten of them and all of them say against the register."""
    registers = Registers(bench, meter.clock_ppm)
    rows = []
    for current in (0.1, 1.0, meter.rating.i_max):
        point = _point(meter, standard, current)
        period = JOULES_PER_KWH / meter.rating.led_constant / point.truth
        if period > LONGEST_PERIOD_S:
            continue
        measure.apply(bench, point.setpoint)
        bench.run(measure.SETTLE_S)
        first = registers.reading()
        bench.run(max(measure.duration(point.truth), PULSES * period))
        register = mean_power(first, registers.reading(), standard.quantity)
        times = pulses_since(_flashes(bench, standard), first.t)
        rows += _compare(meter, standard, point, times, register)
    return rows


def _compare(meter: Meter, standard: Standard, point: Point, times: list[float], register: float) -> list[Row]:
    if len(times) < PULSES // 2:
        text = f"{point.name}: {len(times)} flashes"
        return [row(meter, standard, "jitter of flashes", text, 100.0, JITTER_PERCENT, limit=None)]
    mean = (times[-1] - times[0]) / (len(times) - 1)
    spacings = [b - a for a, b in zip(times, times[1:], strict=False)]
    jitter = max(abs(spacing / mean - 1) for spacing in spacings)
    energy = JOULES_PER_KWH / meter.rating.led_constant
    tens = [10 * energy / (b - a) / register - 1 for a, b in zip(times, times[10:], strict=False)]
    text = f"{point.name}, {len(times)} flashes"
    more = {"current": point.current, "factor": point.factor, "truth": point.truth, "measured": register}
    one_tenth = standard.class_index / 10
    return [
        row(meter, standard, "jitter of flashes", text, 100 * jitter, JITTER_PERCENT, limit=None, **more),
        row(
            meter,
            standard,
            "ten flashes",
            text,
            100 * max(tens, key=abs),
            TEN_PULSES_PERCENT,
            limit=one_tenth,
            **more,
        ),
        row(meter, standard, "meter constant", text, 100 * (energy / mean / register - 1), one_tenth, **more),
    ]


def _flashes(bench: Bench, standard: Standard) -> list[float]:
    return bench.leds.active if standard.quantity == "active" else bench.leds.reactive


def _point(meter: Meter, standard: Standard, current: float) -> Point:
    """All phases, factor 1, import."""
    factor = standard.factors[0]
    make = Maker(meter, standard)
    return make.point("flashes", current, factor, meter.balanced(current, make.lag(factor)), None)
