"""Every attribute of every object, encoded by its type and decoded by Gurux' objects; rights; changes and methods."""

from __future__ import annotations

import re
from typing import Any

import pytest

from host_tests.gurux_objects import copy_of, decoded, encoded, new_object, plain
from host_tests.model_sources import Clock, Sources, make_model
from meter.cosem import obis
from meter.cosem.class_table import CLASSES
from meter.cosem.definitions import SETUPS, TABLE
from meter.cosem.model import WrongClass
from meter.parameters import RANGE, ParameterRefused
from meter.type_code import TypeCode
from tools.bench.process import ROOT

FULL = "ZMG405CR4.260b.42"  # reactive, demand, time switch, load profile, event log, CS and RS232
TYPES = [
    FULL,
    "ZMG410AR1.000b.00",
    "ZMG410AR3.0203.02",
    "ZMG405CR2.0417.62S2",
    "ZMG405CR1.2400.03",
    "ZMG410CR4.0604.37",
]


def ln(text: str) -> bytes:
    return bytes(obis.parse(text))


def object_of(text: str, class_id: int, designation: str = FULL, sources: Sources | None = None) -> Any:
    return make_model(designation, {}, sources).get(class_id, ln(text))


@pytest.mark.parametrize("designation", TYPES)
def test_gurux_reads_every_attribute_as_the_model_has_it(designation: str) -> None:
    model = make_model(designation)
    for found in model.objects():
        for n in range(1, found.attributes + 1):
            own = plain(found.spec(n), found.get(n))
            assert decoded(encoded(found.spec(n), found.get(n))) == own, (
                found.class_id,
                obis.short(found.logical_name),
                n,
            )


@pytest.mark.parametrize("designation", TYPES)
def test_gurux_objects_take_every_attribute(designation: str) -> None:
    for found in make_model(designation).objects():
        theirs = copy_of(found)
        assert theirs.logicalName == ".".join(str(group) for group in found.logical_name)
        assert int(theirs.objectType) == found.class_id


@pytest.mark.parametrize("class_id", sorted(CLASSES))
def test_attributes_and_methods_are_as_many_as_in_gurux(class_id: int) -> None:
    version, attributes, methods, _ = CLASSES[class_id]
    theirs = new_object(class_id, version)
    assert len(attributes) + 1 == theirs.getAttributeCount()
    if class_id != 4:  # Gurux leaves out its reset
        assert len(methods) == theirs.getMethodCount()


@pytest.mark.parametrize("class_id", sorted(set(CLASSES) - {27, 64, 40, 70}))
def test_versions_are_those_of_gurux(class_id: int) -> None:
    """27: version 1 since Blue Book 9; the other three are newer there."""
    assert CLASSES[class_id][0] == new_object(class_id, 0).__class__().version


@pytest.mark.parametrize("class_id", sorted(set(CLASSES) - {1, 3, 4, 5}))
def test_types_are_those_that_gurux_expects(class_id: int) -> None:
    """Where Gurux is not mistaken: it calls structures arrays, and leaves what may be anything open."""
    version, attributes, _, _ = CLASSES[class_id]
    theirs = new_object(class_id, version)
    mistaken = {(7, 6), (17, 2), (18, 4), (19, 6), (71, 2)}
    for n, spec in enumerate(attributes, 2):
        expected = int(theirs.getDataType(n))
        if expected and (class_id, n) not in mistaken:
            tag = spec[0] if isinstance(spec, tuple) else spec
            assert tag == expected or {tag, expected} == {1, 2}, (class_id, n)


# --- which there are -----------------------------------------------------------------------------------------------


def names(designation: str) -> set[tuple[int, str]]:
    return {(found.class_id, obis.short(found.logical_name)) for found in make_model(designation).objects()}


@pytest.mark.parametrize("designation", TYPES)
def test_objects_are_told_apart_by_their_names_and_found_by_them(designation: str) -> None:
    model = make_model(designation)
    found = list(model.objects())
    assert len({each.logical_name for each in found}) == len(found) == model.count
    for each in found:
        same = model.get(each.class_id, each.logical_name)
        assert (type(same), same.logical_name, same.class_id) == (type(each), each.logical_name, each.class_id)
        with pytest.raises(WrongClass):
            model.get(2, each.logical_name)


