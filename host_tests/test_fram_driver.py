"""The FRAM driver against the chip model over the bus."""

from __future__ import annotations

import pytest

from drivers.fram import Fram
from host_tests.wires import DirectPin, DirectSPI, Wires
from tools.bench.fram import FRAM


class Rig:
    def __init__(self) -> None:
        self.chip = FRAM()
        self.wires = Wires(self.chip)
        self.chip.power(True, 0)
        self.cs = DirectPin.chip_select(self.chip, self.wires)
        self.driver = Fram(DirectSPI(self.chip, self.wires), self.cs)


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_written_bytes_are_read_back_and_nothing_else_changes(rig: Rig) -> None:
    data = bytes(range(256)) * 3
    rig.driver.write(0x2FF80, data)
    back = bytearray(len(data))
    rig.driver.read_into(0x2FF80, back)
    assert back == data
    assert rig.chip.image == bytes(0x2FF80) + data + bytes(0x40000 - 0x2FF80 - len(data))
    assert rig.chip.writes == 1


def test_the_last_byte_can_be_used_and_the_one_behind_it_not(rig: Rig) -> None:
    rig.driver.write(rig.driver.size - 1, b"\x99")
    assert rig.chip.peek(0x3FFFF, 1) == b"\x99"
    for address, size in ((0x3FFFF, 2), (-1, 1), (0x40000, 1)):
        with pytest.raises(ValueError):
            rig.driver.write(address, bytes(size))
        with pytest.raises(ValueError):
            rig.driver.read_into(address, bytearray(size))
    assert rig.chip.bytes_written == 1


@pytest.mark.parametrize("identity", ["047F4803", "047F2803", "7F7F7F7F7F7FC22508"])
def test_known_chips_are_accepted(rig: Rig, identity: str) -> None:
    rig.chip.faults.device_id = bytes.fromhex(identity)
    rig.driver.check_id()


@pytest.mark.parametrize("identity", ["047F4703", "7F7F7F7F7F7FC22400", "00000000", "FFFFFFFF"])
def test_another_chip_or_none_is_an_error_that_names_what_was_read(rig: Rig, identity: str) -> None:
    rig.chip.faults.device_id = bytes.fromhex(identity)
    with pytest.raises(OSError, match=identity[:8]):
        rig.driver.check_id()


@pytest.mark.parametrize("level", [0x00, 0xFF])
def test_a_stuck_bus_refuses_to_write_instead_of_losing_data_silently(rig: Rig, level: int) -> None:
    rig.chip.faults.stuck_miso = level
    with pytest.raises(OSError, match="not writable"):
        rig.driver.write(0, b"x")
    with pytest.raises(OSError, match="identity"):
        rig.driver.check_id()
    assert rig.chip.bytes_written == 0
    assert rig.cs.value() == 1


def test_a_protected_chip_refuses_to_write(rig: Rig) -> None:
    rig.driver._command(0x06, None)
    rig.cs(0)
    rig.chip.exchange(b"\x01\x0c", 0)
    rig.cs(1)
    with pytest.raises(OSError, match="status 0E"):
        rig.driver.write(0, b"x")


def test_select_is_released_when_the_bus_fails(rig: Rig) -> None:
    def fail() -> None:
        raise KeyboardInterrupt

    rig.chip.cut_after(3, fail)
    with pytest.raises(KeyboardInterrupt):
        rig.driver.write(0, b"abcdef")
    assert rig.cs.value() == 1
    assert rig.chip.peek(0, 6) == b"abc\x00\x00\x00"
