"""A board at the end of a serial port: its MicroPython, and its file system through the raw REPL (mpremote)."""

from __future__ import annotations

import ast
import contextlib
import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import serial
from mpremote.commands import CommandError, do_romfs
from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport

CHUNK = 256

# Sent once. A watchdog that the firmware has started keeps running while we copy: feed it before each step.
# Files are written beside the old one and take its place when they are complete.
_HELPERS = """
import os
try:
    from machine import WDT
    feed = WDT(timeout=8000).feed
except ImportError:
    feed = lambda: None
def digest(path):
    import hashlib
    h = hashlib.sha256()
    buf = memoryview(bytearray(256))
    try:
        with open(path, 'rb') as f:
            while True:
                n = f.readinto(buf)
                if not n:
                    break
                h.update(buf[:n])
    except OSError:
        return None
    return h.digest()
def files(folder, found):
    for entry in os.ilistdir(folder):
        path = folder + '/' + entry[0]
        if entry[1] & 0x4000:
            files(path, found)
        else:
            found.append(path)
    return found
def prune(folder):
    for entry in list(os.ilistdir(folder)):
        prune(folder + '/' + entry[0])
    os.rmdir(folder)
def make(folder):
    try:
        os.mkdir(folder)
    except OSError:
        os.stat(folder)
"""


# As mpremote asks for the partition: a block device, or memory (MicroPython's docs, library/vfs, rom_ioctl).
_ROM_HELPERS = """
import vfs
def rom_size():
    if not hasattr(vfs, 'rom_ioctl'):
        return -1
    rom = vfs.rom_ioctl(2, 0)
    if isinstance(rom, int):
        return 0
    return rom.ioctl(4, 0) * rom.ioctl(5, 0) if hasattr(rom, 'ioctl') else len(rom)
def rom_digest(size):
    import hashlib
    return hashlib.sha256(memoryview(vfs.rom_ioctl(2, 0))[:size]).digest()
"""


class BoardError(Exception):
    """The board cannot be reached, or refuses; the text says what to do."""


