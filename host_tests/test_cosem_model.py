"""The object model: which objects a meter has, and what they say."""

from __future__ import annotations

import json
import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_tests.interpreters import on_micropython
from host_tests.model_sources import KWH, Sources, make_model
from meter.cosem.definitions import TABLE
from meter.metrology.networks import NETWORKS
from meter.parameters import LEVEL, ParameterRefused
from tools.bench.process import ROOT

CR, AR = "ZMG405CR4.260b.43", "ZMG410AR1.000b.00"
TYPES_AND_NETWORKS = [(designation, network) for designation in (CR, AR) for network in NETWORKS]


def value(code: str, *arguments: object) -> str:
    """The data set under `code` without its code."""
    return str(make_model(*arguments).find(code).data_set())[len(code) :]


def codes_of(number: int, *arguments: object) -> list[str]:
    return [line.partition("(")[0] for line in make_model(*arguments).readout(number)]


# --- which objects there are ---------------------------------------------------------------------------------------


def test_the_standard_list_of_a_combination_meter() -> None:
    totals = [f"{c}.8.0" for c in range(1, 11)]
    rated = [f"{c}.8.{rate}" for c in (1, 2, 5, 6, 7, 8) for rate in range(1, 5)]
    maxima = [f"{c}.6.{rate}" for c in (1, 2) for rate in range(5)]
    before = ["F.F", "0.0.0", "0.9.1", "0.9.2", "0.1.0", "0.9.6", "0.9.7"]
    assert codes_of(0) == [*before, *totals, *rated, *maxima, "13.0.0", "13.3.0", "0.2.0", "C.7.0"]
    assert make_model().totals() == totals


def test_an_active_meter_shows_active_energy_only() -> None:
    assert make_model(AR).totals() == ["1.8.0", "2.8.0"]
    service = codes_of(6, AR)
    phases = ["21.8.0", "41.8.0", "61.8.0", "22.8.0", "42.8.0", "62.8.0"]
    assert [code for code in service if ".8.0" in code and code[0] != "C"] == ["1.8.0", "2.8.0", *phases]
    # no Q, S, PF of any phase, no reactive LED
    assert {"131.7.0", "151.7.0", "9.7.0", "29.7.0", "13.7.0", "33.7.0", "0.3.1"}.isdisjoint(service)
    assert {"16.7.0", "36.7.0", "32.7.0", "31.7.0", "14.7.0", "81.7.4", "0.3.0"} <= set(service)


@pytest.mark.parametrize(
    ("network", "there", "missing"),
    [
        ("3P4W", "41.8.0 70.8.0 36.7.0 52.7.0 71.7.0 91.7.0 81.7.15 53.7.0 142.7.0", "80.8.0 92.7.0"),
        (
            "3P3W",
            "10.8.0 16.7.0 13.7.0 32.7.0 72.7.0 51.7.0 81.7.2 81.7.4 81.7.26 142.7.0",
            "21.8.0 36.7.0 52.7.0 33.7.0 91.7.0 81.7.1 81.7.15",
        ),
        ("1P2W", "21.8.0 36.7.0 32.7.0 31.7.0 81.7.4", "41.8.0 56.7.0 52.7.0 51.7.0 91.7.0 81.7.1 142.7.0 72.7.124"),
        ("2P3W", "41.8.0 56.7.0 52.7.0 91.7.0 81.7.1 81.7.15", "61.8.0 76.7.0 72.7.0 71.7.0 81.7.2 81.7.26 141.7.0"),
    ],
)
def test_phases_are_those_of_the_network(network: str, there: str, missing: str) -> None:
    service = set(codes_of(6, CR, {"network": network}))
    assert set(there.split()) <= service and service.isdisjoint(missing.split())
    model = make_model(CR, {"network": network})
    for code in missing.split():
        with pytest.raises(KeyError):
            model.find(code)


@pytest.mark.parametrize(("designation", "network"), TYPES_AND_NETWORKS)
def test_every_listed_code_has_an_object_that_prints_under_it(designation: str, network: str) -> None:
    model = make_model(designation, {"network": network, "sum_channel_2": "a_import+a_export"})
    standard, service = list(model.readout(0)), list(model.readout(6))
    assert service[: len(standard)] == standard
    listed = [line.partition("(")[0] for line in service]
    assert len(listed) == len(set(listed))
    assert set(model.codes()) - set(listed) == {
        *("0-0:1.0.0", "C.60.0", "C.60.1"),
        *(f"C.62.1{n}" for n in range(1, 9)),
    }
    for code, line in zip(listed, service, strict=True):
        assert model.find(code).index == code
        assert re.fullmatch(r"[^()/!*]+(\([^()/!*]*(\*[^()/!*]+)?\))+", line)
        assert len(line) <= 76  # with CR LF at most 78 characters (IEC 62056-21)
    with pytest.raises(KeyError):
        list(model.readout(1))


