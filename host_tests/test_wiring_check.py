"""What the meter says of its wiring, against wirings made at the terminals of the bench's mains source."""

from __future__ import annotations

import cmath
import itertools
import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meter.metrology import wiring_check as wiring
from meter.metrology.networks import NETWORKS
from tools.bench.source import Source

NOMINAL_A = 5.0
I_MIN = 0.005
LEAD, LAG = -25.8, 58.0  # degrees of a load: 0.9 capacitive, 0.53 inductive
ANGLES = [LEAD, -10, 0, 10, 30, 45, LAG]
BALANCED, UNBALANCED = (5, 5, 5), (1, 5, 2.5)

CURRENTS = {
    "I1 reversed": {"I1": "-I1"},
    "I2 reversed": {"I2": "-I2"},
    "I3 reversed": {"I3": "-I3"},
    "I1-I2 crossed": {"I1": "I2", "I2": "I1"},
    "I1-I3 crossed": {"I1": "I3", "I3": "I1"},
    "I2-I3 crossed": {"I2": "I3", "I3": "I2"},
    "I order 2-3-1": {"I1": "I2", "I2": "I3", "I3": "I1"},
    "I order 3-1-2": {"I1": "I3", "I2": "I1", "I3": "I2"},
    "export or all I reversed": {"I1": "-I1", "I2": "-I2", "I3": "-I3"},
}
VOLTAGES = {
    "I1-I2 crossed": {"U1": "U2", "U2": "U1"},
    "I1-I3 crossed": {"U1": "U3", "U3": "U1"},
    "I2-I3 crossed": {"U2": "U3", "U3": "U2"},
    # The voltages have moved on by one, so the currents have stayed back by one
    "I order 3-1-2": {"U1": "U2", "U2": "U3", "U3": "U1"},
    "I order 2-3-1": {"U1": "U3", "U2": "U1", "U3": "U2"},
}
# Angles of loads at which README.md says the name is the only one, all three currents flowing against a neutral; whose
# current it is that lags by 120 degrees more depends on the field
ONLY = {"all I": (-1, 33), "reversed": (LEAD, LAG), "crossed": (LEAD, 33), "+120": (LEAD, 33), "+240": (-1, 33)}
ORDERS = {("I order 2-3-1", False): "+120", ("I order 3-1-2", True): "+120"}


def word(network: str = "3P4W", **setting: Any) -> int:
    source = Source(1, network=network)
    source.set(**{"u": 230, "i": 5, "phi": 20} | setting)
    rows = source.segment(0).phasors[:, 0] / math.sqrt(2)
    u, i = [complex(value) for value in rows[:3]], [complex(value) for value in rows[3:6]]
    nominal = 230.0
    if network == "3P3W":
        u, nominal = [u[0] - u[1], u[0] - u[2], u[2] - u[1]], 400.0
    return wiring.findings(NETWORKS[network], u, i, nominal, NOMINAL_A, I_MIN)


def said(network: str = "3P4W", **setting: Any) -> str:
    return wiring.in_words(word(network, **setting))


def faults() -> Iterator[Any]:
    for sequence in ("normal", "reversed"):
        for table in (CURRENTS, VOLTAGES):
            for name, change in table.items():
                yield pytest.param(name, change, sequence, id=f"{name}, {next(iter(change))[0]}, {sequence}")


FAULTS = list(faults())


def in_field(name: str, reversed_field: bool) -> str:
    """How a name is written in a field of the meter's terminals."""
    return name.replace("I", "U", 2) if reversed_field and "crossed" in name else name


@pytest.mark.parametrize(("name", "change", "sequence"), FAULTS)
def test_each_fault_is_named_and_only_it_where_no_other_looks_the_same(
    name: str, change: dict[str, str], sequence: str
) -> None:
    swapped = "U" in next(iter(change)) and "crossed" in name
    field = (sequence == "reversed") != swapped
    expected = in_field(name, field)
    kind = ORDERS.get((name, field), "+240") if "order" in name else name
    low, high = next(limits for part, limits in ONLY.items() if part in kind)
    for phi, i in itertools.product(ANGLES, (BALANCED, UNBALANCED)):
        text = said(i=i, phi=phi, sequence=sequence, wiring=change)
        prefix = "reversed field, " if field else ""
        assert text.startswith(prefix)
        text = text.removeprefix(prefix)
        if low <= phi <= high:
            assert text == expected, phi
        else:
            assert text.startswith("unclear: ") and expected in text, phi


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("sequence", ["normal", "reversed"])
def test_nothing_is_said_of_sound_wiring_with_any_load(network: str, sequence: str) -> None:
    has_field = network in ("3P4W", "3P3W")
    expected = "reversed field" if sequence == "reversed" and has_field else "sound"
    loads = [BALANCED, UNBALANCED, (5, 0.2, 0.3)]
    for phis in itertools.product([LEAD, 0, 60], repeat=3):
        for i in loads:
            assert said(network, i=i, phi=phis, sequence=sequence) == expected
    for u in ((230, 207, 250), (200, 230, 215)):
        assert said(network, u=u, sequence=sequence) == expected