class BoardFiles:
    """The file system of the MicroPython at `port`. Paths start at its root, without a leading slash.

    All methods raise BoardError. Interrupts what the board is running; `restart` starts it again.
    """

    def __init__(self, port: str) -> None:
        try:
            self._transport = SerialTransport(port)
        except (TransportError, OSError, serial.SerialException) as error:
            raise BoardError(f"cannot open {port}: {error}\n{_port_list()}") from None
        try:
            self._transport.enter_raw_repl()
        except (TransportError, OSError) as error:
            self._transport.close()
            raise BoardError(
                f"no MicroPython answers on {port} ({error}). Is it flashed? Is another program using the port?"
            ) from None
        self._run(_HELPERS)
        self.native_architecture = int(self._ask("getattr(__import__('sys').implementation, '_mpy', 0) >> 10 & 0x0F"))
        self.mpy_version = int(self._ask("getattr(__import__('sys').implementation, '_mpy', 0) & 0xFF"))
        self.description = str(self._ask("__import__('sys').implementation._machine"))

    def holds(self, path: str, data: bytes) -> bool:
        """Whether the file is there with exactly this content."""
        return bool(self._ask(f"digest({path!r}) == {hashlib.sha256(data).digest()!r}"))

    def exists(self, path: str) -> bool:
        return bool(self._ask(f"digest({path!r}) is not None"))

    def files_in(self, folder: str) -> list[str]:
        """All files in `folder` and below; none if it does not exist."""
        return [str(path) for path in self._ask(f"files({folder!r}, []) if {folder!r} in os.listdir() else []")]

    def make_folder(self, folder: str) -> None:
        self._run(f"make({folder!r})")

    def write(self, path: str, data: bytes, progress: Callable[[int], None] = lambda written: None) -> None:
        """Write a file and check it; the old one is replaced when the new one is complete."""
        self._run(f"f = open({path + '.new'!r}, 'wb')")
        for start in range(0, len(data), CHUNK):
            self._run(f"f.write({data[start : start + CHUNK]!r}); feed()")
            progress(min(start + CHUNK, len(data)))
        self._run("f.close()")
        if not self.holds(path + ".new", data):
            raise BoardError(f"{path} did not arrive whole: is the board's file system full?")
        self._run(f"os.rename({path + '.new'!r}, {path!r})")

    def remove(self, path: str) -> None:
        self._run(f"os.remove({path!r})")

    def remove_empty(self, folder: str) -> None:
        """Remove a folder, and those below it, that hold no file any more; nothing if there is none."""
        self._run(f"if {folder!r} in os.listdir(): prune({folder!r})")

    def rom_size(self) -> int:
        """Bytes that fit in the board's first ROMFS partition; BoardError if it has none."""
        self._run(_ROM_HELPERS)
        size = int(self._ask("rom_size()"))
        if size <= 0:
            raise BoardError(
                f"its MicroPython ({self.description}) has no {'ROMFS' if size < 0 else 'partition for a ROMFS'}: "
                "the builds for download have none. Build MicroPython 1.25 or later with one, or with the firmware "
                "frozen in (boards/README.md), or deploy without --romfs"
            )
        return size

    def rom_holds(self, image: bytes) -> bool:
        """Whether the ROMFS partition begins with exactly this image; `rom_size` comes first."""
        return bool(self._ask(f"rom_digest({len(image)}) == {hashlib.sha256(image).digest()!r}"))

    def write_rom(self, image: Path) -> None:
        """Write a ROMFS image (mpremote does, and shows how far it is) and check it; `rom_size` comes first.

        The board mounts it at its next start.
        """
        state = SimpleNamespace(transport=_Feeding(self._transport), ensure_raw_repl=_nothing, did_action=_nothing)
        try:
            do_romfs(state, SimpleNamespace(command=["deploy"], path=str(image), partition=0, mpy=False))
        except TransportExecError as error:
            raise BoardError(f"the board refuses: {error.error_output.strip().splitlines()[-1]}") from None
        except (CommandError, TransportError, OSError) as error:
            raise BoardError(f"the ROMFS was not written: {error}") from None
        if not self.rom_holds(image.read_bytes()):
            raise BoardError("the ROMFS did not arrive whole; deploy once more")

    def restart(self) -> None:
        """Reset the microcontroller: it starts main.py. Closes the port."""
        try:
            self._transport.exec_raw_no_follow("import machine; machine.reset()")
        except (TransportError, OSError) as error:
            raise BoardError(f"the board does not restart: {error}") from None
        finally:
            self.close()

    def heap(self) -> int:
        """Bytes that MicroPython has for code and data together."""
        return int(self._ask("(lambda gc: gc.mem_free() + gc.mem_alloc())(__import__('gc'))"))

    def close(self) -> None:
        with contextlib.suppress(OSError):  # a board on USB is gone with its port once it resets
            self._transport.close()

    def _run(self, code: str) -> str:
        try:
            return bytes(self._transport.exec(code)).decode()
        except TransportExecError as error:
            raise BoardError(f"the board refuses: {error.error_output.strip().splitlines()[-1]}") from None
        except (TransportError, OSError) as error:
            raise BoardError(f"the connection broke: {error}") from None

    def _ask(self, expression: str) -> Any:
        return ast.literal_eval(self._run(f"feed()\nprint(repr({expression}))").strip())


class _Feeding:
    """What mpremote's ROMFS command needs of a transport; feeds the watchdog before each step."""

    def __init__(self, transport: SerialTransport) -> None:
        self._transport = transport

    def exec(self, code: str) -> bytes:
        return bytes(self._transport.exec(f"feed()\n{code}"))

    def eval(self, expression: str) -> Any:
        return ast.literal_eval(self.exec(f"print(repr({expression}))").decode().strip())


def _nothing() -> None:
    """The raw REPL is entered already."""


def _port_list() -> str:
    from serial.tools.list_ports import comports

    ports: Iterable[str] = [f"  {p.device}  {p.description}" for p in comports() if p.vid is not None]
    return "\n".join(["USB serial ports here:", *ports] if ports else ["No USB serial port is here."])
