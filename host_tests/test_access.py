"""Levels and rights: what each client may read and change, on the meter's real objects and parameters."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_tests.access_bench import RECORD, Door, code_of
from host_tests.model_sources import Ram
from meter.access import BUSY, DENIED, FORMAT, RANGE, UNKNOWN_CODE, _same
from meter.cosem.definitions import PARAMETERS
from meter.parameters import TABLE

PASSWORDS = {"p1_password": "11111111", "p2_password": "22222222"}  # texts that nothing else has


def meter_with(memory: Ram | None = None, seal_broken: int = 0) -> Door:
    return Door(memory or Ram(), PASSWORDS, seal_broken)


# --- passwords -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "password", "level"),
    [
        ("P1", "11111111", 1),
        ("P2", "22222222", 2),
        ("P1", "22222222", None),
        ("P2", "11111111", None),
        ("P1", "1111111", None),
        ("P1", "111111111", None),
        ("P1", "1111111111111111", None),  # the right one twice
        ("P1", "", None),
        ("P2", "22222223", None),
        ("W5", "22222222", None),
        ("", "", None),
    ],
)
def test_passwords_give_their_levels(kind: str, password: str, level: int | None) -> None:
    assert meter_with().access.log_in(kind, password) == level


@given(st.text("01a", max_size=6), st.text("01a", min_size=1, max_size=6))
def test_passwords_are_compared_whole(sent: str, own: str) -> None:
    assert _same(sent.encode(), own.encode()) is hmac.compare_digest(sent, own)


def test_a_password_can_be_changed_but_never_read() -> None:
    meter = meter_with(seal_broken=1)
    for name, kind in (("p1_password", "P1"), ("p2_password", "P2")):
        code = code_of(name)
        assert meter.write(code, "correct horse", 1) == DENIED
        assert meter.write(code, "correct horse", 2) == ""
        assert meter.access.log_in(kind, "correct horse")
        assert meter.write(code, "", 2) == RANGE
        other_ways = (code.replace("C.", "96."), "0-0:" + code, code + "*255")
        for level in range(7):
            assert {meter.read(way, level) for way in (code, *other_ways)} == {DENIED}
    after = meter_with(meter.memory)
    assert after.access.log_in("P1", "correct horse") == 1


def test_no_readout_list_holds_a_password() -> None:
    meter = meter_with()
    for number in (0, 6):
        for line in meter.model.readout(number):
            assert "11111111" not in line and "22222222" not in line, line


# --- reading ---------------------------------------------------------------------------------------------------------


def test_what_the_lists_show_is_public_and_reads_as_there() -> None:
    meter = meter_with()
    for line in meter.model.readout(6):
        code, _, rest = line.partition("(")
        assert meter.read(code) == rest[:-1]
    assert meter.read("1-1:1.8.0") == "000001.00*kWh"
    assert meter.read("32.7.3") == "003.00*V"


@pytest.mark.parametrize("code", ["C.60.0", RECORD, code_of("network"), code_of("address")])
def test_calibration_and_parameters_are_not_public(code: str) -> None:
    meter = meter_with()
    assert meter.read(code, 0) == DENIED
    assert meter.read(code, 1) == meter.model.find(code).formatted()[0]


@pytest.mark.parametrize(
    "code", ["1.8.9", "C.99.1", "", "x", "1.8.0*01", "2-0:1.8.0", f"C.{PARAMETERS[1]}.199", "1.8.300"]
)
def test_a_code_without_object_is_unknown(code: str) -> None:
    meter = meter_with()
    assert (meter.read(code, 2), meter.write(code, "1", 4)) == (UNKNOWN_CODE, UNKNOWN_CODE)


# --- writing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[1])
def test_every_parameter_is_written_from_its_level_on(row: tuple) -> None:
    """With its own value, at each level of a service client, seal closed and open."""
    name, needed = row[1], row[6]
    for level in (0, 1, 2, 3):
        for broken in (0, 1):
            meter = meter_with(seal_broken=broken)
            allowed = needed <= (4 if level >= 2 and broken else level)
            value = meter.parameters.get(name)
            said = meter.write(code_of(name), value.hex() if isinstance(value, bytes) else str(value), level)
            assert said == ("" if allowed else DENIED), (level, broken)


def test_the_seal_counts_at_the_moment_of_writing() -> None:
    meter = meter_with()
    code = code_of("network")
    assert meter.write(code, "3P3W", 2) == DENIED
    meter.seal_broken = 1
    assert [meter.write(code, "3P3W", level) for level in (0, 1, 2)] == [DENIED, DENIED, ""]
    meter.seal_broken = 0
    assert meter.write(code, "3P4W", 2) == DENIED
    assert (meter.read(code, 1), meter.parameters.network) == ("3P3W", "3P3W")


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("display_seconds", "20", ""),
        ("display_seconds", "020", ""),
        ("display_seconds", "61", RANGE),
        ("display_seconds", "0", RANGE),
        ("display_seconds", "", FORMAT),
        ("display_seconds", "-5", RANGE),
        ("display_seconds", "5*s", FORMAT),
        ("display_seconds", "9" * 400, RANGE),
        ("address", "AB 12", ""),
        ("address", "AB-12", RANGE),
        ("max_baud_char", "6", ""),
        ("max_baud_char", "7", RANGE),
    ],
)
def test_values_are_checked(name: str, text: str, error: str) -> None:
    meter = meter_with()
    before = meter.parameters.get(name)
    assert meter.write(code_of(name), text, 2) == error
    assert error == "" or meter.parameters.get(name) == before


def test_parameters_can_also_be_written_under_their_obis_codes() -> None:
    meter = meter_with(seal_broken=1)
    assert meter.write("0.4.2", "500", 2) == ""
    assert (meter.parameters.ct_numerator, meter.read("0.4.2")) == (500, "500")


@pytest.mark.parametrize("code", ["1.8.0", "F.F", "0.0.0", "14.7.0", "C.60.0", "0.6.0", "32.7.3"])
def test_what_is_measured_or_made_is_never_written(code: str) -> None:
    assert meter_with(seal_broken=1).write(code, "1", 2) == DENIED


def test_the_calibration_record_is_written_with_the_seal_broken_only() -> None:
    meter = meter_with()
    assert [meter.write(RECORD, "1,2", level) for level in (0, 1, 2)] == [DENIED] * 3
    meter.seal_broken = 1
    assert [meter.write(RECORD, "1,2", level) for level in (0, 1, 2)] == [DENIED, DENIED, ""]
    assert meter.write("0-0:" + RECORD, "3,4", 2) == ""
    assert meter.write(RECORD, "x", 2) == RANGE
    assert meter.write(RECORD, "lost", 2) == BUSY
    assert meter.records == ["1,2", "3,4"]


def test_a_memory_that_fails_leaves_the_old_value(monkeypatch: pytest.MonkeyPatch) -> None:
    def write(*_: object) -> None:
        raise OSError(5, "memory")

    meter = meter_with()
    monkeypatch.setattr(meter.memory, "write", write)
    assert meter.write(code_of("display_seconds"), "20", 2) == BUSY
    assert meter.parameters.display_seconds == 8
