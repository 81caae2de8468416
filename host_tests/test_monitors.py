"""Monitors against a reference in plain Python, by the event table of the product family, in each network."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_tests.model_sources import parameters_with
from meter.events import monitors as module
from meter.events import tamper
from meter.events.monitors import Monitor, Monitors
from meter.metrology.networks import NETWORKS
from meter.metrology.values import II, MEANS, PER_PHASE, U1, UU, P, Q, Values
from meter.tariff import control_table, load_profile

LOW, HIGH, MISSING, CURRENT, POWER, DEMAND = (1 << n for n in range(6))
THIRD = 2 * math.pi / 3


class Demand:
    quantities: tuple[str, ...] = ("a_import", "a_export")

    def __init__(self) -> None:
        self.mw = {"a_import": 0, "a_export": 0}

    def current(self, name: str) -> int:
        return self.mw[name]


class Rig:
    """Monitors of a meter on a network, fed with voltages, currents and angles, a second each."""

    def __init__(self, network: str = "3P4W", has_apparent: bool = True, **parameters: Any) -> None:
        if network == "3P3W":
            parameters["nominal_voltage"] = 400
        self.parameters = parameters_with({"network": network, **parameters})
        wires = NETWORKS[network]
        self.samples = SimpleNamespace(second=Values(wires, "vector", 0.001), seconds=0)
        self.demand, self.events = Demand(), list[tuple[int, int]]()
        imax_ma = 10_000  # the data sheet's, of 5 A

        def note(event: int, detail: int) -> None:
            self.events.append((event, detail))

        self.monitors = Monitors(self.parameters, wires, imax_ma, self.demand, has_apparent, note)

    def second(self, u: Any = 230.0, i: Any = 1.0, n: int = 1, sequence: int = 1, i0: float = 0.0) -> list[int]:
        """`n` seconds; the numbers of the events that came."""
        us, currents = (list(x) if isinstance(x, tuple) else [x] * 3 for x in (u, i))
        means: list[Any] = [0.0] * MEANS
        for k in range(3):
            angle = complex(math.cos(-sequence * THIRD * k), math.sin(-sequence * THIRD * k))
            at = PER_PHASE * k
            means[at + UU], means[at + II], means[at + U1] = us[k] ** 2, currents[k] ** 2, us[k] * angle
            means[at + P], means[at + Q] = us[k] * currents[k], 0.0
        means[MEANS - 1] = i0**2
        before = len(self.events)
        for _ in range(n):
            self.samples.second.update(means, 50.0)
            self.samples.seconds += 1
            self.monitors.look(self.samples)
        return [number for number, _ in self.events[before:]]


# --- one monitor ----------------------------------------------------------------------------------------------------


def reference(values: list[int | None], limit: int, release: int, delay: int, side: int) -> list[tuple[int, int]]:
    """(second, extreme) of each event, from the whole series: it comes on in the first second at whose end the value
    has been beyond the limit for `delay` seconds without a break, and is on until it is no longer beyond `release`."""
    beyond = [value is not None and side * value > side * limit for value in values]
    found, n, ended = list[tuple[int, int]](), 0, 0
    while n < len(values):
        run = range(n - delay, n + 1)
        if run.start < 0 or not all(beyond[k] for k in run):
            n += 1
            continue
        start = n - delay
        while start > ended and beyond[start - 1]:
            start -= 1
        measured = [value for value in values[start : n + 1] if value is not None]
        found.append((n, max(measured) if side > 0 else min(measured)))
        ended = n + 1
        while ended < len(values):
            value = values[ended]
            if value is not None and side * value <= side * release:
                break
            ended += 1
        n = ended + delay
    return found


@given(
    st.lists(st.one_of(st.none(), st.integers(80, 120)), max_size=60),
    st.integers(90, 110),
    st.integers(0, 8),
    st.integers(0, 4),
    st.sampled_from([-1, 1]),
)
def test_delay_hysteresis_and_extreme_are_those_of_the_reference(
    values: list[int | None], limit: int, hysteresis: int, delay: int, side: int
) -> None:
    release, monitor = limit - side * hysteresis, Monitor(side)
    found = [(n, monitor.extreme) for n, value in enumerate(values) if monitor.look(value, limit, release, delay, 1)]
    assert found == reference(values, limit, release, delay, side)


def test_values_that_come_late_count_for_the_time_they_took() -> None:
    monitor = Monitor(1)
    assert not monitor.look(11, 10, 10, 3, 1) and not monitor.look(12, 10, 10, 3, 2)
    assert monitor.look(11, 10, 10, 3, 1) and monitor.extreme == 12


# --- by the table of events: facts page 1.9 -------------------------------------------------------------------------


def test_undervoltage_is_below_90_percent_for_3_seconds_and_ends_above_91_8() -> None:
    rig = Rig()
    assert rig.second((206.9, 230, 230), n=3) == []  # 207 V is 90 %
    assert rig.second((205.0, 230, 230)) == [17] and rig.events == [(17, 205_000)]
    assert rig.second((211.1, 230, 230), n=9) == [] and rig.monitors.signals == LOW
    assert rig.second((211.2, 230, 230)) == [] and rig.monitors.signals == 0  # 90 % and 2 % of it: 211.14 V
    assert rig.second((230, 206, 180), n=4) == [18, 19]


def test_overvoltage_is_above_110_percent_and_ends_below_107_8() -> None:
    rig = Rig()
    assert rig.second(252.9, n=9) == []
    assert rig.second((230, 230, 253.1), n=3) == [] and rig.second((230, 230, 260)) == [22]
    assert rig.events == [(22, 260_000)] and rig.monitors.signals == HIGH
    rig.second((230, 230, 248.0))
    assert rig.monitors.signals == HIGH
    rig.second((230, 230, 247.9))
    assert rig.monitors.signals == 0


def test_a_phase_below_20_v_has_failed_and_is_no_undervoltage() -> None:
    rig = Rig()
    assert rig.second((230, 230, 20.1), i=0, n=9) == [19]
    assert rig.second((230, 230, 19.9), i=0, n=4) == [51] and rig.monitors.signals == MISSING
    assert rig.second((230, 19.9, 0), i=0, n=4) == [50]
    assert rig.second(0, i=0, n=4) == [108] and rig.monitors.signals == MISSING
    assert rig.second((230, 0, 0), i=0, n=9) == [] and rig.monitors.signals == MISSING  # 50 and 51 have lasted
    rig.second()
    assert rig.monitors.signals == 0 and rig.events[-3:] == [(51, 19_900), (50, 19_900), (108, 0)]


def test_all_phases_that_fail_at_once_are_one_event() -> None:
    rig = Rig()
    assert rig.second(0, i=0, n=20) == [108]


def test_current_without_voltage_is_below_78_percent_and_above_a_thousandth_of_imax_for_2_seconds() -> None:
    rig = Rig(undervoltage_percent=0)
    assert rig.second((179.5, 230, 230), i=(0.009, 1, 1), n=9) == []  # 179.4 V and 10 mA
    assert rig.second((179.3, 230, 230), i=(0.011, 1, 1), n=2) == [] and not rig.monitors.without_voltage
    assert rig.second((0, 230, 230), i=(0.02, 1, 1)) == [55]
    assert rig.monitors.without_voltage and rig.events == [(55, 20)]
    rig.second((0, 230, 230), i=(0, 1, 1))
    assert not rig.monitors.without_voltage and rig.monitors.signals == 0


def test_currents_are_compared_with_imax_and_the_neutral_if_it_is_asked_for() -> None:
    rig = Rig()
    assert rig.second(i=(11.9, 12.1, 1), i0=50.0, n=10) == [] and rig.second(i=(11.9, 12.1, 1)) == [26]
    assert rig.monitors.signals == CURRENT
    rig.parameters.set("neutral_current_percent", 30, 3)  # 3 A
    rig.second(i=1)
    assert rig.second(i=1, i0=3.1, n=11) == [28] and rig.events[-1] == (28, 3100)
    rig.parameters.set("neutral_current_percent", 0, 3)
    rig.second(i=1, i0=3.1)
    assert rig.monitors.signals == 0


def test_powers_of_phases_and_the_whole_have_limits_when_they_are_set() -> None:
    rig = Rig(limit_delay_s=0)
    assert rig.second(i=11) == []
    rig.parameters.set("phase_power_limit_w", 2000, 3)
    rig.parameters.set("power_limit_va", 5000, 3)
    assert rig.second(i=(9, 5, 5)) == [112] and rig.events[-1] == (112, 2070)
    assert rig.second(i=(9, 5, 9)) == [114, 111] and rig.events[-1] == (111, 5290)
    assert rig.monitors.signals == POWER
    active_only = Rig(has_apparent=False, limit_delay_s=0, power_limit_va=1)
    assert active_only.second(i=9) == []


def test_demand_is_watched_while_no_samples_come() -> None:
    rig = Rig(demand_limit_w=1000)
    rig.demand.mw["a_export"] = 1_000_999
    rig.monitors.look(rig.samples)
    rig.demand.mw["a_export"] = 1_001_000
    rig.monitors.look(rig.samples)
    rig.monitors.look(rig.samples)
    assert rig.events == [(34, 1001)] and rig.monitors.signals == DEMAND
    rig.demand.mw["a_export"] = 0  # the next period
    rig.monitors.look(rig.samples)
    assert rig.monitors.signals == 0


def test_a_reversed_field_is_event_63_where_there_are_three_phases() -> None:
    rig = Rig()
    assert rig.second(sequence=-1, n=3) == [] and rig.second(sequence=-1) == [63]
    assert rig.second(sequence=-1, n=9) == [] and rig.second(n=9) == []
    assert Rig("2P3W").second((230, 230, 0), sequence=-1, n=9) == []


@pytest.mark.parametrize(
    ("network", "low", "without", "currents"),
    [
        ("1P2W", [17], [55], [25]),
        ("2P3W", [17, 18], [55, 56], [25, 26]),
        ("3P4W", [17, 18, 19], [55, 56, 57], [25, 26, 27]),
        ("3P3W", [17, 19], [55, 57], [25, 26, 27]),
    ],
)
def test_each_network_has_events_of_its_own_phases_only(
    network: str, low: list[int], without: list[int], currents: list[int]
) -> None:
    u = 0.7 * (400 if network == "3P3W" else 230)
    rig = Rig(network)
    assert sorted(rig.second(u, n=20)) == sorted(low + without)
    assert sorted(rig.second(u / 0.7, i=13, i0=99, n=20)) == currents


def test_what_cannot_be_measured_and_what_is_interrupted_starts_nothing() -> None:
    rig = Rig()
    rig.second(200, n=3)
    rig.samples.second.valid = False
    rig.samples.seconds = 0
    rig.monitors.look(rig.samples)
    assert rig.second(200, n=3) == []  # from the beginning again
    rig.monitors.pause()
    assert rig.second(200, n=3) == [] and rig.second(200) == [17, 18, 19]
    rig.samples.second.valid = False
    rig.samples.seconds = 0
    rig.monitors.look(rig.samples)
    assert rig.monitors.signals == LOW  # nobody knows that it has ended


def test_a_second_counts_once_however_often_it_is_looked_at() -> None:
    rig = Rig()
    rig.second(200)
    for _ in range(9):
        rig.monitors.look(rig.samples)
    assert rig.events == []


def test_signals_are_the_control_tables_and_the_status_bit_the_familys() -> None:
    names = control_table._SIGNALS[control_table.MONITORS]
    bits = {name: 1 << n for n, name in enumerate(names)}
    for name in ("voltage_low", "voltage_high", "phase_missing", "current_high", "power_high", "demand_high"):
        assert bits[name] == getattr(module, name.upper())
    assert (bits["magnet"], bits["cover"]) == (tamper.MAGNET, tamper.COVER)
    assert load_profile.NO_VOLTAGE == 0x0100_0000  # facts page 1.11
