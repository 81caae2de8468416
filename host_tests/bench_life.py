"""A scenario for the whole meter on the bench: load by the hours of local days, rates by a control input, export on
Fridays, an hour without mains each fifth day, a clock that is put forward now and then.

`energy` says what it comes to, from the source's settings, independent of the meter. Nothing in it happens between
quarters of an hour, so that is the stride in which it is fast-forwarded.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from math import cos, radians
from typing import Any

import jdatetime

from host_tests.field_service import session
from host_tests.tariff_zone import EPOCH, of_database
from host_tests.test_system_billing import advances, data_sets, headers
from tools.bench import Bench
from tools.bench.iec_client import DataSet

RATES = "E1 = not I1; E2 = I1"  # I1: night, from the ripple control receiver
CODES = ("1.8.1", "1.8.2", "2.8.1")  # the registers that it fills
HOUR = 3600
STRIDE = 900
# What may be missing or too much: an interval of energy at each change of the load, a start after each cut
SHARE = 3e-4

# Hour of the day from which it holds: night, working day, evening; A and degrees of lag
LOAD = ((0, 1, 10), (6, 3, 30), (18, 2.5, -20))
EXPORT = (6, 2, 150)  # on Fridays, in place of the working day
CUT_EVERY, CUT_AT, CUT_FOR = 5, 12, 1  # days; hour; hours
SHIFT_EVERY, SHIFT_DAY, SHIFT_AT, SHIFT_S = 50, 16, 18, 2  # days; the first; hour; seconds forward

Day = tuple[datetime.date, list[str]]  # with its lines of load profile 1


@dataclass(frozen=True)
class Life:
    """Where and when: a zone of the database, the meter's parameters that go with it, first day and how many."""

    zone: str
    parameters: dict[str, Any]
    first: datetime.date
    days: int

    def day(self, number: int) -> datetime.date:
        return self.first + datetime.timedelta(days=number)

    def utc(self, day: datetime.date, hour: float = 0) -> int:
        """The moment of a local hour, seconds since 2000."""
        local = datetime.datetime.combine(day, datetime.time()) + datetime.timedelta(hours=hour)
        return int((local.replace(tzinfo=of_database(self.zone)) - EPOCH).total_seconds())

    def date(self, day: datetime.date) -> tuple[int, int, int]:
        """Year, month, day in the meter's calendar."""
        if self.parameters.get("calendar") != "persian":
            return day.year, day.month, day.day
        persian = jdatetime.date.fromgregorian(date=day)
        return persian.year, persian.month, persian.day

    def text(self, day: datetime.date) -> str:
        """As the meter writes it: YYMMDD."""
        year, month, n = self.date(day)
        return f"{year % 100:02d}{month:02d}{n:02d}"

    def billing_periods(self) -> list[tuple[datetime.date, datetime.date]]:
        """First day and end of each whole month within."""
        firsts = [day for day in map(self.day, range(self.days + 1)) if self.date(day)[2] == 1]
        return list(zip(firsts, firsts[1:], strict=False))

    def energy(self, number: int) -> dict[str, float]:
        """kWh of one day by register: what the source gives while the meter has mains."""
        day, found = self.day(number), dict.fromkeys(CODES, 0.0)
        parts = [*_loads(day), (24, 0, 0)]
        for (hour, i, phi), (end, _, _) in zip(parts, parts[1:], strict=False):
            on = (self.utc(day, end) - self.utc(day, hour)) / HOUR
            if _is_cut(number) and hour < CUT_AT < end:
                on -= CUT_FOR
            kwh = 3 * 230 * i * cos(radians(phi)) * on / 1000
            found["2.8.1" if kwh < 0 else "1.8.2" if hour < LOAD[1][0] else "1.8.1"] += abs(kwh)
        return found

    # --- the bench ------------------------------------------------------------------------------------------------

    def start(self) -> Bench:
        """A meter ten minutes before the first day, still to be entered."""
        return Bench(seed=1, start=self.utc(self.first) - 600, parameters=self.parameters)

    def live(self, bench: Bench) -> None:
        """From the first start to half a minute after the last day."""
        bench.source.set(u=230, i=0, phi=0)
        bench.run(6)
        with session(bench, 3) as client:
            client.write("C.62.0", RATES)
        for number in range(self.days):
            self._live_a_day(bench, number)
        _until(bench, self.utc(self.day(self.days)))
        bench.run(30)

    def _live_a_day(self, bench: Bench, number: int) -> None:
        day = self.day(number)
        for hour, i, phi in _loads(day):
            _until(bench, self.utc(day, hour))
            bench.source.set(i=i, phi=phi)
            bench.inputs = (hour < LOAD[1][0],)
            if _is_cut(number) and hour == LOAD[1][0]:
                _until(bench, self.utc(day, CUT_AT))
                bench.power_cut()
                bench.fast_forward(CUT_FOR * HOUR - 10)
                bench.power_on()
                bench.run(5)
            if number % SHIFT_EVERY == SHIFT_DAY and hour == SHIFT_AT:
                with session(bench) as client:
                    client.write("0.9.1", f"{hour:02d}:00:{bench.rtc.utc % 60 + SHIFT_S:02d}")

    def read_days(self, bench: Bench) -> list[Day]:
        """Load profile 1 of each local day."""
        days = [self.day(number) for number in range(self.days)]
        with session(bench) as client:
            return [
                (day, client.read_profile("P.01", f"{self.text(day)}0001", f"{self.text(_next(day))}0000"))
                for day in days
            ]

    # --- what must hold -------------------------------------------------------------------------------------------

    def check(self, shown: dict[str, DataSet], days: list[Day]) -> None:
        """Registers are what flowed, profile and billing periods are what the registers have advanced by."""
        value = {code: data_set.values[0].number for code, data_set in shown.items() if ".8." in code}
        fed = [self.energy(number) for number in range(self.days)]
        for code in CODES:
            total = sum(day[code] for day in fed)
            assert abs(float(value[code]) - total) <= SHARE * total, (code, value[code], total)
        for number, (day, lines) in enumerate(days):
            quarters = (self.utc(_next(day)) - self.utc(day)) // STRIDE - (2 if _is_cut(number) else 0)
            assert len(advances(lines, 0)) == quarters, day
            assert headers(lines)[0][0][1:] == f"{self.text(day)}001500", (day, headers(lines))
        periods = self.billing_periods()
        assert int(shown["0.1.0"].value.text) == 1 + len(periods)
        for column, code in enumerate(("1.8.", "2.8.")):
            assert abs(value[code + "1"] + value[code + "2"] - value[code + "0"]) <= Decimal("0.01")
            assert all(value[f"{code}{rate}"] == 0 for rate in (3, 4))
            by_day = [(day, sum(advances(lines, column))) for day, lines in days]
            after = value[code + "0"] - sum(advance for _, advance in by_day)
            assert 0 <= after <= Decimal("0.03"), (code, after)  # 30 s at 2.5 A are 0.014 kWh
            for n, (first, end) in enumerate(periods):
                month = sum(advance for day, advance in by_day if first <= day < end)
                billed = value[f"{code}0*{n + 2:02d}"] - value[f"{code}0*{n + 1:02d}"]
                assert abs(month - billed) <= Decimal("0.01"), (code, first, month, billed)

    def transcript(self, days: list[Day], events: list[str], shown: dict[str, DataSet]) -> str:
        """A line for each day, then event log and readout, as the port gives them."""
        return "\n".join([self._line(*day) for day in days] + events + data_sets(shown)) + "\n"

    def _line(self, day: datetime.date, lines: list[str]) -> str:
        statuses = [status for _, status in headers(lines)]
        sums = [sum(advances(lines, column)) for column in (0, 1)]
        return f"{self.text(day)} {len(advances(lines, 0)):3} entries {sums[0]:7} {sums[1]:7}  {' '.join(statuses)}"


def _loads(day: datetime.date) -> Iterator[tuple[int, float, float]]:
    is_friday = day.weekday() == 4
    for part in LOAD:
        yield EXPORT if is_friday and part[0] == EXPORT[0] else part


def _is_cut(number: int) -> bool:
    return number % CUT_EVERY == CUT_EVERY - 1


def _next(day: datetime.date) -> datetime.date:
    return day + datetime.timedelta(days=1)


def _until(bench: Bench, utc: int) -> None:
    bench.fast_forward(utc - bench.rtc.utc, STRIDE)