def test_a_phase_without_load_is_a_current_that_is_not_there() -> None:
    for phi in (LEAD, 0, 60):
        assert said(i=(5, 0, 5), phi=phi) == "no I2"
        assert said(i=(0, 0, 5), phi=phi) == "no I1 I2"
        assert said("3P3W", i=(5, 5, 0), phi=phi, wiring={"I3": None}) == "no I3"
    assert said(i=0) == "no load"
    assert said(i=0.04 * NOMINAL_A, wiring={"I1": "-I1"}) == "no load"


def test_feed_in_of_all_phases_cannot_be_told_from_reversed_transformers() -> None:
    for phi in (180, 190, 206):
        assert said(phi=phi) == "export or all I reversed"
        assert said("1P2W", phi=phi) == said("2P3W", phi=phi) == "export or all I reversed"
        assert said("3P3W", phi=phi) == "export or all I reversed"
    # A load of 0.8 whose currents are rotated has the same angles
    assert said(phi=160) == "unclear: I order 2-3-1 or export or all I reversed"
    assert said(phi=40, wiring=CURRENTS["I order 2-3-1"]) == said(phi=160)


def test_feed_in_with_a_fault_is_never_given_the_name_of_another_one() -> None:
    """A plant at 0.9 or more either way; what is named for sure is the fault, or nothing is."""
    for (name, change), phi in itertools.product(CURRENTS.items(), (154.2, 170, 180, 190, 205.8)):
        if "crossed" not in name and "reversed" not in name or "all I" in name:
            continue
        text = said(phi=phi, wiring=change)
        assert text.startswith("unclear") or text == name


def test_voltages_that_are_missing() -> None:
    assert said(wiring={"U2": None}) == "no U2, I2 without U"
    assert said(i=(5, 0, 5), wiring={"U2": None}) == "no U2"
    assert said(wiring={"U1": None}) == "no U1, I1 without U"
    assert said(wiring={"U1": None, "U3": None}) == "no U1 U3, I1 I3 without U"
    assert said(u=0, i=0) == "no U1 U2 U3, no load"
    assert said("2P3W", wiring={"U2": None}) == "no U2, I2 without U"
    assert said("1P2W", wiring={"U1": None}) == "no U1, I1 without U"
    # Currents are still told apart, by the voltage that the two others leave over
    assert said(wiring={"U2": None, "I2": "-I2"}) == "no U2, I2 without U, I2 reversed"
    assert said(wiring={"U1": None, "I3": "-I3"}) == "no U1, I1 without U, I3 reversed"


@pytest.mark.parametrize("terminal", ["U1", "U2", "U3"])
@pytest.mark.parametrize("sequence", ["normal", "reversed"])
def test_an_open_terminal_in_a_network_without_neutral(terminal: str, sequence: str) -> None:
    assert said("3P3W", sequence=sequence, wiring={terminal: None}) == f"no {terminal}"


@pytest.mark.parametrize("conductances", [(5, 2, 1), (1, 1, 3), (1, 3, 3)])
def test_a_neutral_that_is_missing_shows_in_what_an_unbalanced_load_does_to_the_star(
    conductances: tuple[float, ...],
) -> None:
    mains = [cmath.rect(230, -n * math.tau / 3) for n in range(3)]
    shift = sum(g * u for g, u in zip(conductances, mains, strict=True)) / sum(conductances)
    star = (abs(shift), -math.degrees(cmath.phase(shift)))
    assert said(star=star) == "N displaced"
    assert said("3P3W", star=star) == "sound"


def test_phase_voltages_that_are_unequal_by_themselves_do_not_accuse_the_neutral() -> None:
    for u in ((230, 230, 130), (150, 230, 230), (230, 140, 150)):
        assert said(u=u) == "sound"


