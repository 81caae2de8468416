"""The firmware's kernels, each described once: what a typical call is, and how often a running meter makes it.

Typical: 230 V and 5 A in three phases at 50 Hz, the chip's pages taken two at a time, 250 blocks of 32 sets a second.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from math import pi, sin
from typing import Any

from tools.emulator.host import firmware_module
from tools.emulator.target import source_of

SETS_PER_SECOND = 8000
BLOCK = 32  # sets
BLOCKS = SETS_PER_SECOND // BLOCK  # a second
CYCLES = 50  # a second
WINDOWS = 5  # a second

METROLOGY = "meter.metrology.kernels"
CRC = "drivers.ade9000_crc"
COMMS = "meter.comms.comms_kernels"
SAMPLE_PATH = (CRC, METROLOGY)  # what runs with the samples; the others, with the traffic on the lines
GHASH = "meter.comms.dlms.ghash"
APDU = 256  # bytes of a typical ciphered APDU
# A module whose name ends thus holds some of the functions of the one without, in Cortex-M33 assembler.
ASSEMBLER_SUFFIX = "_m33"


@dataclass(frozen=True)
class Kernel:
    """One kernel. `arguments()` are new ones of a typical call each time; `calls` of that size happen in a second.

    `calls` is 0 if samples have nothing to do with it: it is called when somebody reads the meter.

    `loop` is False if it does not go through samples: a call then costs what the passing of arguments costs, and C,
    which passes them for nothing, is no measure. `scratch`: a buffer, and the part of it that means nothing after.
    """

    module: str
    name: str
    calls: int
    arguments: Callable[[], list[Any]]
    loop: bool = True
    returns: bool = True
    scratch: Callable[[list[Any]], tuple[array[int], slice]] | None = None

    def outcome(self, function: Callable[..., Any], arguments: list[Any]) -> list[Any]:
        """The result of a call, and the arguments as it leaves them; they are copied before."""
        own = [copy(argument) for argument in arguments]
        value = function(*own)
        result = [value if self.returns else None, *own]
        if self.scratch is not None:
            buffer, part = self.scratch(own)
            buffer[part] = array(buffer.typecode, [0] * len(buffer[part]))
        return result

    @property
    def key(self) -> str:
        return f"{self.module}.{self.name}"

    @property
    def in_assembler(self) -> bool:
        """Whether there is a version in Cortex-M33 assembler, too."""
        source = source_of(self.module + ASSEMBLER_SUFFIX)
        return source.exists() and f"def {self.name}(" in source.read_text()


def page(sets: int = BLOCK, u: float = 37e6, i: float = 5e6) -> bytes:
    """`sets` sets of a three-phase system with these peak codes, as the chip sends them; a little noise."""
    noise = random.Random(1)
    data = bytearray()
    for n in range(sets):
        for phase in range(3):
            angle = 2 * pi * (n / 160 - phase / 3)
            for peak, lag in ((i, 0.5), (u, 0.0)):
                data += int(peak * sin(angle - lag) + noise.gauss(0, 200)).to_bytes(4, "big", signed=True)
        data += bytes(4)
    return bytes(data)


def _oscillator(step: int = 6_710_886) -> array[int]:
    return array("i", [123_456_789, step, BLOCK])


def _reference_samples() -> array[int]:
    turn = [2 * pi * n / 160 for n in range(BLOCK + 1)]
    return array("H", [32768 + round(32767 * sin(x)) for angle in turn for x in (angle + pi / 2, angle)])


def _reference() -> list[Any]:
    return [BLOCK, firmware_module(METROLOGY).sine_table(), _reference_samples(), _oscillator()]


def _correlate() -> list[Any]:
    words = firmware_module(METROLOGY).STATE_WORDS
    return [page(), _reference_samples(), BLOCK << 10 | 1 << 16 | 1 << 18, array("i", [11, 8] + [0] * (words - 2))]


def _rising() -> list[Any]:
    # L2's voltage falls through these sets: all are looked at, and none is a crossing
    return [page(), 3 << 10, BLOCK, array("i", [0, 6000])]


def _crc16() -> list[Any]:
    return [page(), firmware_module(CRC).make_table(), 0, len(page())]


def _crc_x25() -> list[Any]:
    # The information of a frame of the default length
    return [page()[:128], 0xF0B8, 0, 128]


def _ghash() -> list[Any]:
    h = random.Random(2).randbytes(16)
    return [firmware_module(GHASH).make_table(h), bytearray(16), random.Random(3).randbytes(APDU), APDU]


def _add_stream() -> list[Any]:
    return [bytearray(random.Random(3).randbytes(APDU)), random.Random(4).randbytes(APDU), APDU]


def _neutral() -> list[Any]:
    return [page(), BLOCK << 10, array("i", [8, 0, 0, 0])]


def _bins() -> array[int]:
    m = firmware_module(METROLOGY)
    return array("i", [m.ZERO] * (m.CHANNELS * m.BANK_WORDS))


def _fold() -> list[Any]:
    m = firmware_module(METROLOGY)
    cycles = CYCLES // WINDOWS
    grid = [0, m.ONE * SETS_PER_SECOND // (CYCLES * m.GRID), 1000, cycles * m.GRID] + [m.ZERO] * (2 * m.CHANNELS)
    return [page(), BLOCK << 10 | 7 << 16, _bins(), array("i", grid + [0] * (m.GRID_WORDS - len(grid)))]


def _dft() -> list[Any]:
    m = firmware_module(METROLOGY)
    bins = _bins()
    bins[: m.GRID] = array("i", [10 * (m.ZERO + int(140_000 * sin(2 * pi * n / m.GRID))) for n in range(m.GRID)])
    return [bins, m.sine_table(), 0, array("i", [0] * (2 * m.ORDERS * m.CHANNELS))]


def _points(arguments: list[Any]) -> tuple[array[int], slice]:
    """What `fold` notes for itself."""
    return arguments[3], slice(firmware_module(METROLOGY).POINTS, None)


def _bank(arguments: list[Any]) -> tuple[array[int], slice]:
    """The bank that `dft` has transformed."""
    return arguments[0], slice(arguments[2], arguments[2] + firmware_module(METROLOGY).GRID)


KERNELS = (
    Kernel(CRC, "crc16", BLOCKS, _crc16),
    Kernel(METROLOGY, "reference", BLOCKS + WINDOWS, _reference, returns=False),
    Kernel(METROLOGY, "correlate", 3 * BLOCKS, _correlate),
    Kernel(METROLOGY, "neutral", BLOCKS, _neutral),
    Kernel(METROLOGY, "fold", BLOCKS, _fold, scratch=_points),
    # on demand; here: all six channels once a second
    Kernel(METROLOGY, "dft", 6, _dft, scratch=_bank),
    # 60 of the 160 sets of a cycle: it is not asked for 100 sets after a crossing
    Kernel(METROLOGY, "rising", CYCLES * 60 // BLOCK, _rising),
    Kernel(METROLOGY, "copy_set", BLOCKS, lambda: [bytearray(28), page(), BLOCK - 1], loop=False, returns=False),
    Kernel(METROLOGY, "code", 2 * WINDOWS, lambda: [page(), 7 * BLOCK - 6], loop=False),
    # one line at 38400 Bd, full in one direction
    Kernel(COMMS, "crc_x25", 30, _crc_x25),
    Kernel(GHASH, "ghash", 0, _ghash, returns=False),
    Kernel(GHASH, "add_stream", 0, _add_stream, returns=False),
)
