"""The factory reset of a whole meter on the bench, ordered at the optical port, and torn by power cuts."""

from __future__ import annotations

import pytest

from host_tests.test_system_billing import BERLIN, HOUR, session, utc
from meter.parameter_table import TABLE
from meter.storage import layout
from tools.bench import Bench
from tools.bench.iec_client import IecRefused

CLEAR = "C152"
DEFAULTS = {row[1]: row[3] for row in TABLE}


def test_a_factory_reset_needs_the_seal_broken_and_survives_cuts_in_its_middle() -> None:
    with Bench(seed=3, start=utc("2026-03-28T22:50"), parameters=BERLIN | {"display_seconds": 20}) as bench:
        bench.source.set(u=230, i=5, phi=60)
        bench.fast_forward(HOUR)
        with session(bench) as client, pytest.raises(IecRefused, match="ERR04"):
            client.execute(CLEAR, "1")
        bench.seal_open = True
        with session(bench) as client:
            for operand in ("", "0", "6", "all"):
                with pytest.raises(IecRefused, match="ERR05"):
                    client.execute(CLEAR, operand)
            client.execute(CLEAR, "1")
            with pytest.raises(IecRefused, match="ERR06"):  # busy: its stored values would be cleared
                client.execute("C151")
            before = bench.totals()
            assert before["a_import"] > 6 * 10**9  # nothing is gone while the client is there
        calibration = bench.fram.peek(layout.CALIBRATION.address, layout.CALIBRATION.size)
        for places in (3000, 60_000):  # among the parameters, in the event log
            bench.fram.cancel_cut()
            bench.fram.cut_after(places, bench.kill, torn_byte=True)
            for _ in range(100):
                if not bench.supply.on:
                    break
                bench.run(0.1)
            assert not bench.supply.on
            bench.power_on()
        bench.run(5)
        bench.seal_open = False
        assert 0 < bench.totals()["a_import"] < before["a_import"] / 100
        assert bench.fram.peek(layout.CALIBRATION.address, layout.CALIBRATION.size) == calibration
        events = [(number, detail) for _, _, number, detail in bench.events()]
        assert events[:3] == [(4, 1), (128, 1), (59, 1)] and not {4, 128, 59} & {number for number, _ in events[3:]}
        with session(bench) as client:
            assert int(client.read("C.10.1"), 16) & 0x206000 == 0x206000
            assert client.read("C.61.5") == str(DEFAULTS["display_seconds"])
            assert client.read("0.1.0") == "00"
            local = client.read("0.9.1")
        assert local[:2] == "23"  # UTC, as a meter has it that nobody has set up
        assert bench.log == ""
