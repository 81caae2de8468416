"""Factory data and the identification made of it."""

from __future__ import annotations

import pytest

from drivers.fram import Fram
from host_tests.wires import DirectPin, DirectSPI, Wires
from meter import factory
from meter.factory import Factory
from meter.storage import layout
from tools.bench.fram import FRAM

TYPE, SERIAL = "ZMG405CR4.260b.43", "23660088"


def manufactured(data: bytes) -> Fram:
    chip = FRAM()
    wires = Wires(chip)
    chip.poke(layout.FACTORY.address, data)
    chip.power(True, 0)
    return Fram(DirectSPI(chip, wires), DirectPin.chip_select(chip, wires))


def test_the_firmware_reads_what_the_bench_has_manufactured() -> None:
    data = factory.image(Factory(TYPE, SERIAL, 700_000_001, 123_456_789_012))
    assert len(data) == layout.FACTORY.size
    found = factory.load(manufactured(data))
    assert found is not None
    assert (found.type_designation, found.serial_number) == (TYPE, SERIAL)
    assert (found.full_scale_uv, found.full_scale_na) == (700_000_001, 123_456_789_012)


def test_default_constants_are_those_of_the_analogue_design() -> None:
    made = Factory(TYPE, SERIAL)
    pin = 0.5**0.5  # V rms at the chip's full scale of 1 V peak
    assert made.full_scale_uv == pytest.approx(pin * 1001 * 1e6, rel=1e-8)
    assert made.full_scale_na == pytest.approx(pin * 2500 / 150 * 1e9, rel=1e-8)


def test_a_blank_or_damaged_memory_has_no_factory_data() -> None:
    assert factory.load(manufactured(bytes(layout.FACTORY.size))) is None
    data = bytearray(factory.image(Factory(TYPE, SERIAL)))
    half = layout.FACTORY.size // 2
    data[20] ^= 1
    survivor = factory.load(manufactured(bytes(data)))
    assert survivor is not None and survivor.serial_number == SERIAL
    data[half + 20] ^= 1
    assert factory.load(manufactured(bytes(data))) is None


@pytest.mark.parametrize("text", [TYPE, "ZMG410AR1.000b.00", "ZMG405CR4.041b.37S2", "ZMG410CR3.4407.42"])
def test_type_designations_of_the_data_sheet_are_accepted(text: str) -> None:
    assert Factory(text, SERIAL).type_designation == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ZMG405CR4.260b.4",
        "ZMG405CR4.260b.435",
        "ZMG405CR4.260b.43S3",
        "ZMD405CR4.260b.43",
        "ZMG415CR4.260b.43",
        "ZMG405XR4.260b.43",
        "ZMG405CRx.260b.43",
        "ZMG405CR4,260b.43",
        "ZMG405CR4.26Ob.43",
        "ZMG405CR4.260B.43",
        "ZMG405CR4.260b-43",
        "zmg405cr4.260b.43",
        "ZMG405CR4.260(.43",
        "ZMG405CR4.000b.43",  # an interface this meter has no place for
    ],
)
def test_other_texts_are_refused_as_type(text: str) -> None:
    with pytest.raises(ValueError):
        Factory(text, SERIAL)


def test_factory_data_tells_what_the_type_has() -> None:
    data = factory.load(manufactured(factory.image(Factory("ZMG410AR1.000b.00", SERIAL))))
    assert data is not None
    assert not data.type_code.has_reactive and data.type_code.text == data.type_designation


@pytest.mark.parametrize("serial", ["", "1234567", "123456789", "1234567a", "12345 78", "-1234567"])
def test_a_serial_number_has_eight_digits(serial: str) -> None:
    with pytest.raises(ValueError):
        Factory(TYPE, serial)


@pytest.mark.parametrize("constants", [(0, 1), (1, 0), (-5, 1)])
def test_full_scales_are_positive(constants: tuple[int, int]) -> None:
    with pytest.raises(ValueError):
        Factory(TYPE, SERIAL, *constants)


def test_identification_has_the_form_of_a_real_meters() -> None:
    # /LGZ5\2ZMG405000b.P07 was read from a ZMG405 with I/O board 000 and additional functions b
    assert factory.identification("ZMG405CR4.000b.00", "P07") == "ZMG405000b.P07"
    assert factory.identification(TYPE, "P01") == "ZMG405260b.P01"
    assert factory.identification("ZMG410AR2.0207.02S2", "P06") == "ZMG4100207.P06"


@pytest.mark.parametrize("version", ["", "P01234", "P/1", "P!1", "P1\r", "P 1"])
def test_a_version_that_would_break_the_identification_is_refused(version: str) -> None:
    with pytest.raises(ValueError):
        factory.identification(TYPE, version)
