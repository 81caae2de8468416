"""A month and more in the life of the whole meter on the bench, in Tehran: leap day, Nowruz, rates by a control input,
export on Fridays, power cuts, a set clock, and the billing periods of a whole Persian month."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import Decimal
from math import cos, radians

import jdatetime
import pytest

from host_tests.field_service import session
from host_tests.iec_transcript import assert_golden
from host_tests.test_system_billing import advances, data_sets, headers, utc
from tools.bench import Bench
from tools.bench.bench import EPOCH_2000

TEHRAN = {"calendar": "persian", "time_zone": 210, "max_baud_char": "6", "profile_1_channels": "a_import,a_export"}
RATES = "E1 = not I1; E2 = I1"  # I1: night, from the ripple control receiver
FIRST = datetime.datetime(2028, 2, 19)  # 30 Bahman 1406, local time
DAYS = 33  # to the end of 2 Farvardin 1407; 29 February is in Esfand
HOUR, DAY = 3600, 86_400
AHEAD = 210 * 60
RESET = (datetime.datetime(2028, 2, 20), datetime.datetime(2028, 3, 20))  # the ends of Bahman and of Esfand

# Hour of the day from which it holds: night, working day, evening; A and degrees of lag
LOAD = ((0, 1, 10), (6, 5, 30), (18, 8, -20))
EXPORT = (6, 3, 150)  # on Fridays, in place of the working day
CUT_AT, CUT_FOR = 12, 1  # every fifth day: hour, hours


def local(bench: Bench) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(bench.rtc.utc + EPOCH_2000 + AHEAD, datetime.timezone.utc)


def until(bench: Bench, moment: datetime.datetime) -> None:
    bench.fast_forward(utc(moment.isoformat()) - AHEAD - bench.rtc.utc)


def loads(day: datetime.datetime) -> Iterator[tuple[datetime.datetime, float, float]]:
    for hour, i, phi in LOAD:
        if day.weekday() == 4 and hour == EXPORT[0]:
            hour, i, phi = EXPORT
        yield day + datetime.timedelta(hours=hour), i, phi


def energy(day: datetime.datetime, number: int) -> dict[str, float]:
    """kWh of one day by what is to be found in its register: what the source gives while the meter has mains."""
    found = {"1.8.1": 0.0, "1.8.2": 0.0, "2.8.1": 0.0}
    hours = (6, 12, 6)
    for (moment, i, phi), length in zip(loads(day), hours, strict=True):
        on = length - (CUT_FOR if number % 5 == 4 and moment.hour == 6 else 0)
        kwh = 3 * 230 * i * cos(radians(phi)) * on / 1000
        code = "2.8.1" if kwh < 0 else "1.8.2" if moment.hour < 6 else "1.8.1"
        found[code] += abs(kwh)
    return found


def persian(day: datetime.datetime) -> str:
    return jdatetime.date.fromgregorian(date=day.date()).strftime("%y%m%d")


def live_a_day(bench: Bench, day: datetime.datetime, number: int) -> None:
    for moment, i, phi in loads(day):
        until(bench, moment)
        bench.source.set(i=i, phi=phi)
        bench.inputs = (moment.hour < 6,)
        if number % 5 == 4 and moment.hour == 6:
            until(bench, day + datetime.timedelta(hours=CUT_AT))
            bench.power_cut()
            bench.fast_forward((CUT_FOR * HOUR) - 10)
            bench.power_on()
            bench.run(5)
        if number == 16 and moment.hour == 18:
            with session(bench) as client:
                client.write("0.9.1", f"18:00:{local(bench).second + 2:02d}")  # a shift of some seconds


def read_days(bench: Bench) -> list[tuple[datetime.datetime, list[str]]]:
    """Load profile 1 of each local day."""
    days = [FIRST + datetime.timedelta(days=n) for n in range(DAYS)]
    with session(bench) as client:
        ends = [(day, day + datetime.timedelta(days=1)) for day in days]
        return [(day, client.read_profile("P.01", persian(day) + "0001", persian(end) + "0000")) for day, end in ends]


def day_text(day: datetime.datetime, lines: list[str]) -> str:
    statuses = [status for _, status in headers(lines)]
    sums = [sum(advances(lines, column)) for column in (0, 1)]
    return f"{persian(day)} {len(advances(lines, 0)):3} entries {sums[0]:7} {sums[1]:7}  {' '.join(statuses)}"


@pytest.mark.soak
def test_a_persian_month_of_mains_and_cuts_is_billed_as_it_was_measured(update_golden: bool) -> None:
    with Bench(seed=1, start=utc(FIRST.isoformat()) - AHEAD - 600, parameters=TEHRAN) as bench:
        bench.source.set(u=230, i=0, phi=0)
        bench.run(6)
        with session(bench, 3) as client:
            client.write("C.62.0", RATES)
        for number in range(DAYS):
            live_a_day(bench, FIRST + datetime.timedelta(days=number), number)
        until(bench, FIRST + datetime.timedelta(days=DAYS, seconds=30))
        assert (bench.log, bench.mcu.restarts) == ("", 0)
        shown, days = bench.readout(), read_days(bench)
        with session(bench) as client:
            events = client.read_profile("P.98")

    def value(code: str) -> Decimal:
        return shown[code].value.number

    truth = [energy(FIRST + datetime.timedelta(days=number), number) for number in range(DAYS)]
    for code in ("1.8.1", "1.8.2", "2.8.1"):
        assert float(value(code)) == pytest.approx(sum(day[code] for day in truth), rel=0.001), code
    for column, code in enumerate(("1.8.", "2.8.")):
        assert value(code + "1") + value(code + "2") == pytest.approx(value(code + "0"), abs=Decimal("0.01"))
        assert all(value(f"{code}{rate}") == 0 for rate in (3, 4))
        by_day = [(day, sum(advances(lines, column))) for day, lines in days]
        after = value(code + "0") - sum(advance for _, advance in by_day)
        assert 0 <= after <= Decimal("0.05"), code  # 30 s at 8 A are 0.04 kWh
        esfand = sum(advance for day, advance in by_day if RESET[0] <= day < RESET[1])
        billed = value(f"{code}0*02") - value(f"{code}0*01")
        assert abs(esfand - billed) <= Decimal("0.01"), code
    assert shown["0.1.0"].value.text == "02"
    text = [day_text(day, lines) for day, lines in days] + events + data_sets(shown)
    assert_golden("billing_month.txt", "\n".join(text) + "\n", update_golden)
