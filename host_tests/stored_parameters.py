"""Parameters on a memory, and what lies in it."""

from __future__ import annotations

import struct
from typing import Any

from meter.parameters import Parameters
from meter.storage.layout import PARAMETERS
from meter.storage.records import Record


class Ram:
    """`fail`: it keeps nothing; `keeps`: it keeps so many more writes, then no more for `loses`."""

    def __init__(self) -> None:
        self.content = bytearray(0x4000)
        self.fail = False
        self.keeps, self.loses = 10**9, 0

    def read_into(self, address: int, buf: Any) -> None:
        buf[:] = self.content[address : address + len(buf)]

    def write(self, address: int, buf: Any) -> None:
        if self.fail:
            raise OSError(5, "memory")
        if self.keeps > 0:
            self.keeps -= 1
        elif self.loses > 0:
            self.loses -= 1
            raise OSError(5, "memory")
        self.content[address : address + len(buf)] = buf


def life(ram: Ram, **options: Any) -> Parameters:
    parameters = Parameters(ram, **options)
    parameters.load()
    return parameters


def stored(ram: Ram) -> dict[int, bytes]:
    """The stored entries, decoded as the format describes them."""
    payload = Record(ram, PARAMETERS.address, PARAMETERS.capacity, 1).load() or b""
    entries, position = {}, 0
    while position < len(payload):
        number, length = struct.unpack_from("<HB", payload, position)
        entries[number] = payload[position + 3 : position + 3 + length]
        position += 3 + length
    return entries


def store(ram: Ram, entries: dict[int, bytes], version: int = 1) -> None:
    payload = b"".join(struct.pack("<HB", number, len(data)) + data for number, data in entries.items())
    Record(ram, PARAMETERS.address, PARAMETERS.capacity, version).save_twice(payload)
