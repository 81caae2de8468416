"""The port expander's driver against its model, and the model against the Microchip data sheet."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

import micropython_names
import pytest

from drivers.mcp23017 import MCP23017
from host_tests.wires import DirectI2C, Wires
from tools.bench.mcp23017 import MCP23017 as Chip
from tools.bench.process import find_micropython
from tools.mpycross import FIRMWARE


class Rig:
    """Outputs on GPA0 and GPA7, inputs on GPB0 (inverted) and GPB3."""

    def __init__(self) -> None:
        self.chip = Chip()
        self.wires = Wires(self.chip)
        self.chip.power(True, 0)
        self.i2c = DirectI2C({0x20: self.chip}, self.wires)
        micropython_names.follow(self.wires)
        self.restart()

    def restart(self) -> None:
        """The firmware starts; the chip stays as it is."""
        driver = MCP23017(self.i2c)
        self.out = driver.output(0), driver.output(7)
        self.field, self.control = driver.input(8, 0, True), driver.input(11, 1)
        driver.start()

    def levels(self) -> list[int]:
        return [self.chip.lines[0].level, self.chip.lines[7].level]

    def read(self) -> tuple[int, int]:
        self.wires.run(0.1)
        return self.field.value(), self.control.value()


@pytest.fixture
def rig() -> Iterator[Rig]:
    yield Rig()
    micropython_names.follow(None)


# --- the model ------------------------------------------------------------------------------------------------------


def powered() -> Chip:
    chip = Chip()
    chip.power(True, 0)
    return chip


def test_registers_after_power_on_are_the_data_sheets() -> None:
    """Table 3-5: IODIRA and IODIRB are FFh, all others zero; the pointer runs from 15h to 0."""
    chip = powered()
    assert chip.i2c_write(b"\0", 0) == 2
    assert chip.i2c_read(24, 0) == b"\xff\xff" + bytes(20) + b"\xff\xff"


def test_writing_the_port_sets_the_latch_and_reading_it_tells_the_pins() -> None:
    chip = powered()
    chip.i2c_write(bytes((0x00, 0x0F)), 0)
    chip.i2c_write(bytes((0x12, 0xA5)), 0)
    chip.outside[0], chip.outside[1] = 0, 1
    chip.i2c_write(b"\x12", 0)
    assert chip.i2c_read(3, 0) == bytes((0xA2, 0x00, 0xA5))
    assert [line.level for line in chip.lines[:8]] == [0, 0, 0, 0, 0, 1, 0, 1]


def test_the_other_order_of_registers_has_port_b_from_10h_on() -> None:
    chip = powered()
    chip.i2c_write(bytes((0x0A, 0x80)), 0)
    chip.i2c_write(bytes((0x16, 0x33)), 0)  # GPPUB
    chip.i2c_write(b"\x00", 0)
    found = chip.i2c_read(0x1B, 0)
    assert (found[0x00], found[0x05], found[0x10], found[0x15], found[0x16]) == (0xFF, 0x80, 0xFF, 0x80, 0x33)
    chip.i2c_write(bytes((0x05, 0x00)), 0)
    chip.i2c_write(b"\x0c", 0)
    assert chip.i2c_read(2, 0) == bytes((0x00, 0x33))


def test_interrupt_flags_cannot_be_written_and_a_chip_without_supply_is_silent() -> None:
    chip = powered()
    chip.i2c_write(bytes((0x0E, 1, 2, 3, 4)), 0)
    chip.i2c_write(b"\x0e", 0)
    assert chip.i2c_read(4, 0) == bytes(4)
    chip.power(False, 0)
    assert chip.i2c_write(b"\0", 0) == 0 and chip.i2c_read(1, 0) == b""


# --- the driver -----------------------------------------------------------------------------------------------------


def test_outputs_are_low_until_they_are_set_and_read_as_set(rig: Rig) -> None:
    edges: list[Any] = []
    for line in rig.chip.lines:
        line.listeners.append(lambda line, level, _t: edges.append((line.name, level)))
    rig.restart()
    assert edges == []
    rig.out[1].value(1)
    assert (rig.levels(), rig.out[0].value(), rig.out[1].value()) == ([0, 1], 0, 1)
    rig.out[0].value(1)
    rig.out[1].value(0)
    assert edges == [("GPA7", 1), ("GPA0", 1), ("GPA7", 0)]


def test_inputs_are_pulled_up_and_inverted_as_asked(rig: Rig) -> None:
    assert rig.read() == (0, 1)  # open
    rig.chip.outside[8] = rig.chip.outside[11] = 0
    assert rig.read() == (1, 0)
    rig.chip.outside[8] = rig.chip.outside[11] = 1
    assert rig.read() == (0, 1)


def test_one_reading_serves_all_inputs_of_a_moment(rig: Rig) -> None:
    rig.read()
    before = rig.wires.t_ns
    rig.field.value()
    rig.control.value()
    assert rig.wires.t_ns == before
    rig.wires.run(0.02)
    rig.chip.outside[11] = 0
    assert rig.control.value() == 0


def test_after_a_dip_of_its_supply_the_next_look_or_change_sets_all_right(rig: Rig) -> None:
    rig.out[0].value(1)
    rig.chip.brown_out(rig.wires.t_ns)
    assert rig.levels() == [0, 0]
    rig.chip.outside[8] = 0
    assert rig.read() == (1, 1) and rig.levels() == [1, 0]
    rig.chip.brown_out(rig.wires.t_ns)
    rig.out[1].value(1)
    assert rig.levels() == [1, 1]


@pytest.mark.parametrize("register", [*range(14), 20, 21])
def test_any_disturbed_register_is_put_right_at_the_next_look(rig: Rig, register: int) -> None:
    rig.out[0].value(1)
    rig.chip.i2c_write(b"\0", rig.wires.t_ns)
    before = rig.chip.i2c_read(22, rig.wires.t_ns)
    for byte in (0x00, 0xFF, 0x55, 0x80, 0x20):
        rig.chip.i2c_write(bytes((register, byte)), rig.wires.t_ns)
        assert rig.read() == (0, 1)
        assert rig.levels() == [1, 0]
        rig.chip.i2c_write(b"\0", rig.wires.t_ns)
        assert rig.chip.i2c_read(22, rig.wires.t_ns) == before


def test_a_chip_that_is_not_there_reads_as_nothing_and_says_so_when_it_is_to_switch(rig: Rig) -> None:
    rig.chip.faults.absent = True
    rig.restart()
    assert rig.read() == (0, 1)
    with pytest.raises(OSError, match="19"):
        rig.out[0].value(1)
    assert rig.out[0].value() == 0
    rig.chip.faults.absent = False
    rig.chip.outside[8] = 0
    assert rig.read() == (1, 1) and rig.levels() == [0, 0]


@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_change_that_is_cut_off_is_told_and_can_be_made_again(rig: Rig, after: int) -> None:
    rig.chip.faults.break_after = after
    with pytest.raises(OSError, match="5"):
        rig.out[1].value(1)
    assert rig.out[1].value() == 0
    rig.out[1].value(1)
    assert rig.levels() == [0, 1]


def test_a_new_start_of_the_firmware_opens_what_the_chip_has_kept_closed(rig: Rig) -> None:
    rig.out[0].value(1)
    assert rig.levels() == [1, 0]
    rig.restart()
    assert rig.levels() == [0, 0]


def test_a_bus_without_acknowledge_check_is_noticed_by_its_count(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rig.i2c, "writeto", lambda _address, _data: 1)
    with pytest.raises(OSError, match="5"):
        rig.out[0].value(1)


SCRIPT = """
import sys
sys.path.insert(0, %r)
from drivers.mcp23017 import MCP23017

class Bus:  # a chip without pins: what is written is what is read
    def __init__(self):
        self.registers = bytearray(22)

    def writeto(self, _address, data):
        self.registers[data[0] : data[0] + len(data) - 1] = data[1:]
        return len(data)

    def readfrom_mem_into(self, _address, first, into):
        into[:] = self.registers[first : first + len(into)]

bus = Bus()
chip = MCP23017(bus)
out, pulled = chip.output(9), chip.input(3, 1, True)
chip.start()
out.value(1)
bus.registers[0] = 0
print(pulled.value(), out.value(), bytes(bus.registers))
"""


def test_micropython_leaves_the_same_registers() -> None:
    done = subprocess.run(
        [find_micropython(), "-c", SCRIPT % str(FIRMWARE)], capture_output=True, text=True, timeout=60
    )
    expected = bytes((0xFF, 0xFD, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 2))
    assert done.stdout == f"0 1 {expected!r}\n", done.stderr