@pytest.mark.parametrize(
    ("designation", "there", "missing"),
    [
        (FULL, "P.98.0 P.1.0 P.2.0 1.4.0 2.6.4 13.0.0 11.0.0 20.0.2 2.0.1 2.1.0", "C.3.10 2.0.2"),
        ("ZMG410AR1.000b.00", "P.98.0 P.1.0", "1.4.0 13.0.0 C.3.10 20.0.1 20.0.2 2.1.0"),
        ("ZMG410AR3.0203.02", "P.98.0 1.4.0 2.6.0 20.0.1 2.0.1", "P.1.0 3.4.0 13.0.0 20.0.2"),
        ("ZMG405CR2.0417.62S2", "C.3.10 13.0.0 20.0.1 20.0.2 2.0.1 P.1.0", "1.4.0 P.98.0"),
    ],
)
def test_the_type_code_decides_what_there_is(designation: str, there: str, missing: str) -> None:
    found = {short for _, short in names(designation)}
    assert set(there.split()) <= found and found.isdisjoint(missing.split())


def test_every_class_has_an_object_in_some_meter() -> None:
    assert {class_id for each in TYPES for class_id, _ in names(each)} == set(CLASSES)


@pytest.mark.parametrize(
    "text", ["0-0:97.97.255", "1-0:1.8.0", "1-1:1.8.9", "0-0:96.61.99", "0-0:20.0.7", "0-0:13.0.1"]
)
def test_names_of_no_object_are_unknown(text: str) -> None:
    with pytest.raises(KeyError) as caught:
        make_model().get(3, ln(text))
    assert not isinstance(caught.value, WrongClass)


def test_a_name_without_its_channel_is_another_object() -> None:
    model = make_model(FULL, {"obis_b": 3})
    assert model.get(3, bytes((1, 3, 1, 8, 0, 255))).index == "1.8.0"
    with pytest.raises(KeyError):
        model.get(3, bytes((1, 1, 1, 8, 0, 255)))
    assert model.get(3, bytes((1, 3, 52, 7, 40, 255))).get(2) == 4010  # 40.1 V: a harmonic, which no list has


# --- what they say --------------------------------------------------------------------------------------------------


def test_the_logical_device_name_has_sixteen_octets() -> None:
    name = object_of("0-0:42.0.0", 1).get(2)
    assert name == b"LGZ405CR60800001" and len(name) == 16
    assert object_of("0-0:41.0.0", 17).get(2) == [(1, name)]


def test_the_error_object_has_four_octets_and_prints_eight_digits() -> None:
    sources = Sources()
    sources.error_text = "02000410"
    found = object_of("0-0:97.97.0", 1, FULL, sources)
    assert (found.get(2), found.data_set()) == (b"\x02\x00\x04\x10", "F.F(02000410)")


def test_unix_time_is_that_of_the_epoch_of_1970() -> None:
    assert object_of("0-0:1.1.0", 1).get(2) == 1_795_365_656  # 2026-11-22 16:40:56 UTC


def test_time_and_date_are_the_parts_of_the_clock() -> None:
    clock = object_of("0-0:1.0.0", 8).get(2)
    assert clock == bytes.fromhex("07ea0b1607102838000000 00")
    assert make_model().find("0.9.2").get(2) == clock[:5]
    assert make_model().find("0.9.1").get(2) == clock[5:9]


def test_readout_lists_are_profiles_of_one_row_with_the_values_of_now() -> None:
    model = make_model(FULL)
    for text, codes in (("0-0:21.0.0", model.list_codes("standard")), ("0-0:21.0.3", model.list_codes("service"))):
        theirs = copy_of(model.get(7, ln(text)))
        (row,) = theirs.buffer
        assert len(row) == len(codes) == len(theirs.captureObjects)
        assert [column.logicalName for column, _ in theirs.captureObjects] == [
            ".".join(str(group) for group in model.find(code).logical_name) for code in codes
        ]
        place = codes.index("1.8.0")
        assert row[place] == 100 and int(theirs.captureObjects[place][0].objectType) == 3
    assert model.list_codes("display") == model.totals()


def test_columns_of_a_readout_list_are_chosen_by_entry_access() -> None:
    found = object_of("0-0:21.0.1", 7)
    chosen = (2, (1, 1, 2, 3))
    assert decoded(encoded(found.spec(2), found.get(2, chosen))) == [[200, 300]]
    assert decoded(encoded(found.spec(2), found.get(2, (2, (2, 0, 1, 0))))) == []


