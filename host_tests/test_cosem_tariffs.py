"""Registers by rate, demand and billing periods as objects, against a ledger of what was booked."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host_tests.billed_meter import KWH, QUARTER, START, BilledMeter, story
from host_tests.dlms_fakes import CHANNEL, PASSWORDS, FakeAccess, Server, aarq
from host_tests.iec_transcript import RecordedMeter, assert_golden
from host_tests.interpreters import on_cpython, on_micropython
from host_tests.model_sources import Sources, make_model
from meter import access
from meter.comms.formatted_commands import FormattedCommands
from meter.communication import reset_command
from meter.cosem import obis
from meter.metrology.energies import NAMES
from meter.tariff.billing import COMMUNICATION
from tools.bench.process import ROOT

STEP = KWH // 100  # of an energy register with secondary registration: 10 Wh
EPOCH = datetime.datetime(2000, 1, 1)


def billed(designation: str = "ZMG405CR4.260b.43", **values: Any) -> Any:
    return BilledMeter(make_model, Sources(), designation, values)


def shown(meter: Any, code: str) -> Any:
    """What is in the parentheses of the data set under a code."""
    line = meter.model.find(code).data_set()
    assert line.startswith(code + "(")
    return line[len(code) + 1 : -1]


def stamp(utc: int) -> str:
    return (EPOCH + datetime.timedelta(seconds=utc)).strftime("%y-%m-%d %H:%M")


# --- which there are ------------------------------------------------------------------------------------------------


def codes(meter: Any) -> set[str]:
    return {obis.short(found.logical_name) for found in meter.model.objects()}


def test_registers_are_those_of_the_parameters_and_rates() -> None:
    meter = billed(rated_quantities="a_import,r4", rates=3, demand_quantities="a_export")
    found = codes(meter)
    assert {code for code in found if ".8." in code and code[-2:] != ".0" and code[0] not in "C0"} == {
        f"{c}.8.{rate}" for c in (1, 8) for rate in (1, 2, 3)
    }
    assert {"2.6.0", "2.6.3", "2.2.3", "2.4.0", "2.5.0", "C.8.3", "1.9.0", "10.9.0"} <= found
    assert found.isdisjoint({"2.6.4", "2.2.0", "1.4.0", "1.6.1", "C.8.4", "1.9.1", "11.9.0"})


@pytest.mark.parametrize(
    ("designation", "has", "lacks"),
    [
        (
            "ZMG410AR1.000b.00",
            "1.8.1 1.9.0 P.1.0 1.29.0 0.8.4 L.1.0 0.1.0",
            "5.8.1 1.6.1 1.4.0 5.29.0 0.8.0 5.9.0 0.2.2",
        ),
        ("ZMG405CR2.2403.03", "5.8.1 0.2.2 1.9.0", "1.6.0 P.1.0 1.29.0 0.8.4 C.10.1 0.8.0"),
        ("ZMG405CR3.2400.03", "1.6.1 1.2.1 0.8.0", "P.2.0 0.2.2"),
    ],
)
def test_the_type_code_decides_on_demand_profiles_and_reactive_energy(designation: str, has: str, lacks: str) -> None:
    found = codes(billed(designation))
    assert set(has.split()) <= found and found.isdisjoint(lacks.split())


def test_classes_names_and_units_are_those_of_the_standards() -> None:
    """Facts pages 3.7 and 3.8; Blue Book, enumeration of units: 27 W, 29 var, 30 Wh, 32 varh."""
    model = billed(demand_quantities="a_import,r_import").model
    for code, class_id, unit in (
        ("1.8.1", 3, (1, 30)),
        ("5.8.4", 3, (1, 32)),
        ("1.9.0", 3, (1, 30)),
        ("1.29.0", 3, (1, 30)),
        ("1.2.1", 3, (0, 27)),
        ("1.5.0", 3, (0, 27)),
        ("3.5.0", 3, (0, 29)),
        ("1.6.1", 4, (0, 27)),
        ("1.4.0", 5, (0, 27)),
    ):
        c, d, e = (int(part) for part in code.split("."))
        found = model.get(class_id, bytes((1, 1, c, d, e, 255)))
        assert found.get(4 if class_id == 5 else 3) == unit and found.read_level(2) == 0


# --- rates ----------------------------------------------------------------------------------------------------------


def test_energy_counts_at_its_rate_and_in_the_total() -> None:
    meter = billed()
    for n, rate in enumerate((1, 2, 2, 4, 1)):
        meter.quarter(rate, a_import=KWH // 3 * (n + 1), r2=KWH // 7)
    for rate in (1, 2, 3, 4):
        for c, name in ((1, "a_import"), (6, "r2")):
            assert meter.model.find(f"{c}.8.{rate}").get(2) == meter.at_rate(name, rate) // STEP
    assert shown(meter, "1.8.2") == "000001.66*kWh"  # 2/3 and 1 kWh
    assert meter.model.find("1.8.0").get(2) == meter.total("a_import") // STEP


# --- demand ---------------------------------------------------------------------------------------------------------


def test_a_maximum_has_power_and_the_end_of_its_period() -> None:
    meter = billed()
    for rate, part in ((1, 8), (2, 5), (1, 4), (2, 6)):
        meter.quarter(rate, a_import=KWH // part)
    assert shown(meter, "1.6.1") == f"001.000*kW)({stamp(START + 3 * QUARTER)}"
    assert shown(meter, "1.6.2") == f"000.800*kW)({stamp(START + 2 * QUARTER)}"
    assert shown(meter, "1.6.3") == "000.000*kW)(00-00-00 00:00"
    assert shown(meter, "1.6.0") == shown(meter, "1.6.1")
    found = meter.model.find("1.6.1")
    assert (found.get(2), found.get(4)) == (1000, None)
    assert found.get(5)[:8] == bytes((0x07, 0xEA, 11, 22, 7, 17, 15, 0))
    assert meter.model.find("1.6.3").get(5) is None
    assert shown(meter, "1.5.0") == "000.666*kW"  # of the last quarter


def test_the_largest_of_all_rates_is_the_first_of_equal_ones() -> None:
    meter = billed()
    for rate in (2, 1):
        meter.quarter(rate, a_import=KWH // 4)
    assert shown(meter, "1.6.0") == shown(meter, "1.6.2") != shown(meter, "1.6.1")


def test_the_running_period_is_a_demand_register() -> None:
    meter = billed()
    meter.quarter(1, a_import=KWH // 4)
    meter.sources.book(meter.now + 300, a_import=KWH // 6)
    found = meter.model.find("1.4.0")
    assert [found.get(n) for n in (2, 3, 5, 8, 9)] == [666, 1000, 0, QUARTER, 1]
    assert found.get(6) == found.get(7) and found.get(7)[5:8] == bytes((16, 45, 0))
    assert found.data_set() == "1.4.0(000.666*kW)"
    found.act(2, 0)  # next_period: ended after 300 s, through the nominal 900 s
    assert [found.get(n) for n in (2, 3)] == [0, 666] and found.get(7)[5:8] == bytes((16, 50, 0))
    meter.sources.book(meter.now + 60, a_import=KWH // 9)
    found.act(1, 0)  # reset
    assert [found.get(n) for n in (2, 3)] == [0, 0] and found.get(7)[5:8] == bytes((16, 51, 0))
    assert shown(meter, "1.6.1")[:10] == "001.000*kW"  # maxima stay


def test_sliding_demand_says_its_sub_periods() -> None:
    meter = billed(demand_subperiods=3)
    for part in (10, 20, 40):
        meter.sources.book(meter.now + 300, a_import=KWH // part)
    meter.sources.book(meter.now + 100, a_import=KWH // 80)
    found = meter.model.find("1.4.0")
    assert [found.get(n) for n in (8, 9)] == [300, 3]
    assert found.get(3) == 4 * (KWH // 10 + KWH // 20 + KWH // 40) * 1000 // KWH
    assert found.get(2) == 4 * (KWH // 20 + KWH // 40 + KWH // 80) * 1000 // KWH
    assert (found.get(6)[5:8], found.get(7)[5:8]) == (bytes((16, 45, 0)), bytes((16, 35, 0)))


def test_primary_registration_shows_demand_in_front_of_the_transformers() -> None:
    values: dict[str, Any] = {
        "registration": "primary",
        "ct_numerator": 500,
        "ct_denominator": 5,
        "vt_numerator": 20_000,
    }
    meter = billed(**values, vt_denominator=100, nominal_voltage=58)
    meter.quarter(1, a_import=KWH // 4)  # 1 kW at the terminals
    assert shown(meter, "1.6.1").startswith("20000.0*kW)(") and shown(meter, "1.8.1") == "000005.00*MWh"
    assert meter.model.find("1.6.1").get(2) * 10 ** meter.model.find("1.6.1").get(3)[0] == 20_000_000


# --- billing periods ------------------------------------------------------------------------------------------------


def test_a_reset_counts_keeps_and_clears() -> None:
    meter = billed()
    assert (shown(meter, "0.1.0"), shown(meter, "0.1.1"), shown(meter, "0.1.2")) == ("00", "0", "00-00-00 00:00")
    assert (shown(meter, "0.9.6"), shown(meter, "0.9.7")) == ("00:00", "00-00-00")
    meter.quarter(1, a_import=KWH // 4)
    meter.reset()
    at = meter.now
    assert shown(meter, "1.6.1").startswith("000.000*kW") and shown(meter, "1.2.1") == "00001.000*kW"
    assert (shown(meter, "0.1.0"), shown(meter, "0.1.1")) == ("01", "1")
    assert shown(meter, "0.1.2") == stamp(at) == shown(meter, "0.9.7") + " " + shown(meter, "0.9.6")
    assert meter.model.get(1, bytes((1, 0, 0, 1, 2, 255))).get(2)[:8] == bytes((0x07, 0xEA, 11, 22, 7, 16, 45, 0))
    assert meter.model.find("0.9.6").get(2) == bytes((16, 45, 0, 0))
    meter.quarter(1, a_import=KWH // 8)
    assert shown(meter, "1.6.1*01") == f"001.000*kW)({stamp(at)}"
    assert shown(meter, "1.8.0*01") == "000001.25*kWh" and shown(meter, "1.8.1*01") == "000000.25*kWh"
    assert shown(meter, "0.1.2*01") == stamp(at)
    assert shown(meter, "1.8.0") == "000001.37*kWh" and shown(meter, "1.9.0") == "000000.12*kWh"


@pytest.mark.parametrize("code", ["1.8.0*02", "1.8.0*00", "1.4.0*01", "1.9.0*01", "0.1.1*01", "1.8.5*01", "16.7.0*01"])
def test_what_is_not_stored_is_unknown(code: str) -> None:
    meter = billed()
    meter.quarter(1, a_import=KWH)
    meter.reset()
    with pytest.raises(KeyError):
        meter.model.find(code)


def test_stored_values_are_objects_with_their_period_in_the_name() -> None:
    """F of the logical name is the reset counter (IEC 62056-61, value group F below 100)."""
    meter = billed()
    meter.quarter(1, a_import=KWH)
    meter.reset()
    for class_id, name in ((3, (1, 8, 0)), (3, (1, 8, 1)), (4, (1, 6, 1)), (3, (21, 8, 0))):
        found = meter.model.get(class_id, bytes((1, 1, *name, 1)))
        now = meter.model.get(class_id, bytes((1, 1, *name, 255)))
        assert found.class_id == now.class_id and found.get(3) == now.get(3)
    with pytest.raises(KeyError):
        meter.model.get(3, bytes((1, 1, 1, 8, 0, 2)))


def test_the_reset_counter_runs_over_and_names_the_newest_periods() -> None:
    meter = billed()
    for n in range(103):
        meter.sources.book(meter.now + 60, a_import=KWH // 10)
        meter.reset()
        assert shown(meter, "0.1.0") == f"{(n + 1) % 100:02d}"
    kept = int(shown(meter, "0.1.1"))
    assert 15 <= kept < 100
    for n in range(kept):
        count = (103 - n) % 100
        total = meter.start["a_import"] + (103 - n) * (KWH // 10)
        assert meter.model.find(f"1.8.0*{count:02d}").get(2) == total // STEP
    with pytest.raises(KeyError):
        meter.model.find(f"1.8.0*{(103 - kept) % 100:02d}")


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 3 * STEP) | st.integers(0, 5 * KWH), min_size=1, max_size=6), st.integers(0, 6))
def test_what_a_period_shows_is_the_difference_of_what_the_register_shows(amounts: list[int], before: int) -> None:
    meter = billed()
    for n, amount in enumerate(amounts):
        if n == before:
            meter.reset()
        meter.quarter(1, a_import=amount)
    first = meter.model.find("1.8.0*01").get(2) if before < len(amounts) else meter.start["a_import"] // STEP
    assert meter.model.find("1.9.0").get(2) == meter.model.find("1.8.0").get(2) - first


def test_readouts_end_with_the_stored_periods_there_are_and_no_more_than_wanted() -> None:
    meter = billed(rated_quantities="a_import", rates=1, demand_quantities="a_import")
    for _ in range(4):
        meter.sources.book(meter.now + 60, a_import=KWH)
        meter.reset()
    stored = list(meter.model.stored_readout()())
    assert [line for line in stored if line.startswith("1.8.0")] == [
        f"1.8.0*{n:02d}({n + 1:06d}.00*kWh)" for n in (4, 3, 2, 1)
    ]
    assert stored[0] == f"0.1.2*04({stamp(meter.now)})" and len(stored) == 4 * (1 + 10 + 1 + 2 + 2)
    begun = meter.model.stored_readout()
    meter.reset()
    assert list(begun()) == list(begun()) == stored
    assert list(meter.model.stored_readout()()) != stored
    meter.model.parameters.set("readout_periods", 2, 2)
    assert list(meter.model.stored_readout()())[len(stored) // 4 :] == stored[: len(stored) // 4]


def test_standard_readout_of_a_billed_meter_is_the_golden_one(update_golden: bool) -> None:
    values: dict[str, Any] = {"rated_quantities": "a_import,a_export,r1", "rates": 2, "demand_quantities": "a_import"}
    meter = billed(**values)
    story(meter)
    line = RecordedMeter(lines=meter.model.readout, stored=meter.model.stored_readout)
    line.say(b"/?!\r\n")
    line.run(1.2)
    line.say(b"\x06050\r\n")
    line.run(6)
    assert_golden("iec_billing_readout.txt", line.transcript(), update_golden)


# --- resets by communication ------------------------------------------------------------------------------------------


def test_a_client_of_level_2_resets_by_script_once_in_the_lockout_time() -> None:
    """ACTION, Green Book 9.3.8: result 0 success, 2 temporary failure, 3 read-write-denied, 250 other reason."""
    meter = billed()
    events = meter.sources.noted

    def act(level: int, script: int) -> int:
        server = Server(meter.model, FakeAccess(), CHANNEL)
        server.request(16 + 16 * level, 1, bytes.fromhex(aarq(1, 1, PASSWORDS[level], "001e1f")))
        body = "c301c10009" + bytes((0, 0, 10, 0, 1, 255)).hex() + f"010112{script:04x}"
        answer = server.request(16 + 16 * level, 1, bytes.fromhex(body))
        assert answer is not None
        return int(answer[3])

    assert act(1, 1) == 3 and act(2, 2) == 250 and shown(meter, "0.1.0") == "00"
    assert act(2, 1) == 0 and shown(meter, "0.1.0") == "01" and events[-1] == (8, COMMUNICATION, START)
    assert act(2, 1) == 2 and shown(meter, "0.1.0") == "01"
    meter.sources.clock.now += 3600
    assert act(2, 1) == 0 and shown(meter, "0.1.0") == "02"


def test_the_formatted_command_resets_too_and_has_no_operand() -> None:
    meter = billed()
    commands = FormattedCommands({"C151": (2, reset_command(meter.sources.engine))})
    for text, level, reason in (("", 1, access.DENIED), ("1", 2, access.RANGE)):
        with pytest.raises(access.Refused, match=reason):
            commands.execute("C151", text, level)
    commands.execute("C151", "", 2)
    with pytest.raises(access.Refused, match=access.BUSY):
        commands.execute("C151", "", 3)
    assert shown(meter, "0.1.0") == "01"


# --- the rest -------------------------------------------------------------------------------------------------------


def test_periods_counters_and_the_last_configuration_have_their_codes() -> None:
    meter = billed()
    counters = meter.sources.counters
    counters.add("operating_2", 77)
    counters.set("configured_minutes", START // 60)
    assert shown(meter, "C.8.2") == "00000077*s" and shown(meter, "C.2.1") == stamp(START)
    assert [shown(meter, code) for code in ("0.8.0", "0.8.4", "0.9.12")] == ["15", "15", "60"]
    assert shown(billed(), "C.2.1") == "00-00-00 00:00"
    assert meter.model.get(1, bytes((0, 0, 96, 2, 1, 255))).get(2)[:5] == bytes((0x07, 0xEA, 11, 22, 7))


def test_a_local_time_is_shown_where_a_moment_is() -> None:
    sources = Sources()
    sources.clock.offset = 210
    meter = BilledMeter(make_model, sources)
    meter.quarter(1, a_import=KWH // 4)
    meter.reset()
    assert meter.model.find("0.1.2").data_set() == f"0.1.2({stamp(meter.now + 210 * 60)})"
    assert meter.model.find("1.6.1*01").get(5)[5:11] == bytes((20, 15, 0, 0)) + (-210).to_bytes(2, "big", signed=True)


SCRIPT = """
import json, sys
sys.path[:0] = [{firmware!r}, {tests!r}]
from billed_meter import BilledMeter, story
from model_sources import Sources, make_model
from meter.comms.dlms import axdr
meter = BilledMeter(make_model, Sources())
story(meter)
model = meter.model
print(json.dumps(list(model.readout(0))))
for name in ((1, 0, 99, 1, 0), (1, 0, 99, 2, 0), (0, 0, 98, 1, 0), (0, 0, 98, 2, 0)):
    found = model.get(7, bytes(name + (255,)))
    for n in (2, 3, 7):
        out = bytearray()
        axdr.encode(out, found.spec(n), found.get(n))
        print(json.dumps(list(out)))
for n in range(len(meter.sources.profiles)):
    store = model.load_store(n)
    print(json.dumps([store.printed_columns(), list(store.printed_rows(None, None))]))
print(json.dumps([model.find(code).text() for code in ("1.6.1*01", "1.8.2*02", "5.29.0", "1.9.0", "1.4.0")]))
"""


def test_micropython_bills_and_shows_alike() -> None:
    script = SCRIPT.format(firmware=str(ROOT / "firmware"), tests=str(ROOT / "host_tests"))
    theirs, ours = on_micropython(script).splitlines(), on_cpython(script).splitlines()
    assert [json.loads(line) for line in theirs] == [json.loads(line) for line in ours]
    assert len(theirs) == 16


def test_every_energy_has_its_place_in_value_group_c() -> None:
    """Facts page 3.8: 1 +A, 2 -A, 3 +R, 4 -R, 5 to 8 RI to RIV, 9 +S, 10 -S."""
    meter = billed()
    meter.quarter(1, **{name: (n + 1) * KWH for n, name in enumerate(NAMES)})
    assert [meter.model.find(f"{c}.9.0").get(2) for c in range(1, 11)] == [100 * (n + 1) for n in range(10)]
