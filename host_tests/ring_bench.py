"""What tests of rings stand on: small memories that lose their supply at any byte, and the owner of a ring."""

from __future__ import annotations

import random
import struct
from typing import Any

from host_tests.power_cut import PowerCut
from meter.storage.layout import Area
from meter.storage.records import Record
from meter.storage.ring import Ring

OWNER = Area("owner", 0x000, 0x040)


class Supply:
    """Counts what costs time with power on: bytes written. `left` is how many more there will be; None: no end."""

    def __init__(self, seed: int = 0) -> None:
        self.left: int | None = None
        self.spent = 0
        self.dice = random.Random(seed)

    def spend(self, wanted: int = 1) -> int:
        """How many of the `wanted` bytes are still written; fewer than that: then the supply is gone."""
        done = wanted
        if self.left is not None:
            done = min(wanted, self.left)
            self.left -= done
        self.spent += done
        return done


class SmallFram:
    """As the driver of the chip: bytes are there as they arrive, and the one under way can be anything."""

    def __init__(self, supply: Supply, size: int = 0x1000) -> None:
        self.content = bytearray(size)
        self._supply = supply

    def read_into(self, address: int, buf: Any) -> None:
        assert address + len(buf) <= len(self.content)
        buf[:] = self.content[address : address + len(buf)]

    def check_id(self) -> None:
        """It is there."""

    def write(self, address: int, buf: Any) -> None:
        assert address + len(buf) <= len(self.content)
        done = self._supply.spend(len(buf))
        self.content[address : address + done] = buf[:done]
        if done < len(buf):
            self.content[address + done] = self._supply.dice.randrange(256)
            raise PowerCut


class SmallFlash:
    """As the driver of the chip, with sectors of any size: programs clear bits, erases can be torn."""

    ERASE = 4  # bytes' worth

    def __init__(self, supply: Supply, sectors: int, sector_size: int = 128) -> None:
        self.sectors, self.sector_size = sectors, sector_size
        self.content = [bytearray(b"\xff" * sector_size) for _ in range(sectors)]
        self.reads: list[int] = []
        self.broken = False
        self._supply = supply
        self._polls = 0

    def read_into(self, address: int, buf: Any) -> None:
        sector, offset = divmod(address, self.sector_size)
        assert offset + len(buf) <= self.sector_size
        self.reads.append(sector)
        buf[:] = self.content[sector][offset : offset + len(buf)]

    def busy(self) -> bool:
        self._polls -= 1
        return self._polls >= 0

    def _begin(self, polls: int) -> None:
        assert not self.busy(), "the chip does not hear a command while it is busy"
        self._polls = polls
        if self.broken:
            raise OSError("flash: broken")

    def start_erase(self, sector: int) -> None:
        self._begin(3)
        content = self.content[sector]
        for _ in range(self.ERASE):
            for n in range(self.sector_size):
                if self._supply.dice.random() < 0.5:
                    content[n] = self._supply.dice.choice((0xFF, self._supply.dice.randrange(256), content[n]))
            if not self._supply.spend():
                raise PowerCut
        content[:] = b"\xff" * self.sector_size

    def program(self, address: int, buf: Any) -> None:
        self._begin(1)
        sector, offset = divmod(address, self.sector_size)
        assert 0 < len(buf) <= 256 - address % 256 and offset + len(buf) <= self.sector_size
        content, done = self.content[sector], self._supply.spend(len(buf))
        for n in range(done):
            content[offset + n] &= buf[n]
        if done < len(buf):
            content[offset + done] &= buf[done] | self._supply.dice.randrange(256)
            raise PowerCut