@pytest.mark.parametrize("code", ["1-1:1.8.0", "1-0:1.8.0", "1.8", "1.8.0*255", "1-7:1.8"])
def test_the_channel_of_a_code_does_not_matter(code: str) -> None:
    found = make_model(CR, {"obis_b": 3}).find(code)
    assert found.index == "1.8.0" and tuple(found.logical_name) == (1, 3, 1, 8, 0, 255)


@pytest.mark.parametrize(
    "code",
    [
        "99.99.9",
        "7-0:1.8.0",
        "0-0:1.8.0",
        "1.8.0*19",
        "1.0.0",
        "1.8.5",
        "1.6.5",
        "1.9.1",
        "3.8.1",
        "0.8.1",
        "20.6.0",
        "116.7.0",
        "111.7.0",
        "149.8.0",
    ]
    + [
        "11.7.0",
        "12.7.124",
        "34.7.0",
        "128.8.0",
        "C.61.99",
        "16.7.5",
        "32.7.41",
        "12.7.5",
        "32.7.256",
        "",
        "1",
        "F",
        "x",
    ],
)
def test_other_codes_are_unknown(code: str) -> None:
    with pytest.raises(KeyError):
        make_model().find(code)


def test_phases_of_a_quantity_have_the_codes_of_the_standard() -> None:
    """IEC 62056-61, value group C: 21..40 L1, 41..60 L2, 61..80 L3 as 1..20 of all phases."""
    registers = Sources().energies
    names = ("a_import", "a_export", "r_import", "r_export", "r1", "r2", "r3", "r4", "s_import", "s_export")
    for n, name in enumerate(names):
        for row, first in ((0, 1), (1, 21), (2, 41), (3, 61)):
            assert make_model().find(f"{first + n}.8.0").get(2) == registers.get(name, row) * 100 // KWH


# --- what they say ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("1.8.0", "(000001.00*kWh)"),
        ("4.8.0", "(000004.00*kvarh)"),
        ("10.8.0", "(000010.00*kVAh)"),
        ("63.8.0", "(000303.00*kvarh)"),
        ("14.7.0", "(50.012*Hz)"),
        ("16.7.0", "( 002.9877*kW)"),
        ("131.7.0", "(-001.7251*kvar)"),
        ("49.7.0", "( 001.1510*kVA)"),
        ("13.7.0", "(-0.866)"),
        ("33.7.0", "( 0.866)"),
        ("52.7.0", "(231.00*V)"),
        ("71.7.0", "(07.000*A)"),
        ("91.7.0", "(00.042*A)"),
        ("81.7.1", "(120.0*deg)"),
        ("81.7.2", "(240.0*deg)"),
        ("81.7.4", "(030.0*deg)"),
        ("81.7.26", "(030.0*deg)"),
        ("32.7.124", "(001.50*%)"),
        ("71.7.124", "(022.25*%)"),
        ("32.7.5", "(005.00*V)"),
        ("51.7.40", "(40.100*A)"),
        ("72.7.3", "(*V)"),
        ("142.7.0", "(001.00*%)"),
        ("141.7.0", "(005.00*%)"),
        ("0.3.0", "(10000)"),
        ("0.4.2", "(1)"),
        ("0.6.0", "(230*V)"),
        ("0.6.1", "(5*A)"),
        ("0.6.2", "(50*Hz)"),
        ("0.6.3", "(10*A)"),
        ("0.9.1", "(16:40:56)"),
        ("0.9.2", "(26-11-22)"),
        ("C.5.1", "(00000000)"),
        ("C.7.0", "(00000003)"),
        ("C.60.0", "(1,2,3)"),
        ("C.60.1", "(4,5,6)"),
        ("C.61.11", "(3P4W)"),
    ],
)
def test_values_print_in_their_form(code: str, text: str) -> None:
    assert value(code) == text


def test_a_one_ampere_meter_goes_to_six_amperes() -> None:
    values = {"nominal_current_ma": 1_000}
    assert (value("0.6.1", CR, values), value("0.6.3", CR, values)) == ("(1*A)", "(6*A)")


def test_units_and_scalers_are_those_of_the_blue_book() -> None:
    model = make_model()
    expected = {"1.8.0": (1, 30), "5.8.0": (1, 32), "9.8.0": (1, 31), "16.7.0": (-1, 27), "131.7.0": (-1, 29)}
    expected |= {"9.7.0": (-1, 28), "32.7.0": (-2, 35), "31.7.0": (-3, 33), "14.7.0": (-3, 44), "13.7.0": (-3, 255)}
    expected |= {"81.7.4": (-1, 8), "32.7.124": (-2, 56), "0.6.1": (0, 33)}
    assert {code: model.find(code).get(3) for code in expected} == expected


