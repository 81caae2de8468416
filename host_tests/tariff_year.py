"""A year of one-minute increments through registers, rates, demand, billing and two profiles. For either interpreter.

Prints JSON: what the registers show in the end, and the seconds that booking took.
"""

import json
import time

from host_tests.model_sources import Increment
from host_tests.tariff_bench import NOTHING, Life, World

MINUTES = 525_600
START = 820_540_800  # 2026-01-01 00:00:00 UTC
WATT_MINUTE = 60_000  # mWs


def amount(minute):
    """A load that repeats after 1009 minutes, in mWs."""
    return (minute * 733 % 1009) * 7 * WATT_MINUTE


class Latest(World):
    """Keeps the latest entries of its rings only, like a meter's FRAM."""

    def ring(self, name, payload_size, capacity=100):
        ring = super().ring(name, payload_size, capacity)
        kept = self.kept[name]
        append = ring.append

        def forget(utc, payload):
            number = append(utc, payload)
            if number > capacity:
                kept[number - capacity - 1] = None
            return number

        ring.append = forget
        return ring


def run(minutes):
    """The life after so many minutes, and the seconds they took."""
    world = Latest(profile_1_channels="a_import", profile_2_channels="a_import,a_export", profile_2_period_min=60)
    life = Life(world, START)
    energies, rated, engine, rates = life.energies, life.rated, life.engine, life.rates
    row = list(NOTHING)
    increment = Increment([row, NOTHING, NOTHING, NOTHING])
    begun = time.time()
    for minute in range(1, minutes + 1):
        row[0] = amount(minute)
        energies.add(increment)
        rated.add(row, rates.energy)
        engine.tick(START + 60 * minute)
    return life, time.time() - begun


def shown(life):
    return {
        "totals": life.energies.get("a_import"),
        "rated": [life.rated.get("a_import", rate) for rate in (1, 2)],
        "maxima": [life.demand.maximum("a_import", rate) for rate in (1, 2)],
        "cumulated": [life.demand.cumulated("a_import", rate) for rate in (1, 2)],
        "resets": [life.billing.stored(n).utc for n in range(life.billing.available(), 0, -1)],
        "entries": [profile.ring.newest for profile in life.profiles],
        "latest": life.rows(0)[-3:],
    }


def main(minutes):
    life, took = run(minutes)
    print(json.dumps([shown(life), took]))