def test_an_hdlc_address_that_is_not_set_comes_from_the_serial_number() -> None:
    """Facts page 3.1: last four digits plus 1000; 50725713 has 6713."""
    sources = Sources()
    sources.serial_number = "50725713"
    model = make_model(FULL, {}, sources)
    found = model.get(23, ln("0-0:22.0.0"))
    assert found.get(9) == 6713
    found.set(9, 0x1234)
    assert found.get(9) == 0x1234 and model.parameters.hdlc_address == 0x1234


def test_a_local_port_shows_and_changes_its_parameters() -> None:
    model = make_model(FULL)
    port = model.get(19, ln("0-0:20.0.0"))
    assert [port.get(n) for n in range(2, 7)] == [0, 0, 5, 1, b""]
    assert [port.read_level(n) for n in (6, 7, 8, 9)] == [1, None, None, None]
    changes: list[tuple[int, object]] = [(2, 1), (4, 6), (5, 0), (6, b"0012"), (7, b"11111111"), (9, b"555")]
    for n, value in changes:
        port.set(n, value)
    parameters = model.parameters
    assert (parameters.optical_mode, parameters.port1_mode, parameters.max_baud_char) == (1, 0, "6")
    assert (parameters.reaction_ms, parameters.address, parameters.p1_password) == (20, "0012", "11111111")
    assert (parameters.p2_password, parameters.w5_password) == ("00000000", "555")
    other = model.get(19, ln("0-0:20.0.2"))
    other.set(3, 7)
    assert [other.get(n) for n in range(2, 7)] == [0, 7, 6, 0, b"0012"] and parameters.port2_start_rate == 38_400
    with pytest.raises(ParameterRefused, match=RANGE):
        other.set(3, 1)  # 600 Bd
    with pytest.raises(ParameterRefused, match=RANGE):
        port.set(4, 7)
    bad: list[tuple[int, object]] = [(5, 2), (4, None)]
    for n, value in bad:
        with pytest.raises(ValueError, match=r".+"):
            port.set(n, value)
    with pytest.raises(KeyError):
        port.set(1, b"")


# --- rights ---------------------------------------------------------------------------------------------------------

# Class and name: read, then attribute: write, method: act
RIGHTS: list[tuple[int, str, int | None, dict[int, int], dict[int, int]]] = [
    (3, "1-1:1.8.0", 0, {}, {}),
    (1, "1-0:0.0.0", 0, {}, {}),
    (1, "0-0:42.0.0", 0, {}, {}),
    (17, "0-0:41.0.0", 0, {}, {}),
    (8, "0-0:1.0.0", 0, {2: 2} | dict.fromkeys((3, 5, 6, 7, 8), 3), dict.fromkeys(range(1, 7), 2)),
    (1, "1-0:0.9.1", 0, {2: 2}, {}),
    (1, "1-0:0.9.2", 0, {2: 2}, {}),
    (1, "1-0:0.4.2", 0, {2: 4}, {}),
    (1, "0-0:96.60.0", 1, {}, {}),
    (1, "0-0:96.60.1", 1, {2: 4}, {}),
    (1, "0-0:96.61.5", 1, {2: 2}, {}),
    (1, "0-0:96.61.22", None, {2: 4}, {}),
    (7, "0-0:99.98.0", 1, {}, {}),
    (7, "1-0:99.1.0", 1, {}, {1: 3}),
    (7, "0-0:98.1.0", 1, {}, {}),
    (7, "0-0:21.0.3", 0, {}, {}),
    (4, "1-1:1.6.0", 0, {}, {}),
    (19, "0-0:20.0.1", None, {2: 2, 3: 2, 4: 2, 5: 2, 6: 2, 7: 2, 8: 4, 9: 3}, {}),  # its last is a password
    (19, "0-0:20.0.0", None, {2: 2, 4: 2, 5: 2, 6: 2, 7: 2, 8: 4, 9: 3}, {}),
    (40, "0-0:25.9.0", 1, {}, {1: 2}),
    (5, "1-1:1.4.0", 0, {}, {1: 3, 2: 3}),
    (3, "1-1:1.8.1", 0, {}, {}),
    (1, "1-0:0.8.0", 0, {2: 4}, {}),
    (9, "0-0:10.0.1", 1, {}, {1: 2}),
    (23, "0-0:22.0.0", 1, dict.fromkeys(range(3, 10), 2) | {2: 2}, {}),
    (20, "0-0:13.0.0", 1, dict.fromkeys(range(6, 11), 3), {1: 3}),
    (11, "0-0:11.0.0", 1, {2: 3}, {1: 3, 2: 3}),
    (1, "0-0:96.62.0", 1, {2: 3}, {}),
    (64, "0-0:43.0.0", 1, {}, {}),
]


