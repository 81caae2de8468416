"""Rings: entries of one size that follow each other for years, as load profiles and stored values do.

The newest entries lie in the FRAM, in a stage of two sectors' worth; full sectors move to the flash, and over the
oldest ones. A sector's worth is called a group; group g (from 0) holds entries g * per_sector + 1 and on, has half
g % 2 of the stage and then sector g % count of the flash. An entry is, little endian:

    0   4  number, from 1
    4   4  time: seconds since 2000-01-01 UTC
    8   n  payload
    8+n 4  CRC-32 over the above, started with the stage's address plus n

The index in the FRAM has 16 bytes for each sector, written when it is verified: number of its first entry, earliest and
latest time, CRC-32 of these. Whether an entry exists is the owner's word: it keeps `newest` in a record of its own,
and an append counts from that record's save on. README.md in this folder has the states of a group.
"""

import array
import binascii
import errno
import struct

from micropython import const

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any, Protocol

    from meter.storage.layout import Area
    from meter.storage.records import Memory

    class Flash(Protocol):
        """Sectors that are erased to ones; erase and program may go on after the call. All may raise OSError."""

        sector_size: int
        sectors: int

        def read_into(self, address: int, buf: Any) -> None: ...

        def start_erase(self, sector: int) -> None: ...

        def program(self, address: int, buf: Any) -> None: ...

        def busy(self) -> bool: ...


OVERHEAD = const(12)  # bytes an entry needs beside its payload
_INDEX = "<IIII"
INDEX_SIZE = const(16)  # bytes of each sector
_INDEX_COVERED = const(12)
_BLOCK = const(32)  # sectors of which the RAM knows the earliest and latest time
_PAGE = const(256)  # of the flash
_CHUNK = const(1024)  # bytes that walk reads at once, or one entry
_READ_AGAIN = const(3)
_TRIES = const(3)  # to move a sector
_HEADERS = const(8)  # read in one step
_FOREVER = 0xFFFFFFFF
_NOTHING = (_FOREVER, 0)  # earliest and latest time in a sector that could not be moved

# Used inside of one step only
_page = bytearray(_PAGE)
_other = bytearray(_PAGE)