def payload_of(n: int, size: int, life: int = 0) -> bytes:
    """A payload in which every piece tells whose it is."""
    return (struct.pack("<HH", n, life) * (size // 4 + 1))[:size]


class Meter:
    """A ring with `sectors` sectors of 128 bytes and its owner, through their lives."""

    def __init__(self, sectors: int = 3, payload: int = 20, seed: int = 0) -> None:
        self.supply = Supply(seed)
        self.fram = SmallFram(self.supply)
        self.flash = SmallFlash(self.supply, sectors + 2)
        self.places = Area("stage", 0x100, 0x100), Area("index", 0x200, 16 * sectors), (1, sectors)
        self.payload = payload
        self.kept: list[tuple[int, bytes]] = []  # what has been committed
        self.asked: list[tuple[int, bytes]] = []  # and appended
        self.life = 0
        self.clearing = False
        self.lossy = False  # the flash was broken: entries may be lost, but none is ever wrong
        self.boot()

    def copy(self, seed: int = 0) -> Meter:
        """Another one with the same memories, just started; `seed` decides what is left where it is cut."""
        other = Meter(self.places[2][1], self.payload, seed)
        other.fram.content[:] = self.fram.content
        other.flash.content = [bytearray(sector) for sector in self.flash.content]
        other.asked, other.life = self.asked, self.life
        other.boot()
        return other

    def boot(self) -> None:
        self.life += 1
        self.supply.left = None
        self.ring = Ring(self.fram, self.flash, *self.places, self.payload)
        self.record = Record(self.fram, OWNER.address, OWNER.capacity, 1)
        content = self.record.load()
        newest = 0 if content is None else struct.unpack("<I", content)[0]
        assert len(self.kept) <= newest <= len(self.asked) or (self.clearing and newest == 0)
        self.kept = self.asked = self.asked[:newest]
        self.clearing = False
        self.ring.restore(newest)

    def append(self, utc: int) -> None:
        entry = utc, payload_of(len(self.asked) + 1, self.payload, self.life)
        before = self.ring.newest
        assert self.ring.append(*entry) == before + 1 == self.ring.newest == len(self.asked) + 1
        self.asked = [*self.asked, entry]

    def commit(self) -> None:
        self.record.save(struct.pack("<I", self.ring.newest))
        self.kept = self.asked
        self.ring.commit()

    def take_back(self) -> None:
        """What is not committed."""
        self.ring.restore(len(self.kept))
        self.asked = self.kept

    def clear(self) -> None:
        self.take_back()
        self.clearing = True
        self.ring.clear()
        self.record.save(bytes(4))
        self.clearing = False
        self.life += 1
        self.asked = self.kept = []

    def settle(self) -> int:
        """Tend until there is nothing to do; returns how often."""
        steps = 1
        while self.ring.tend():
            steps += 1
            assert steps < 1000
        return steps

    def check(self) -> None:
        """Every committed entry that has not been replaced is there and whole; nothing is beyond."""
        ring, kept = self.ring, self.asked
        assert ring.newest == len(kept)
        assert ring.oldest == 1 or ring.newest - ring.oldest + 1 >= ring.capacity
        found = list(ring.walk(-5, len(kept) + 5))
        if self.lossy:
            assert [n for n, _, _ in found] == list(range(ring.oldest, ring.newest + 1))
            assert all(payload is None or kept[n - 1] == (utc, payload) for n, utc, payload in found)
        else:
            assert found == [(n, *kept[n - 1]) for n in range(ring.oldest, len(kept) + 1)]
        for n in (ring.oldest, (ring.oldest + ring.newest) // 2, ring.newest):
            assert ring.entry(n) == (kept[n - 1] if kept else None) or (self.lossy and ring.entry(n) is None)
        assert ring.entry(ring.newest + 1) is ring.entry(ring.oldest - 1) is ring.entry(0) is None

    def check_spans(self, low: int | None, high: int | None) -> list[int]:
        """Spans are in order, apart, and hold all entries of that time; returns the flash's sectors that were read."""
        self.flash.reads.clear()
        spans = self.ring.spans(low, high)
        reads = self.flash.reads[:]
        numbers = [n for first, last in spans for n in range(first, last + 1)]
        assert numbers == sorted(set(numbers))
        assert all(a[1] + 1 < b[0] for a, b in zip(spans, spans[1:], strict=False))
        wanted = {
            n
            for n in range(self.ring.oldest, self.ring.newest + 1)
            if (low is None or self.asked[n - 1][0] >= low) and (high is None or self.asked[n - 1][0] <= high)
        }
        if self.lossy:
            wanted = {n for n in wanted if self.ring.entry(n) is not None}
        assert wanted <= set(numbers) <= set(range(self.ring.oldest, self.ring.newest + 1))
        return reads