@pytest.mark.parametrize(("class_id", "text", "read", "writes", "acts"), RIGHTS)
def test_rights_are_those_of_the_table_in_the_readme(
    class_id: int, text: str, read: int | None, writes: dict[int, int], acts: dict[int, int]
) -> None:
    found = object_of(text, class_id)
    assert found.read_level(found.attributes) == read
    assert {
        n: found.write_level(n) for n in range(1, found.attributes + 1) if found.write_level(n) is not None
    } == writes
    assert {n: found.act_level(n) for n in range(1, found.methods + 1) if found.act_level(n) is not None} == acts


@pytest.mark.parametrize("designation", TYPES)
def test_what_the_readout_lists_show_is_public_and_no_secret_is_readable(designation: str) -> None:
    model = make_model(designation)
    for code in model.list_codes("service"):
        assert model.find(code).read_level(2) == 0
    for found in model.objects():
        for n in range(1, found.attributes + 1):
            assert found.write_level(n) in (None, 2, 3, 4)
            if "00000000" in repr(found.get(n)) and found.class_id == 1 and found.logical_name[3] == 61:
                assert found.read_level(n) is None
        assert found.read_level(1) is not None  # a secret's name is none
        for n in (0, found.attributes + 1):
            for ask in (found.spec, found.get, found.read_level, found.write_level):
                with pytest.raises(KeyError):
                    ask(n)
        for ask in (found.method_spec, found.act_level):
            with pytest.raises(KeyError):
                ask(found.methods + 1)


# --- changes and methods --------------------------------------------------------------------------------------------


def test_the_clock_is_set_by_local_time_by_utc_and_in_steps() -> None:
    sources = Sources()
    sources.clock = Clock(ahead=60)
    clock = object_of("0-0:1.0.0", 8, FULL, sources)
    clock.set(2, bytes.fromhex("07ea0b16ff0c0000ff8000ff"))  # 12:00 without a deviation: local, 11:00 UTC
    assert sources.clock.fields()[3:] == (7, 12, 0, 0)
    clock.set(2, bytes.fromhex("07ea0b16ff0c0000ff0000ff"))  # 12:00 UTC
    assert sources.clock.fields()[3:] == (7, 13, 0, 0)
    clock.act(6, -900)
    clock.act(6, 29)
    assert sources.clock.fields()[4:] == (12, 45, 29)
    clock.act(3, 0)
    assert sources.clock.fields()[4:] == (12, 45, 0)
    clock.act(6, 450)
    clock.act(1, 0)
    assert sources.clock.fields()[4:] == (13, 0, 0)
    for bad in (bytes(12), b"\xff" * 12, b"\x07\xea", bytes.fromhex("07ea021eff0c0000ff8000ff"), None):
        with pytest.raises(ValueError, match=r".+"):
            clock.set(2, bad)
    for shift in (901, -901, None):
        with pytest.raises(ValueError, match="900"):
            clock.act(6, shift)
    with pytest.raises(KeyError):
        clock.act(7, 0)


def test_parameters_and_the_calibration_are_changed_through_their_objects() -> None:
    sources = Sources()
    model = make_model(FULL, {}, sources)
    model.get(1, ln("0-0:96.61.5")).set(2, 30)
    assert model.parameters.display_seconds == 30
    with pytest.raises(ParameterRefused):
        model.get(1, ln("0-0:96.61.5")).set(2, 61)
    record = model.get(1, ln("0-0:96.60.1"))
    record.set(2, "7,8")
    assert sources.calibration_record == "7,8"
    with pytest.raises(ValueError, match=r"^$"):
        record.set(2, "bad")
    with pytest.raises(KeyError):
        model.get(1, ln("1-0:0.0.0")).set(2, "1")


