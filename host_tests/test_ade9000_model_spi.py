"""ADE9000 model: SPI header, register windows, over-clocking, CRC and the LAST_* registers, against the data sheet."""

from __future__ import annotations

import pytest

from host_tests.ade9000_host import Host
from host_tests.wires import DirectPin, DirectSPI, Wires
from tools.bench.ade9000 import ADE9000
from tools.bench.ade9000 import registers as r
from tools.bench.ade9000.spi import crc16
from tools.bench.source import Source

# data sheet register tables, all resets that are not 0
RESETS = {
    0x409: 0xFFFFFF,
    0x40E: 0x00500000,
    0x40F: 0x45D45,
    0x411: 0x7FFFFF,
    0x412: 0x7FFFFF,
    0x413: 0x7FFFFF,
    0x414: 0xFFFFFF,
    0x418: 0x00A00000,
    0x419: 0x00A00000,
    0x41A: 0x00A00000,
    0x41B: 0x00A00000,
    0x41C: 0xFFFF,
    0x41D: 0xFFFF,
    0x41E: 0xFFFF,
    0x420: 0xFFFF,
    0x421: 0xFFFF,
    0x422: 0xFFFF,
    0x424: 0x1FFFFF,
    0x48B: 0xFFFF,
    0x48C: 0xFFFF,
    0x493: 0xF000,
    0x494: 0xFFFF,
    0x495: 0xFFFF,
    0x496: 0xFFFF,
    0x497: 0xFFFF,
    0x498: 0xFFFF,
    0x499: 0x0009,
    0x49A: 0x001E,
    0x49C: 0x00FF,
    0x4AF: 0x0C00,
    0x4B1: 0x00FF,
    0x4B2: 0x00FF,
    0x4FE: 0x00FE,
}
ZERO_AT_RESET = [0x000, 0x00B, 0x04E, 0x060, 0x071, 0x20C, 0x210, 0x266, 0x2E7, 0x391, 0x397, 0x400, 0x402, 0x405]
ZERO_AT_RESET += [0x406, 0x410, 0x41F, 0x425, 0x480, 0x481, 0x482, 0x490, 0x491, 0x492, 0x49D, 0x4A0, 0x4A3, 0x4B0]
ZERO_AT_RESET += [0x4B5, 0x4B9, 0x4BA, 0x4BF, 0x4E0]


@pytest.mark.parametrize(
    ("data", "crc"),
    [("0080", 0x8C87), ("FFFFFFFF", 0x1D0F), ("00FE", 0x13DE), ("00000000", 0x84C0)],
)
def test_crc_of_the_published_vectors(data: str, crc: int) -> None:
    assert crc16(bytes.fromhex(data)) == crc


def test_headers_of_the_data_sheet_address_the_registers() -> None:
    """Read 0x20C is 0x20C8, write 0x00B is 0x00B0."""
    host = Host()
    host.spi(bytes.fromhex("00B0 01234567"))
    assert host.spi(bytes.fromhex("00B8"), 4).hex() == "01234567"
    host.spi(bytes.fromhex("20C8"), 4)
    assert host.read(r.LAST_CMD) == 0x20C8


def test_registers_have_the_data_sheet_reset_values() -> None:
    host = Host()
    assert {hex(a): hex(host.read(a)) for a in RESETS} == {hex(a): hex(v) for a, v in RESETS.items()}
    assert [hex(a) for a in ZERO_AT_RESET if host.read(a)] == []


def test_identity_registers_answer_as_the_part() -> None:
    host = Host()
    assert host.read(0x472) >> 20 & 1 == 1
    assert host.read(0x4FE) & 0xFFC0 == 0x00C0
    assert host.read(0x26A) == 0
    host.write(r.RUN, 1)
    assert host.read(0x26A) == 0x0C


@pytest.mark.parametrize(("address", "width"), [(0x47F, 4), (0x480, 2), (0x4FE, 2), (0x4FF, 4), (0x20C, 4), (0x402, 4)])
def test_data_are_followed_by_their_crc_at_the_window_s_width(address: int, width: int) -> None:
    host = Host()
    answer = host.raw(address, width + 2)
    assert crc16(answer[:width]) == int.from_bytes(answer[width:], "big")