class Ring:
    """Entries of one size, numbered from 1; there are those from `oldest` to `newest`, none if `oldest` is greater.

    `sectors`: (first, how many) in the flash, two at least. The newest `capacity` entries at least are kept. ValueError
    if a sector cannot hold an entry, or an area is too small. Memory and flash may raise OSError in every method.
    """

    def __init__(
        self, memory: "Memory", flash: "Flash", stage: "Area", index: "Area", sectors: tuple, payload_size: int
    ):
        self._size = payload_size + OVERHEAD
        self._sector = flash.sector_size
        self.per_sector = self._sector // self._size
        self._first, self._count = sectors
        room = stage.size >= 2 * self._sector and index.size >= self._count * INDEX_SIZE
        if not self.per_sector or self._count < 2 or not room:
            raise ValueError("ring: entries too long, or no room")
        self.capacity = self.per_sector * self._count
        self._memory = memory
        self._flash = flash
        self._stage = stage.address
        self._index = index.address
        self._seed = stage.address + payload_size
        self._entry = bytearray(self._size)
        self._place = bytearray(INDEX_SIZE)
        self._work: "Any" = None
        blocks = (self._count + _BLOCK - 1) // _BLOCK
        self._earliest = array.array("I", [0] * blocks)  # 0 and _FOREVER: not known
        self._latest = array.array("I", [_FOREVER] * blocks)
        self.restore(0)

    def restore(self, newest: int) -> None:
        """What the owner has committed. Entries beyond never existed: at start, or to take appended ones back."""
        self.newest = self._committed = newest
        self._work = None  # moving a group to flash, step by step
        self._moved = 0  # all groups before are in the flash
        self._failures = 0  # to move the group after them
        self._known = 0  # the first group whose block has not been looked at yet
        for block in range(len(self._earliest)):
            self._forget(block)
        if newest:
            self._mend_index(self._staged())

    def commit(self) -> None:
        """The owner has saved `newest`: full sectors up to there may move to the flash."""
        self._committed = self.newest

    @property
    def oldest(self) -> int:
        """Number of the oldest entry."""
        return self._oldest_group() * self.per_sector + 1

    def append(self, utc: int, payload: "Any") -> int:
        """Put an entry into the stage; returns its number. It lasts from the owner's commit on.

        OSError: it is not kept, and all is as before. If two full sectors wait in the stage, the older one is moved
        first, which `tend` should have done: that takes up to 0.5 s. If the flash fails, it is given up.
        """
        if len(payload) != self._size - OVERHEAD:
            raise ValueError("ring: payload of %d bytes" % len(payload))
        group, slot = divmod(self.newest, self.per_sector)
        if slot == 0 and group > 1:
            self._make_room(group - 2)
        entry, covered = self._entry, self._size - 4
        struct.pack_into("<II", entry, 0, self.newest + 1, utc)
        entry[8:covered] = payload
        crc = binascii.crc32(memoryview(entry)[:covered], self._seed)
        struct.pack_into("<I", entry, covered, crc)
        address = self._half(group) + slot * self._size
        self._memory.write(address, entry)
        for _ in range(_READ_AGAIN):
            self._memory.read_into(address, entry)
            if self._is_whole(entry, self.newest + 1) and struct.unpack_from("<I", entry, covered)[0] == crc:
                self.newest += 1
                self._failures = min(self._failures, _TRIES - 1)  # a flash that failed gets another chance
                return self.newest
        raise OSError(errno.EIO, "ring: memory does not keep what is written")

    def clear(self) -> None:
        """Forget all entries; numbers start again at 1. It lasts from the owner's commit of `newest`, 0, on: until
        then all entries are still there for the next start."""
        blank = bytes(INDEX_SIZE)
        for place in range(self._count):
            self._write_index(place, blank)
        self.restore(0)

    # --- reading ---

    def entry(self, n: int) -> "tuple[int, bytes] | None":
        """(utc, payload) of entry `n`; None if it is damaged or there is none."""
        for _, utc, payload in self.walk(n, n):
            return None if payload is None else (utc, payload)
        return None

    def walk(self, first: int, last: int):
        """Yield (number, utc, payload) of the entries from `first` to `last` that there are, in order; (number, None,
        None) for a damaged one. Only their sectors are read, many entries at once."""
        first, last = max(first, self.oldest), min(last, self.newest)
        size = self._size
        most = min(max(1, _CHUNK // size), max(0, last - first + 1))
        chunk = memoryview(bytearray(most * size))
        while first <= last:
            group, slot = divmod(first - 1, self.per_sector)
            count = min(most, self.per_sector - slot, last - first + 1)
            sources = self._sources(group)
            if sources:
                self._read(sources[0], group, slot, chunk[: count * size])
            for n in range(count):
                entry = chunk[n * size : n * size + size]
                if sources and (self._is_whole(entry, first + n) or self._find(sources, first + n, entry)):
                    yield first + n, struct.unpack_from("<I", entry, 4)[0], bytes(entry[8 : size - 4])
                else:
                    yield first + n, None, None
            first += count

    def spans(self, first_utc: "int | None", last_utc: "int | None") -> list:
        """[(first, last), ...] in order: the numbers among which are all entries from `first_utc` to `last_utc`, both
        included, None for no limit. By the index, so that no flash is read, however time has been set."""
        low = 0 if first_utc is None else first_utc
        high = _FOREVER if last_utc is None else last_utc
        found: list = []
        group, staged, newest = self._oldest_group(), self._staged(), (self.newest - 1) // self.per_sector
        while group <= newest:
            if group < staged:
                stop, block = self._block_end(group, staged)
                if self._earliest[block] <= high and self._latest[block] >= low:
                    self._look(group, stop, low, high, found)
                group = stop
            else:
                times = self._indexed(group)
                if times is None or times == _NOTHING or times[0] <= high and times[1] >= low:
                    self._add(found, group)  # it is here, even if the flash does not take it
                group += 1
        return found

    # --- moving full sectors to the flash ---

    def tend(self) -> bool:
        """One small step of what is to be done in the background: at most a page to the flash. True: there is more.

        OSError, as often as a move is tried in vain, if the flash does not take a sector, which stays in the stage.
        """
        if self._work is None:
            group = self._moved = max(self._moved, self._staged())
            if (group + 1) * self.per_sector > self._committed or self._failures >= _TRIES:
                return self._learn(group)
            if self._indexed(group) is not None:
                self._moved += 1
                return True
            self._work = self._move(group)
        try:
            next(self._work)
        except StopIteration:
            self._work = None
            self._failures = 0
        except OSError:
            self._work = None
            self._failures += 1
            raise
        return True

    def _move(self, group: int):
        """Steps from the stage to the flash. All of it may be done again, from any point, until the index is written:
        and what is in the flash already stays there."""
        flash, size = self._flash, self.per_sector * self._size
        if not (yield from self._is_same(group)):
            while flash.busy():
                yield
            flash.start_erase(self._first + group % self._count)
            for at in range(0, size, _PAGE):
                yield
                while flash.busy():
                    yield
                page = memoryview(_page)[: min(_PAGE, size - at)]
                self._memory.read_into(self._half(group) + at, page)
                flash.program(self._flash_address(group) + at, page)
            yield
            while flash.busy():
                yield
            if not (yield from self._is_same(group)):
                raise OSError(errno.EIO, "ring: flash does not keep sector %d" % (self._first + group % self._count))
        times = yield from self._survey(group, self._memory, self._half(group))
        self._set_index(group, times)

    def _is_same(self, group: int):
        """Whether the flash holds what the stage does; a page in each step."""
        size = self.per_sector * self._size
        for at in range(0, size, _PAGE):
            yield
            length = min(_PAGE, size - at)
            ours, theirs = memoryview(_page)[:length], memoryview(_other)[:length]
            self._memory.read_into(self._half(group) + at, ours)
            self._flash.read_into(self._flash_address(group) + at, theirs)
            if ours != theirs:
                return False
        return True

    def _survey(self, group: int, source: "Any", address: int):
        """Earliest and latest time of a group's entries. A damaged time can only make it wider."""
        head, (earliest, latest) = bytearray(8), _NOTHING
        for slot in range(self.per_sector):
            if slot % _HEADERS == 0:
                yield
            source.read_into(address + slot * self._size, head)
            number, utc = struct.unpack("<II", head)
            if number == group * self.per_sector + slot + 1:
                earliest, latest = min(earliest, utc), max(latest, utc)
        return earliest, latest

    def _make_room(self, group: int) -> None:
        """Its half of the stage is needed: move it now. If the flash does not take it, it is given up."""
        if (group + 1) * self.per_sector > self._committed:
            raise OSError(errno.EAGAIN, "ring: full until the owner commits")
        if self._moved > group and self._indexed(group) is None:  # lost since
            self._moved, self._work = group, None
        while self._indexed(group) is None:
            try:
                self.tend()
            except OSError:
                pass
            if self._failures >= _TRIES:
                self._set_index(group, _NOTHING)
                self._failures = 0

    # --- the index ---

    def _indexed(self, group: int) -> "tuple | None":
        """(earliest, latest) time of a group that is in the flash, `_NOTHING` if it was given up; None: not indexed."""
        self._memory.read_into(self._index + group % self._count * INDEX_SIZE, self._place)
        return self._times(self._place, group)

    def _times(self, entry: "Any", group: int) -> "tuple | None":
        first, earliest, latest, crc = struct.unpack(_INDEX, entry)
        covered = memoryview(entry)[:_INDEX_COVERED]
        if first != group * self.per_sector + 1 or crc != binascii.crc32(covered, self._seed):
            return None
        return earliest, latest

    def _mend_index(self, group: int) -> None:
        """If its half of the stage was begun anew, by an entry that is taken back, a group is in the flash; so if its
        index entry is lost as well, it is made again from there, and not from the stage."""
        head = bytearray(4)
        self._memory.read_into(self._half(group), head)
        if struct.unpack("<I", head)[0] == (group + 2) * self.per_sector + 1 and self._indexed(group) is None:
            try:
                self._rebuild(group)
            except OSError:
                pass  # without the flash it cannot be read either

    def _set_index(self, group: int, times: tuple) -> None:
        covered = struct.pack("<III", group * self.per_sector + 1, times[0], times[1])
        place = group % self._count
        self._write_index(place, covered + struct.pack("<I", binascii.crc32(covered, self._seed)))
        self._forget(place // _BLOCK)

    def _write_index(self, place: int, entry: bytes) -> None:
        address = self._index + place * INDEX_SIZE
        self._memory.write(address, entry)
        self._memory.read_into(address, self._place)
        if self._place != entry:
            raise OSError(errno.EIO, "ring: memory does not keep what is written")

    def _rebuild(self, group: int) -> "tuple | None":
        """A lost index entry, from the flash; None if nothing of the group is there either."""
        survey = self._survey(group, self._flash, self._flash_address(group))
        while True:
            try:
                next(survey)
            except StopIteration as done:
                if done.value == _NOTHING:
                    return None
                self._set_index(group, done.value)
                return done.value

    def _look(self, group: int, stop: int, low: int, high: int, found: list) -> None:
        """Add those groups before `stop` to `found` that can have times from `low` to `high`. Learns the times of the
        block if it is seen whole."""
        block = memoryview(bytearray((stop - group) * INDEX_SIZE))
        self._memory.read_into(self._index + group % self._count * INDEX_SIZE, block)
        number, learned = group % self._count // _BLOCK, stop - group == self._block_size(group)
        earliest, latest = _NOTHING
        for at in range(0, len(block), INDEX_SIZE):
            times = self._times(block[at : at + INDEX_SIZE], group) or self._rebuild(group)
            if times is None:
                learned = False
            else:
                earliest, latest = min(earliest, times[0]), max(latest, times[1])
            if times is None or times[0] <= high and times[1] >= low:
                self._add(found, group)
            group += 1
        if learned:
            self._earliest[number], self._latest[number] = earliest, latest

    def _learn(self, moved: int) -> bool:
        """Look at one more block of the index ahead of the first question, which would have to read all of it."""
        group = max(self._known, self._oldest_group())
        if group >= moved:
            return False
        self._known, _ = self._block_end(group, moved)
        if self._known - group == self._block_size(group):
            self._look(group, self._known, _FOREVER, 0, [])
        return True

    def _forget(self, block: int) -> None:
        self._earliest[block], self._latest[block] = 0, _FOREVER

    def _block_end(self, group: int, limit: int) -> tuple:
        """(the group after the last one of this group's block, at most `limit`; the block's number)."""
        place = group % self._count
        end = min((place // _BLOCK + 1) * _BLOCK, self._count)
        return min(limit, group + end - place), place // _BLOCK

    def _block_size(self, group: int) -> int:
        begin = group % self._count // _BLOCK * _BLOCK
        return min(_BLOCK, self._count - begin)

    def _add(self, found: list, group: int) -> None:
        first = group * self.per_sector + 1
        last = min(first + self.per_sector - 1, self.newest)
        if found and found[-1][1] == first - 1:
            first = found.pop()[0]
        found.append((first, last))

    # --- places ---

    def _oldest_group(self) -> int:
        """Its sector is the one that the next full group goes to."""
        return max(0, self.newest // self.per_sector - self._count)

    def _staged(self) -> int:
        """The first group that is whole in the stage: the one before the newest entry's."""
        return max(0, (self.newest - 1) // self.per_sector - 1)

    def _half(self, group: int) -> int:
        return self._stage + group % 2 * self._sector

    def _flash_address(self, group: int) -> int:
        return (self._first + group % self._count) * self._sector

    def _sources(self, group: int) -> tuple:
        """Where entries of a group can be read: (memory, address) pairs, the best one first."""
        times = self._indexed(group)
        staged = ((self._memory, self._half(group)),) if group >= self._staged() else ()
        if times == _NOTHING or times is None and staged:
            return staged
        return staged + ((self._flash, self._flash_address(group)),)

    def _read(self, source: tuple, group: int, slot: int, buf: "Any") -> None:
        memory, address = source
        memory.read_into(address + slot * self._size, buf)

    def _find(self, sources: tuple, n: int, entry: "Any") -> bool:
        """Read a damaged entry again: a disturbed bus must not lose it; and if it has moved, there are two of it."""
        group, slot = divmod(n - 1, self.per_sector)
        for source in sources:
            for _ in range(_READ_AGAIN):
                self._read(source, group, slot, entry)
                if self._is_whole(entry, n):
                    return True
        return False

    def _is_whole(self, entry: "Any", n: int) -> bool:
        covered = self._size - 4
        if struct.unpack_from("<I", entry, 0)[0] != n:
            return False
        return struct.unpack_from("<I", entry, covered)[0] == binascii.crc32(memoryview(entry)[:covered], self._seed)