def test_values_that_are_not_there_print_as_nothing() -> None:
    class Nothing:
        u_sym = (2.0, 5.0, 3.0)  # noise
        i_sym = None

        def phase(self, *_: object) -> None:
            return None

        total = phase

    model = make_model(CR, {}, Sources(actual=Nothing()))
    for code in ("14.7.0", "16.7.0", "13.7.0", "32.7.0", "81.7.1", "81.7.4", "142.7.0", "141.7.0"):
        assert model.find(code).get(2) is None
    assert model.find("16.7.0").data_set() == "16.7.0(*kW)"


@pytest.mark.parametrize(("lag", "text"), [(359.96, "(000.0*deg)"), (390.0, "(030.0*deg)"), (-1.0, "(359.0*deg)")])
def test_angles_stay_below_a_full_turn(lag: float, text: str) -> None:
    class Lagging:
        def phase(self, quantity: str, n: int) -> float:
            return lag if quantity == "lag" else 0.0

    assert make_model(CR, {}, Sources(actual=Lagging())).find("81.7.4").data_set() == "81.7.4" + text


def test_energies_roll_over_after_eight_digits_and_an_actual_value_never_does() -> None:
    sources = Sources()
    sources.energies._totals[0] = 1_000_000 * KWH + 7 * KWH // 100
    sources.actual.totals = {**sources.actual.totals, "p": 1_234_567.8}
    model = make_model(CR, {}, sources)
    assert model.find("1.8.0").data_set() == "1.8.0(000000.07*kWh)" and model.find("1.8.0").get(2) == 7
    assert model.find("16.7.0").data_set() == "16.7.0( 1234.5678*kW)"


def test_a_sum_channel_is_shown_when_it_is_in_use() -> None:
    values = {"sum_channel_1": "r1+r4", "sum_channel_2": "a_import+a_export"}
    assert make_model(CR, values).totals()[-2:] == ["128.8.0", "129.8.0"]
    assert value("128.8.0", CR, values) == "(000013.00*kvarh)"
    assert value("129.8.0", CR, values) == "(000003.00*kWh)"
    assert make_model(AR, values).totals() == ["1.8.0", "2.8.0", "129.8.0"]


def test_parameters_are_written_through_their_door() -> None:
    model = make_model()
    with pytest.raises(ParameterRefused, match=LEVEL):
        model.find("0.4.2").write("500", 3)
    model.find("0.4.2").write("500", 4)
    model.find("C.61.16").write("5", 4)
    assert model.find("0.4.2").get(2) == 500 and model.find("0.4.5").data_set() == "0.4.5(5)"


# --- primary registration --------------------------------------------------------------------------------------------

PRIMARY = {"registration": "primary", "nominal_voltage": 58, "ct_numerator": 500, "ct_denominator": 5}
PRIMARY |= {"vt_numerator": 20_000, "vt_denominator": 100}
STEPS = {"k": 3, "M": 6, "G": 9, "T": 12, "": 0}


def base_units(text: str) -> Fraction:
    """A printed value `(000102.28*kWh)` in Wh, V, A ... as people read it."""
    number, _, unit = text.strip("()").partition("*")
    prefix = unit[0] if unit[0] in "kMGT" else ""
    return Fraction(number.strip()) * 10 ** STEPS[prefix]


@pytest.mark.parametrize(
    ("mws", "text"),
    [
        # 500/5 and 20 000/100 make 20 000; 3 x 58 V, 10 A are 34.8 MW, 139 200 MWh in 4000 h, so steps of 10 kWh
        (KWH, "(000020.00*MWh)"),
        (1_799_999, "(000000.00*MWh)"),  # less than a step of 10 kWh by the smallest amount there is
        (1_800_000, "(000000.01*MWh)"),
        (123_456_789_012_345, "(685871.05*MWh)"),  # 34 293.552 503.. kWh, 685 871 050.07 kWh
        (180_000_000_000_000 + KWH, "(000020.00*MWh)"),  # 50 000 kWh are 10**8 steps of 10 kWh
    ],
)
def test_primary_energy_is_exact(mws: int, text: str) -> None:
    sources = Sources()
    sources.energies._totals[0] = mws
    assert make_model(CR, PRIMARY, sources).find("1.8.0").data_set() == "1.8.0" + text