def test_crc_of_the_version_is_the_published_one() -> None:
    host = Host()
    assert host.raw(0x4FE, 4).hex() == "00fe13de"
    assert host.read(r.CRC_SPI) == 0x13DE


def test_a_read_in_pieces_is_the_same_as_in_one() -> None:
    host = Host()
    whole = host.raw(0x40F, 6)
    chip = host.chip
    chip.select(chip.now)
    pieces = b"".join(chip.exchange(bytes([b]), chip.now) for b in bytes.fromhex("40F8") + bytes(6))
    chip.deselect(chip.now)
    assert pieces[2:] == whole


def test_an_incomplete_write_changes_nothing() -> None:
    host = Host()
    host.spi(bytes.fromhex("00B0 012345"))
    host.spi(bytes.fromhex("4950 12"))
    assert (host.read(0x00B), host.read(0x495)) == (0, 0xFFFF)


def test_bytes_after_a_complete_write_are_ignored() -> None:
    host = Host()
    host.spi(bytes.fromhex("4950 1234 5678 9ABC"))
    assert (host.read(0x495), host.read(0x496)) == (0x1234, 0xFFFF)


def test_read_only_and_reserved_addresses_ignore_writes_and_reserved_ones_read_zero() -> None:
    host = Host()
    for address in (0x20C, 0x2E7, 0x4FE, 0x472, 0x418, 0x482):
        before = host.read(address)
        host.write(address, 0x1111)
        assert host.read(address) == before
    for address in (0x0A0, 0x1FF, 0x3F0, 0x430, 0x4C5, 0x550, 0x700):
        host.write(address, 0x1111)
        assert host.read(address) == 0


def test_burst_enable_repeats_plain_registers() -> None:
    host = Host()
    host.write(r.CONFIG1, 1 << 11)
    assert host.raw(0x40F, 12).hex() == "00045d45" * 3
    assert host.raw(0x4FE, 6).hex() == "00fe" * 3


def test_burst_enable_runs_through_the_result_windows() -> None:
    host = Host()
    host.source.set(u=(230, 231, 232), i=(1, 2, 3), phi=(0, 40, 80))
    host.start()
    host.run(2)
    host.write(r.CONFIG1, 1 << 11)
    burst = host.raw(0x600, 61 * 4)
    values = {0x600 + n: int.from_bytes(burst[4 * n : 4 * n + 4], "big") for n in range(61)}
    one_by_one = {"20B": 0x600, "25A": 0x634, "20C": 0x607, "24D": 0x60C, "266": 0x60D, "230": 0x60F, "254": 0x619}
    one_by_one |= {"24F": 0x62E, "219": 0x62F, "23B": 0x637, "268": 0x63C, "252": 0x613, "211": 0x614, "265": 0x603}
    for real, window in one_by_one.items():
        assert values[window] == host.read(int(real, 16)), real
    by_phase = host.raw(0x680, 61 * 4)
    second = {0x680 + n: int.from_bytes(by_phase[4 * n : 4 * n + 4], "big") for n in range(61)}
    by_phase_map = {"20B": 0x680, "20A": 0x681, "20C": 0x682, "210": 0x684, "230": 0x697, "250": 0x6AA, "268": 0x6BC}
    for real, window in by_phase_map.items():
        assert second[window] == host.read(int(real, 16)), real


def test_a_burst_past_the_window_s_end_goes_on_where_it_began() -> None:
    host = Host()
    host.source.set(i=5)
    host.start()
    host.run(1.5)
    host.write(r.CONFIG1, 1 << 11)
    burst = host.raw(0x63A, 5 * 4)
    words = [burst[4 * n : 4 * n + 4] for n in range(5)]
    assert words[3:] == words[:2]
    assert words[0] != words[2]


def test_reserved_holes_read_zero_inside_a_burst() -> None:
    host = Host()
    host.source.set(i=5)
    host.start()
    host.run(1.003)
    host.write(r.CONFIG1, 1 << 11)
    burst = host.raw(0x500, 23 * 4)
    words = [int.from_bytes(burst[4 * n : 4 * n + 4], "big") for n in range(23)]
    assert words[7:16] == [0] * 9
    assert all(words[n] for n in (0, 1, 16, 17))


