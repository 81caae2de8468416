"""The flash driver against the chip model over the bus."""

from __future__ import annotations

import micropython_names
import pytest

from boards.virtual import wiring
from drivers.nor_flash import W25Q128
from host_tests.wires import DirectPin, DirectSPI, Wires
from tools.bench import Bench
from tools.bench.nor_flash import NorFlash


class Rig:
    def __init__(self) -> None:
        self.chip = NorFlash()
        self.wires = Wires(self.chip)
        self.chip.power(True, 0)
        self.cs = DirectPin.chip_select(self.chip, self.wires)
        self.driver = self.start()

    def start(self) -> W25Q128:
        """The firmware's next life."""
        return W25Q128(DirectSPI(self.chip, self.wires), self.cs)

    def wait(self) -> float:
        """Let the chip finish; how many ms it took."""
        begin = self.wires.t_ns
        while self.driver.busy():
            self.wires.run(0.0001)
        return (self.wires.t_ns - begin) / 1e6

    def program(self, address: int, data: bytes) -> None:
        self.driver.program(address, data)
        self.wait()

    def read(self, address: int, size: int) -> bytes:
        back = bytearray(size)
        self.driver.read_into(address, back)
        return bytes(back)


@pytest.fixture
def rig() -> Rig:
    rig = Rig()
    micropython_names.follow(rig.wires)
    return rig


def test_what_is_programmed_is_read_back_until_it_is_erased(rig: Rig) -> None:
    data = bytes(range(256))
    rig.program(0xABC100, data)
    assert rig.read(0xABC0FF, 258) == b"\xff" + data + b"\xff"
    rig.driver.start_erase(0xABC)
    rig.wait()
    assert rig.read(0xABC100, 256) == b"\xff" * 256


def test_erase_and_program_return_at_once_and_busy_says_how_long_they_go_on(rig: Rig) -> None:
    begin = rig.wires.t_ns
    rig.driver.start_erase(7)
    assert rig.wires.t_ns - begin < 100_000
    assert 44 < rig.wait() < 46
    begin = rig.wires.t_ns
    rig.driver.program(7 * 4096, bytes(256))
    assert rig.wires.t_ns - begin < 300_000
    assert 0.6 < rig.wait() < 0.9


def test_a_read_does_not_wait_for_an_erase_which_still_ends(rig: Rig) -> None:
    rig.program(0x1000, b"kept")
    rig.program(0x9000, b"goes")
    rig.driver.start_erase(9)
    for _ in range(5):
        rig.wires.run(0.004)
        begin = rig.wires.t_ns
        assert rig.read(0x1000, 4) == b"kept"
        assert rig.wires.t_ns - begin < 300_000
        assert rig.driver.busy()
    rig.wait()
    assert rig.read(0x9000, 4) == b"\xff" * 4 and rig.read(0x1000, 4) == b"kept"


def test_a_read_at_the_very_end_of_an_erase_is_right_too(rig: Rig) -> None:
    rig.program(0x1000, b"kept")
    for until_end_us in range(0, 60, 3):
        rig.driver.start_erase(9)
        rig.wires.run(0.045 - until_end_us / 1e6)
        assert rig.read(0x1000, 4) == b"kept"
        rig.wait()


def test_places_that_do_not_exist_and_crossed_pages_are_refused(rig: Rig) -> None:
    for address, size in ((0xFFFFFF, 2), (-1, 1), (0x1000000, 1), (0x10FF, 2), (0, 257), (0, 0)):
        with pytest.raises(ValueError):
            rig.driver.program(address, bytes(size))
    for address, size in ((0xFFFFFF, 2), (-1, 1), (0x1000000, 1)):
        with pytest.raises(ValueError):
            rig.driver.read_into(address, bytearray(size))
    for sector in (-1, 4096):
        with pytest.raises(ValueError):
            rig.driver.start_erase(sector)
    assert rig.chip.content == {}
    rig.program(0xFFFFFF, b"\x55")
    assert rig.chip.peek(0xFFFFFF, 1) == b"\x55"
    assert rig.driver.sectors * rig.driver.sector_size == 0x1000000


@pytest.mark.parametrize("identity", ["EF4018", "EF7018"])
def test_known_chips_are_accepted(rig: Rig, identity: str) -> None:
    rig.chip.faults.device_id = bytes.fromhex(identity)
    rig.driver.check_id()


