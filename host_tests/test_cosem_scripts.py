"""Script tables and register activation: what they say they do, as Gurux reads it, and that they do it."""

from __future__ import annotations

import pytest
from gurux_dlms.objects import GXDLMSRegisterActivation, GXDLMSScriptTable

from host_tests.gurux_objects import copy_of
from host_tests.model_sources import Sources, make_model
from host_tests.test_cosem_switching import OTHER, OUTPUT_SCRIPTS, SUCCESS, TARIFF_SCRIPTS, TEXT, Wire
from meter.cosem import obis

CLEAR_SCRIPTS = bytes(obis.parse("0-0:10.0.0"))


@pytest.fixture
def sources() -> Sources:
    return Sources()


@pytest.fixture
def wire(sources: Sources) -> Wire:
    return Wire(make_model(sources=sources))


def test_tariff_scripts_command_the_rate_and_give_it_back(wire: Wire, sources: Sources) -> None:
    sources.scripts["tariff"] = sources.rates.command
    now = sources.clock.utc()
    sources.rates.update(now)
    assert [number for number, _ in wire.get(9, TARIFF_SCRIPTS, 2)] == [1, 2, 3, 4]  # rates that are kept
    for selector, tariff in ((2, "2"), (8, "8"), (13, "3"), (0, "1")):
        assert wire.act(9, TARIFF_SCRIPTS, 1, selector) == SUCCESS
        sources.rates.update(now)
        assert wire.model.find("C.14.0").formatted()[0] == tariff
    assert wire.act(9, TARIFF_SCRIPTS, 1, 9) == OTHER


def test_output_scripts_switch_the_signals_of_the_control_table(wire: Wire, sources: Sources) -> None:
    sources.scripts["outputs"] = sources.rates.switch
    assert wire.set(1, TEXT, 2, "O1 = C2\nO2 = not C2") == SUCCESS
    for script, outputs in ((2, 1), (12, 2)):
        assert wire.act(9, OUTPUT_SCRIPTS, 1, script) == SUCCESS
        sources.rates.update(sources.clock.utc())
        assert sources.rates.outputs == outputs
        sources.terminals.update()
        assert wire.model.find("C.3.0").data_set() == f"C.3.0(0000{outputs:02X}00)"
    assert {number for number, _ in wire.get(9, OUTPUT_SCRIPTS, 2)} == {*range(1, 9), *range(11, 19)}
    assert wire.act(9, OUTPUT_SCRIPTS, 1, 9) == OTHER


def actions_of(wire: Wire, name: bytes, script: int) -> list[tuple]:
    """(service, class, logical name, index, value) of a script, as a client takes them apart."""
    theirs: GXDLMSScriptTable = copy_of(wire.model.get(9, name))
    (found,) = [entry for entry in theirs.scripts if entry.id == script]
    return [(int(a.type_), int(a.target.objectType), a.target.logicalName, a.index, a.parameter) for a in found.actions]


def test_tariff_scripts_say_that_they_write_the_active_masks(wire: Wire, sources: Sources) -> None:
    sources.scripts["tariff"] = sources.rates.command
    for rate in range(1, 5):
        digit = bytearray(str(rate).encode())
        assert actions_of(wire, TARIFF_SCRIPTS, rate) == [
            (1, 6, "0.0.14.0.0.255", 4, digit),
            (1, 6, "0.0.14.0.1.255", 4, digit),
        ]
        assert wire.act(9, TARIFF_SCRIPTS, 1, rate) == SUCCESS
        sources.rates.update(sources.clock.utc())
        for name in ("0-0:14.0.0", "0-0:14.0.1"):  # and that is what it does
            assert wire.get(6, bytes(obis.parse(name)), 4) == str(rate).encode()