class Keys:
    """Stands for the owner of the keys."""

    policy, suite, client_system_title, server_system_title, invocation_counter = 3, 0, b"CLIENT01", b"LGZ45678", 17

    def __init__(self) -> None:
        self.done: list[object] = []

    def activate(self, policy: int) -> None:
        self.done.append(policy)

    def transfer_keys(self, keys: list[tuple[int, bytes]]) -> None:
        self.done.append(keys)


def test_the_security_setup_hands_its_methods_to_the_owner_of_the_keys() -> None:
    sources = Sources()
    sources.security = keys = Keys()  # type: ignore[assignment]
    setup = object_of("0-0:43.0.0", 64, FULL, sources)
    assert [setup.get(n) for n in range(2, 6)] == [3, 0, b"CLIENT01", b"LGZ45678"]
    assert (setup.act_level(1), setup.act_level(2)) == (3, 3)
    setup.act(1, 3)
    setup.act(2, [(0, bytes(24))])
    assert keys.done == [3, [(0, bytes(24))]]
    assert object_of("0-0:43.1.0", 1, FULL, sources).get(2) == 17
    for method in (1, 2):
        with pytest.raises(ValueError, match="parameter"):
            setup.act(method, None)


def test_a_script_table_runs_the_scripts_that_somebody_gives_it() -> None:
    sources = Sources()
    run: list[int] = []
    sources.scripts["test_mode_on"] = run.append
    table = object_of("0-0:10.0.101", 9, FULL, sources)
    assert (table.act_level(1), table.get(2)) == (2, [(1, [])])
    table.act(1, 1)
    assert run == [1]
    assert object_of("0-0:10.0.0", 9, FULL, sources).act_level(1) is None
    sources.scripts["reset"] = run.append
    table = object_of("0-0:10.0.0", 9, FULL, sources)
    assert (table.act_level(1), [number for number, _ in table.get(2)]) == (4, [1, 2, 3, 4, 5])  # seal broken


def test_what_the_table_names_exists() -> None:
    from meter.cosem import setups

    everything = setups.features(TypeCode("ZMG405CR4.041b.37S2"))
    needed = {need for row in SETUPS for need in row[4:]} | {need for row in TABLE for need in row[3:]}
    assert needed | {"reactive"} == {*everything, "modem2", "output5", "output6"}  # RS232 is always interface 1
    assert all(callable(getattr(setups, row[2])) and row[1] in CLASSES for row in SETUPS)


def test_the_meter_has_all_that_its_objects_ask_for() -> None:
    """The attributes of `sources` in the model, against what meter.sources defines."""
    cosem = ROOT / "firmware" / "meter" / "cosem"
    code = "".join((cosem / name).read_text() for name in ("setups.py", "quantities.py"))
    asked = set(re.findall(r"sources\.([a-z]\w*)", code))
    asked |= {str(row[2]) for row in TABLE if row[1] in ("data", "calibration")}
    asked |= {str(row[3]) for row in SETUPS if row[2] == "text"}
    sources = (ROOT / "firmware" / "meter" / "sources.py").read_text()
    defined = set(re.findall(r"^    def ([a-z]\w*)\(self|", sources, re.MULTILINE))
    defined |= set(re.findall(r"\bself\.([a-z]\w*)(?=[,:]| = )", sources))
    defined |= set(re.findall(r"^    ([a-z]\w*)(?:: \S+)? = ", sources, re.MULTILINE))
    assert {"energies", "event_log", "set_clock", "security"} <= asked
    assert asked <= defined


def test_programming_mode_finds_what_dlms_finds_of_class_1() -> None:
    model = make_model(FULL)
    for found in model.objects():
        if found.class_id == 1:
            code = obis.short(found.logical_name)
            prefix = f"{found.logical_name[0]}-{found.logical_name[1]}:"
            same = [model.find(name) for name in (code, prefix + code) if _is_known(model, name)]
            assert [other.logical_name for other in same] in ([found.logical_name], [found.logical_name] * 2), code
            value = found.get(2)
            if isinstance(value, bytes) and found.logical_name[2:4] == bytes((42, 0)):
                assert same[0].formatted() == (value.decode(), "")
    assert model.find("C.1.1").formatted() == (model.sources.type_designation, "")


def _is_known(model: Any, code: str) -> bool:
    try:
        model.find(code)
    except KeyError:
        return False
    return True