@pytest.mark.parametrize("identity", ["EF4017", "C22018", "000000"])
def test_another_chip_is_an_error_that_names_what_was_read(rig: Rig, identity: str) -> None:
    rig.chip.faults.device_id = bytes.fromhex(identity)
    with pytest.raises(OSError, match=identity):
        rig.driver.check_id()


def test_no_chip_is_known_at_once(rig: Rig) -> None:
    rig.chip.faults.dead = True
    begin = rig.wires.t_ns
    with pytest.raises(OSError, match="FFFFFF"):
        rig.driver.check_id()
    assert rig.wires.t_ns - begin < 1_000_000


@pytest.mark.parametrize("level", [0x00, 0xFF])
def test_a_stuck_bus_refuses_to_write(rig: Rig, level: int) -> None:
    rig.chip.faults.stuck_miso = level
    with pytest.raises(OSError, match="not writable"):
        rig.driver.program(0, b"x")
    with pytest.raises(OSError, match="not writable"):
        rig.driver.start_erase(0)
    assert rig.chip.content == {} and rig.cs.value() == 1


def test_a_protected_chip_and_one_that_does_not_let_itself_be_written_are_errors(rig: Rig) -> None:
    rig.driver._command(0x06, None)
    rig.cs(0)
    rig.chip.exchange(b"\x01\x1c", rig.wires.t_ns)
    rig.cs(1)
    with pytest.raises(OSError, match="status 1E"):
        rig.driver.start_erase(0)
    rig.chip.faults.not_writable = True
    with pytest.raises(OSError, match="status 1"):
        rig.driver.program(0, b"x")


def test_a_busy_chip_takes_nothing_new(rig: Rig) -> None:
    rig.program(0x5000, b"kept")
    rig.driver.start_erase(1)
    with pytest.raises(OSError, match="not writable"):
        rig.driver.start_erase(5)
    with pytest.raises(OSError, match="not writable"):
        rig.driver.program(0x6000, b"x")
    rig.wait()
    assert rig.read(0x5000, 4) == b"kept" and rig.chip.erases == {1: 1}


def test_a_chip_that_stays_busy_is_an_error_after_a_second_and_not_before_its_longest_time(rig: Rig) -> None:
    rig.chip.faults.stuck_busy = True
    rig.driver.start_erase(0)
    rig.wires.run(0.4)
    assert rig.driver.busy()
    rig.wires.run(0.7)
    with pytest.raises(OSError, match="busy for more than 1000 ms"):
        rig.driver.busy()


def test_a_restart_in_mid_erase_waits_for_its_end(rig: Rig) -> None:
    rig.chip.erase_ns = 400_000_000
    rig.driver.start_erase(0)
    rig.wires.run(0.1)
    begin = rig.wires.t_ns
    rig.driver = rig.start()
    rig.driver.check_id()
    assert 299e6 < rig.wires.t_ns - begin < 302e6
    rig.program(0, b"x")


def test_a_restart_with_a_suspended_erase_resumes_it(rig: Rig) -> None:
    rig.driver.start_erase(0)
    rig.wires.run(0.01)
    rig.driver._suspend()
    rig.driver = rig.start()
    rig.driver.check_id()
    rig.program(0, b"x")
    assert rig.read(0, 1) == b"x"


def test_select_is_released_when_the_bus_fails(rig: Rig) -> None:
    def fail() -> None:
        raise KeyboardInterrupt

    rig.driver.program(0, b"abcdef")
    rig.chip.cut_in_erase(1e-5, fail)
    rig.wait()
    with pytest.raises(KeyboardInterrupt):
        rig.driver.start_erase(0)
        rig.driver.busy()
    assert rig.cs.value() == 1


def test_the_bench_has_the_chip_on_the_frams_bus_with_a_select_of_its_own() -> None:
    bench = Bench()
    bench.fram.power(True, 0)
    bench.flash.power(True, 0)
    bus, outputs = bench.mcu.spi[wiring.SPI_FRAM], bench.mcu.gpio.outputs
    answers = []
    for pin in (wiring.FRAM_CS, wiring.FLASH_CS):
        outputs[pin](0, 0)
        answers.append(bus.exchange(b"\x9f\0\0\0", 0)[1:])
        outputs[pin](1, 0)
    assert answers == [b"\x04\x7f\x48", b"\xef\x40\x18"]
    bench.inject("flash", device_id=b"\xef\x40\x17")
    assert bench.flash.faults.device_id == b"\xef\x40\x17"