def test_primary_actual_values_are_those_in_front_of_the_transformers() -> None:
    model = make_model(CR, PRIMARY)
    assert base_units(model.find("32.7.0").data_set()[6:]) == 230 * 200
    assert base_units(model.find("31.7.0").data_set()[6:]) == 5 * 100
    assert base_units(model.find("91.7.0").data_set()[6:]) == Fraction("4.2")
    assert base_units(model.find("16.7.0").data_set()[6:]) == Fraction("2987.7") * 20_000
    assert model.find("32.7.5").data_set() == "32.7.5(01000*V)"  # 5 V
    for code in ("14.7.0", "13.7.0", "81.7.1", "32.7.124"):  # no transformer changes these
        assert model.find(code).data_set() == make_model().find(code).data_set()


def test_secondary_registration_takes_no_notice_of_the_ratios() -> None:
    secondary = {**PRIMARY, "registration": "secondary", "nominal_voltage": 230}
    lines = [line for line in make_model(CR, secondary).readout(6) if not line.startswith("0.4.")]
    assert lines == [line for line in make_model().readout(6) if not line.startswith("0.4.")]


@given(
    st.sampled_from(sorted(NETWORKS)),
    st.integers(57, 480),
    st.sampled_from([1_000, 5_000]),
    st.sampled_from(["primary", "secondary"]),
    *[st.integers(1, 100_000) | st.sampled_from([1, 5, 100, 500, 20_000]) for _ in range(4)],
)
def test_eight_digits_last_4000_hours_and_resolve_as_much_as_they_can(
    network: str, un: int, i_nominal: int, registration: str, ct: int, ct_below: int, vt: int, vt_below: int
) -> None:
    lowest, highest = NETWORKS[network].voltages_v
    un = min(max(un, lowest), highest)
    values = {"network": network, "nominal_voltage": un, "nominal_current_ma": i_nominal, "registration": registration}
    values |= {"ct_numerator": ct, "ct_denominator": ct_below, "vt_numerator": vt, "vt_denominator": vt_below}
    model = make_model(CR, values)
    ratio = Fraction(ct * vt, ct_below * vt_below) if registration == "primary" else Fraction(1)
    elements = {"1P2W": Fraction(1), "2P3W": Fraction(2), "3P4W": Fraction(3), "3P3W": Fraction(1732, 1000)}
    power = un * {1_000: 6, 5_000: 10}[i_nominal] * elements[network] * ratio
    for code in ("1.8.0", "3.8.0", "9.8.0"):
        scaler = model.find(code).get(3)[0]
        assert scaler == 1 or 10**7 * 10**scaler < 4000 * power
        assert scaler >= 1 and 10**8 * 10**scaler >= 4000 * power
        assert re.fullmatch(r"\(\d{3,8}(\.\d+)?\*[kMGT](Wh|varh|VAh)\)", model.find(code).data_set()[5:])
    assert len(re.findall(r"\d", model.find("16.7.0").data_set()[6:])) >= 7


def test_the_data_sheets_largest_meter_needs_no_shift() -> None:
    """3 x 277 V, 10 A: 33 240 kWh in 4000 h."""
    assert make_model(CR, {"nominal_voltage": 277}).find("1.8.0").get(3) == (1, 30)
    assert 3 * 277 * 10 * 4 == 33_240 < 999_999


# --- on MicroPython --------------------------------------------------------------------------------------------------

SCRIPT = """
import gc, json, sys
sys.path[:0] = [{firmware!r}, {tests!r}]
from model_sources import make_model
model = make_model({type!r}, {values!r})
lines = list(model.readout(6))
lines.append(model.find("32.7.5").data_set())
objects = []
codes = list(model.codes())
gc.collect()
before = gc.mem_alloc()
for code in codes:
    objects.append(model.find(code))
gc.collect()
print(json.dumps([lines, (gc.mem_alloc() - before) // len(codes)]))
"""


@pytest.mark.parametrize(("designation", "values"), [(CR, PRIMARY), (AR, {"sum_channel_1": "a_import+a_export"})])
def test_micropython_prints_the_same_and_an_object_takes_little(designation: str, values: dict[str, object]) -> None:
    script = SCRIPT.format(
        firmware=str(ROOT / "firmware"), tests=str(ROOT / "host_tests"), type=designation, values=values
    )
    printed = on_micropython(script, "1536K")
    lines, size = json.loads(printed)
    model = make_model(designation, values)
    assert lines == [*model.readout(6), model.find("32.7.5").data_set()]
    assert size <= 600  # bytes on the 64-bit port, half of it on a 32-bit target


def test_the_table_names_no_code_twice() -> None:
    assert len({row[0] for row in TABLE}) == len(TABLE)