def test_signal_scripts_say_that_they_write_the_signals_and_those_can_be_written(wire: Wire, sources: Sources) -> None:
    sources.scripts["outputs"] = sources.rates.switch
    for script in (*range(1, 9), *range(11, 19)):
        n, on = script % 10, script < 10
        ((service, class_id, name, index, value),) = actions_of(wire, OUTPUT_SCRIPTS, script)
        assert (service, class_id, name, index, value) == (1, 1, f"0.0.96.62.1{n}.255", 2, on)
        at = bytes(int(part) for part in name.split("."))
        assert wire.act(9, OUTPUT_SCRIPTS, 1, script) == SUCCESS and wire.get(1, at, 2) == on
        assert wire.set(1, at, 2, 1 - on) == SUCCESS and sources.rates.commanded_signals >> n - 1 & 1 != on
        assert wire.set(1, at, 2, 2) == OTHER
        sources.rates.switch(script)


def test_scripts_that_clear_say_what_as_the_readme_has_it(wire: Wire, sources: Sources) -> None:
    sources.scripts["reset"] = lambda script: None
    found = {n: {action[1:3] for action in actions_of(wire, CLEAR_SCRIPTS, n)} for n in range(1, 6)}
    rated = {(3, f"1.1.{c}.8.{r}.255") for c in (1, 2, 5, 6, 7, 8) for r in (1, 2, 3, 4)}
    profiles = {(7, f"{n}.255") for n in ("0.0.98.1.0", "0.0.98.2.0", "1.0.99.1.0", "1.0.99.2.0")}
    totals = {(3, f"1.1.{c}.8.0.255") for c in range(1, 11)}
    maxima = {(4, f"1.1.{c}.6.{r}.255") for c in (1, 2) for r in (1, 2, 3, 4)}
    cumulated = {(3, f"1.1.{c}.2.{r}.255") for c in (1, 2) for r in (1, 2, 3, 4)}
    log, registers = {(7, "0.0.99.98.0.255")}, rated | totals | maxima | cumulated | profiles
    assert found == {1: registers | log, 2: rated, 3: profiles, 4: log, 5: registers}
    for script in range(1, 6):
        for service, _, name, method, parameter in actions_of(wire, CLEAR_SCRIPTS, script):
            assert (service, method, parameter) == (2, 1, 0), name
    reset = actions_of(wire, bytes(obis.parse("0-0:10.0.1")), 1)
    assert reset[0] == (2, 7, "0.0.98.1.0.255", 2, 0) and {action[1:3] for action in reset[1:]} == maxima
    for class_id, name in registers | log:  # all of them are there
        assert wire.get(class_id, bytes(int(part) for part in name.split(".")), 1)


def test_register_activation_has_a_mask_for_each_rate_and_the_one_that_holds(wire: Wire, sources: Sources) -> None:
    """Blue Book, class 6: indices of a mask count the assigned registers from 1 on."""
    energy, demand = (bytes(obis.parse(name)) for name in ("0-0:14.0.0", "0-0:14.0.1"))
    assert wire.set(1, TEXT, 2, "E1 = I1; E2 = I2; D3 = I1 or not I1") == SUCCESS
    for inputs, name in ((0, b"0"), (1, b"1"), (2, b"2"), (3, b"12")):
        sources.rates.update(sources.clock.utc(), inputs)
        theirs: GXDLMSRegisterActivation = copy_of(wire.model.get(6, energy))
        assert theirs.activeMask == name
        masks = {bytes(mask): indices for mask, indices in theirs.maskList}
        assert sorted(masks) == sorted({*(str(rate).encode() for rate in range(1, 9)), name})
        for mask, indices in masks.items():
            held = {theirs.registerAssignment[index - 1].logicalName for index in indices}
            rates = [int(digit) for digit in mask.decode() if digit in "1234"]
            assert held == {f"1.1.{c}.8.{r}.255" for c in (1, 2, 5, 6, 7, 8) for r in rates}
    theirs = copy_of(wire.model.get(6, demand))
    assert theirs.activeMask == b"3"
    assert [r.logicalName for r in theirs.registerAssignment] == [
        f"1.1.{c}.6.{r}.255" for c in (1, 2) for r in (1, 2, 3, 4)
    ]
    assert [indices for _, indices in theirs.maskList[:4]] == [[1, 5], [2, 6], [3, 7], [4, 8]]
    assert {int(r.objectType) for r in theirs.registerAssignment} == {4}
    plain = make_model("ZMG405CR1.260b.43")
    with pytest.raises(KeyError):
        plain.get(6, demand)