def test_voltages_that_are_no_field_are_unclear() -> None:
    assert said(wiring={"U2": "U1"}) == "unclear"
    assert said("2P3W", wiring={"U2": "U1"}) == "unclear"


@pytest.mark.parametrize("phi", ANGLES)
def test_two_phases_and_a_neutral(phi: float) -> None:
    assert said("2P3W", phi=phi, wiring={"I1": "-I1"}) == "I1 reversed"
    assert said("2P3W", phi=phi, wiring={"I2": "-I2"}) == "I2 reversed"
    assert said("2P3W", phi=phi, wiring=CURRENTS["I1-I2 crossed"]) == "I1-I2 crossed"


@pytest.mark.parametrize(("name", "change", "sequence"), FAULTS)
def test_two_transformers_without_a_neutral(name: str, change: dict[str, str], sequence: str) -> None:
    """Two currents tell less: where the name is not the only one, it is one of them."""
    if "I2 reversed" in name:
        return
    swapped = "U" in next(iter(change)) and "crossed" in name
    field = (sequence == "reversed") != swapped
    change = {terminal: wire for terminal, wire in change.items() if terminal != "I2"}
    for phi in ANGLES:
        text = said("3P3W", phi=phi, sequence=sequence, wiring=change)
        assert ("reversed field" in text) == field
        assert in_field(name, field) in text
        if "unclear" not in text:
            assert text.removeprefix("reversed field, ") == in_field(name, field)
        elif name in ("I1 reversed", "I3 reversed"):
            assert phi > 33 if (name == "I3 reversed") != field else phi < -1


LOADS = st.tuples(*[st.floats(LEAD, LAG)] * 3)
UNEQUAL = st.tuples(*[st.floats(0.3, 10)] * 3)


@given(st.sampled_from(FAULTS), LOADS, UNEQUAL, st.tuples(*[st.floats(207, 253)] * 3))
def test_whatever_the_load_the_fault_is_among_what_is_named(
    fault: Any, phis: tuple[float, ...], i: tuple[float, ...], u: tuple[float, ...]
) -> None:
    name, change, sequence = fault.values
    text = said(u=u, i=i, phi=phis, sequence=sequence, wiring=change)
    assert in_field(name, "reversed field" in text) in text
    assert "unclear" in text or " or " not in text.replace("export or all", "")


@given(LOADS, UNEQUAL, st.sampled_from(list(NETWORKS)))
def test_whatever_the_load_sound_wiring_has_no_name(
    phis: tuple[float, ...], i: tuple[float, ...], network: str
) -> None:
    assert said(network, i=i, phi=phis) == "sound"


PHASORS = st.tuples(*[st.builds(complex, st.floats(-300, 300), st.floats(-300, 300))] * 3)


@given(st.sampled_from(list(NETWORKS.values())), PHASORS, PHASORS, st.floats(0, 0.05))
def test_any_phasors_give_a_short_text_and_a_word_of_six_digits(
    network: Any, u: tuple[complex, ...], i: tuple[complex, ...], share: float
) -> None:
    found = wiring.findings(network, list(u), [value * share for value in i], 230.0, NOMINAL_A, I_MIN)
    assert 0 <= found < 1 << 24
    text = wiring.in_words(found)
    assert 0 < len(text) <= 64 and not set(text) & set("()*/!")
    assert (text == "sound") == (found == 0)


def test_the_word_has_a_place_for_each_finding() -> None:
    """The table in README.md, as seen on the display."""
    assert word() == 0
    assert word(wiring={"U2": None}) == 0x000202
    assert word(star=(50, 0)) == 0x000008
    assert word(i=(5, 5, 0)) == 0x000040
    assert word(i=0) == 0x000080
    assert word(sequence="reversed") == 0x000800
    assert word(wiring={"I3": "-I3"}) == 0x004000
    assert word(phi=190) == 0x008000
    assert word(wiring=CURRENTS["I2-I3 crossed"]) == 0x010000
    assert word(wiring=CURRENTS["I1-I3 crossed"]) == 0x020000
    assert word(wiring=CURRENTS["I1-I2 crossed"]) == 0x040000
    assert word(wiring={"U2": "U1"}) == 0x080000
    assert word(wiring=CURRENTS["I order 2-3-1"]) == 0x100000
    assert word(wiring=CURRENTS["I order 3-1-2"]) == 0x200000