def test_crc_spi_covers_all_data_of_a_register_burst() -> None:
    host = Host()
    host.source.set(i=5)
    host.start()
    host.run(1)
    host.write(r.CONFIG1, 1 << 11)
    data = host.raw(0x607, 40)
    assert host.read(r.CRC_SPI) == crc16(data)


def test_last_registers_hold_the_last_command_and_data() -> None:
    host = Host()
    host.write(0x00B, 0x01020304)
    assert (host.read(r.LAST_CMD), host.read(r.LAST_DATA_32)) == (0x00B0, 0x01020304)
    host.read(0x4FE)
    assert host.read(r.LAST_CMD) == 0x4FE8
    assert host.read(r.LAST_DATA_16) == 0x00FE
    assert host.read(r.LAST_DATA_32) == 0x01020304
    assert host.read(r.LAST_CMD) == 0x4FE8, "reading the LAST registers does not change them"


def test_dont_care_bits_of_a_header_read_back_as_zero() -> None:
    host = Host()
    host.spi(bytes.fromhex("4FEF"), 2)
    assert host.read(r.LAST_CMD) == 0x4FE8


def test_last_data_is_not_changed_by_bursts() -> None:
    host = Host()
    host.write(0x00B, 0x01020304)
    host.write(r.CONFIG1, 1 << 11)
    host.raw(0x600, 16)
    assert host.read(r.LAST_DATA_32) == 0x01020304


def test_lock_refuses_writes_until_unlocked() -> None:
    host = Host()
    host.write(r.WR_LOCK, 0x3C64)
    assert host.read(r.WR_LOCK) == 1
    for address in (0x000, 0x073, 0x405, 0x494):
        before = host.read(address)
        host.write(address, 0x55)
        assert host.read(address) == before
    host.write(r.WR_LOCK, 0x1234)
    assert host.read(r.WR_LOCK) == 1
    host.write(r.WR_LOCK, 0x4AD1)
    host.write(0x000, 0x55)
    assert (host.read(r.WR_LOCK), host.read(0x000)) == (0, 0x55)


def test_miso_is_pulled_up_without_select() -> None:
    host = Host()
    assert host.chip.exchange(bytes(4), host.chip.now) == b"\xff" * 4


def test_machine_spi_reaches_the_registers_through_direct_wires() -> None:
    chip = ADE9000(Source(1))
    wires = Wires(chip)
    chip.power(True, 0)
    spi, select = DirectSPI(chip, wires), DirectPin.chip_select(chip, wires)
    wires.run(0.05)
    select.off()
    spi.write(bytes.fromhex("4FE8"))
    answer = bytearray(4)
    spi.readinto(answer)
    select.on()
    assert answer.hex() == "00fe13de"
    select.off()
    both = bytearray(6)
    spi.write_readinto(bytes.fromhex("40F8") + bytes(4), both)
    select.on()
    assert both[2:].hex() == "00045d45"


def test_configuration_crc_takes_a_pass_and_notices_changes() -> None:
    host = Host()
    host.write(r.CRC_FORCE, 1)
    host.run(0.0107)
    assert host.read(r.STATUS1) >> 27 & 1 == 0
    host.run(0.0002)
    assert host.read(r.STATUS1) >> 27 & 1 == 1
    first = host.read(r.CRC_RSLT)
    host.write(r.STATUS1, 1 << 27)
    host.write(r.MASK0, 1)
    host.run(0.02)
    assert host.read(r.STATUS1) >> 26 & 1 == 0, "MASK0 is covered only by CRC_OPTEN bit 0"
    host.write(0x00B, 1)
    host.run(0.011)
    assert host.read(r.STATUS1) >> 26 & 1 == 1
    host.write(0x00B, 0)
    host.write(r.CRC_FORCE, 1)
    host.run(0.011)
    assert host.read(r.CRC_RSLT) == first
    assert Host(seed=2).chip.core.crc._value() != first, "factory registers differ from chip to chip"
