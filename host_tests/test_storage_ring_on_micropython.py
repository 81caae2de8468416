"""Rings under MicroPython, and on a board's file system in the place of a flash chip, checked by CPython."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from host_tests.ring_bench import payload_of
from host_tests.test_storage_on_micropython import Image
from meter.storage.file_flash import FileFlash
from meter.storage.layout import Area
from meter.storage.ring import Ring

STAGE, INDEX = Area("stage", 0, 0x2000), Area("index", 0x2000, 0x60)
SECTORS = (5, 6)
SIZE = 1000

RING = """
import struct
from meter.storage.file_flash import FileFlash
from meter.storage.layout import Area
from meter.storage.ring import Ring
def payload_of(n, size, life=0): return (struct.pack('<HH', n, life) * (size // 4 + 1))[:size]
m = Memory()
flash = FileFlash({folder!r}, 20)
flash.check_id()
ring = Ring(m, flash, Area('stage', 0, 0x2000), Area('index', 0x2000, 0x60), {sectors!r}, {size})
"""


@pytest.fixture
def image(tmp_path: Path) -> Image:
    image = Image(tmp_path / "fram.bin")
    image.path.write_bytes(bytes(INDEX.end))
    return image


@pytest.fixture
def flash(tmp_path: Path) -> FileFlash:
    flash = FileFlash(str(tmp_path / "flash"), 20)
    flash.check_id()
    flash.check_id()  # that the folder is there already is no error
    return flash


def test_a_ring_goes_on_in_the_other_interpreter(image: Image, flash: FileFlash) -> None:
    def ours(newest: int) -> Ring:
        ring = Ring(image, flash, STAGE, INDEX, SECTORS, SIZE)
        ring.restore(newest)
        return ring

    ring = ours(0)
    for n in range(1, 31):
        assert ring.append(1000 * n, payload_of(n, SIZE)) == n
        ring.commit()
        while ring.tend():
            pass
    theirs = image.run(
        RING.format(folder=flash._folder, sectors=SECTORS, size=SIZE) + "ring.restore(30)\n"
        "found = [(n, utc, payload == payload_of(n, 1000)) for n, utc, payload in ring.walk(1, 99)]\n"
        "spans = ring.spans(14000, 15000)\n"
        "for n in range(31, 64):\n"
        "    ring.append(1000 * n, payload_of(n, 1000))\n"
        "    ring.commit()\n"
        "    while n % 3 and ring.tend(): pass\n"
        "m.keep()\n"
        "print(json.dumps([found, spans, ring.oldest, ring.newest, ring.capacity]))"
    )
    assert theirs == [[[n, 1000 * n, True] for n in range(5, 31)], [[13, 16], [29, 30]], 37, 63, 24]
    ring = ours(63)
    assert list(ring.walk(1, 99)) == [(n, 1000 * n, payload_of(n, SIZE)) for n in range(37, 64)]
    assert sorted(int(path.name) for path in Path(flash._folder).iterdir()) == list(range(5, 11))


def test_any_history_is_kept_under_micropython_too(image: Image, flash: FileFlash) -> None:
    """A ring with small sectors and torn moves, against a plain list, in MicroPython alone."""
    wrong = image.run(
        "import random, struct\n"
        "from meter.storage.layout import Area\n"
        "from meter.storage.ring import Ring\n"
        "random.seed(3)\n"
        "class Flash:\n"
        "    sector_size, sectors = 128, 4\n"
        "    def __init__(self): self.content, self.left = bytearray(512), -1\n"
        "    def busy(self): return False\n"
        "    def read_into(self, address, buf): buf[:] = self.content[address : address + len(buf)]\n"
        "    def step(self):\n"
        "        self.left -= 1\n"
        "        if self.left == 0: raise RuntimeError\n"
        "    def start_erase(self, sector):\n"
        "        for n in range(128):\n"
        "            self.content[sector * 128 + n] = random.getrandbits(8)\n"
        "            self.step()\n"
        "        self.content[sector * 128 : sector * 128 + 128] = b'\\xff' * 128\n"
        "    def program(self, address, buf):\n"
        "        for n in range(len(buf)):\n"
        "            self.content[address + n] &= buf[n]\n"
        "            self.step()\n"
        "m, flash, kept, wrong = Memory(), Flash(), [], []\n"
        "def start():\n"
        "    global ring\n"
        "    flash.left = -1\n"
        "    ring = Ring(m, flash, Area('stage', 0, 256), Area('index', 256, 64), (0, 4), 20)\n"
        "    ring.restore(len(kept))\n"
        "start()\n"
        "for turn in range(150):\n"
        "    entry = (random.getrandbits(30), bytes([random.getrandbits(8)] * 20))\n"
        "    ring.append(*entry)\n"
        "    kept.append(entry)\n"
        "    ring.commit()\n"
        "    if random.getrandbits(2): flash.left = random.randrange(600)\n"
        "    try:\n"
        "        while ring.tend(): pass\n"
        "    except RuntimeError: start()\n"
        "    flash.left = -1\n"
        "    found = [(utc, payload) for _, utc, payload in ring.walk(1, 999)]\n"
        "    if found != kept[ring.oldest - 1:] or len(found) < min(16, len(kept)): wrong.append(turn)\n"
        "    low = random.getrandbits(30)\n"
        "    there = [n for first, last in ring.spans(low, low + (1 << 26)) for n in range(first, last + 1)]\n"
        "    for n in range(ring.oldest, ring.newest + 1):\n"
        "        if low <= kept[n - 1][0] <= low + (1 << 26) and n not in there: wrong.append(-turn)\n"
        "print(json.dumps(wrong))"
    )
    assert wrong == []


def test_appending_leaves_little_for_the_collector(image: Image, flash: FileFlash) -> None:
    used = image.run(
        RING.format(folder=flash._folder, sectors=SECTORS, size=SIZE) + "kept = bytearray(1012)\n"
        "payload = bytes(1000)\n"
        "def write(address, buf): kept[:] = buf\n"
        "def read_into(address, buf):\n"
        "    if len(buf) == len(kept): buf[:] = kept\n"
        "m.write, m.read_into = write, read_into\n"
        "ring.append(1, payload)\n"
        "gc.collect(); gc.disable()\n"
        "before = gc.mem_alloc()\n"
        "for n in range(7): ring.append(n, payload)\n"
        "print(json.dumps((gc.mem_alloc() - before) / 7))"
    )
    assert used <= 600  # bytes per entry of 1012, on the 64-bit port


def test_file_flash_reads_ones_where_nothing_was_written(flash: FileFlash) -> None:
    buf = bytearray(10)
    flash.read_into(3 * 4096 + 4086, buf)
    assert buf == b"\xff" * 10
    flash.start_erase(3)
    flash.program(3 * 4096, b"abc")
    flash.program(3 * 4096 + 3, b"def")
    flash.read_into(3 * 4096, buf)
    assert buf == b"abcdef\xff\xff\xff\xff"
    flash.start_erase(3)
    flash.read_into(3 * 4096, buf)
    assert buf == b"\xff" * 10 and flash.busy() is False


def test_file_flash_refuses_what_a_flash_could_not_do_and_what_it_cannot(flash: FileFlash) -> None:
    with pytest.raises(OSError, match="sector 3 is not erased"):
        flash.program(3 * 4096, b"x")
    flash.start_erase(3)
    flash.program(3 * 4096, b"abc")
    for address in (3 * 4096, 3 * 4096 + 4, 2 * 4096):
        with pytest.raises(OSError, match="is not erased"):
            flash.program(address, b"x")
    for address, size in ((20 * 4096, 1), (-1, 1), (4095, 2)):
        with pytest.raises(ValueError):
            flash.read_into(address, bytearray(size))
    with pytest.raises(ValueError):
        flash.start_erase(20)


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        FileFlash(str(tmp_path / "no" / "flash"), 4).check_id()


def test_the_format_in_a_file_is_that_of_the_stage(image: Image, flash: FileFlash) -> None:
    ring = Ring(image, flash, STAGE, INDEX, SECTORS, SIZE)
    for n in range(4):
        ring.append(n, payload_of(n, SIZE))
        ring.commit()
    while ring.tend():
        pass
    content = (Path(flash._folder) / "5").read_bytes()
    stage = bytearray(4 * (SIZE + 12))
    image.read_into(STAGE.address, stage)
    assert content == stage and struct.unpack_from("<II", content, 1012) == (2, 1)
