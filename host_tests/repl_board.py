"""A board at the end of a serial port, for tests: a real MicroPython (Unix port) behind a pseudo-terminal.

It answers the raw REPL as the microcontroller ports do (MicroPython's docs, reference/repl.rst, "raw mode"), with the
folder it was started in as its file system, with a `machine` that has a watchdog and a reset, and, if wanted, with a
ROMFS partition as the ports for rp2 and ESP32 have it: `vfs.rom_ioctl(2, 0)` is a block device that can be read like
memory (MicroPython's docs, library/vfs). The partition is the file .rom.
"""

from __future__ import annotations

import os
import pty
import subprocess
import tty
from pathlib import Path
from types import TracebackType

from tools.bench.process import find_micropython

_SERVER = r"""
import io, sys

class Machine:
    feeds = 0
    class WDT:
        def __init__(self, timeout):
            pass
        def feed(self):
            Machine.feeds += 1
    def reset(self):
        with open('.reset', 'w') as f:
            f.write(str(Machine.feeds))
        sys.exit(0)

sys.modules['machine'] = Machine()

BLOCK = 4096
if len(sys.argv) > 1:
    import vfs

    worn = int(sys.argv[1])

    class Rom(bytearray):
        def ioctl(self, command, argument):
            if command == 4:
                return len(self) // BLOCK
            if command == 5:
                return BLOCK
            if command == 6:
                self.put(argument * BLOCK, b'\xff' * BLOCK)
                return 0

        def writeblocks(self, block, data, offset=0):
            at = block * BLOCK + offset
            if self[at : at + len(data)] != b'\xff' * len(data):
                raise OSError(5)  # flash is erased before it is written
            self.put(at, data)

        def put(self, at, data):
            if at // BLOCK == worn:
                return
            self[at : at + len(data)] = data
            with open('.rom', 'r+b') as f:
                f.seek(at)
                f.write(data)

    class Vfs:
        umount = vfs.umount
        def rom_ioctl(self, command, number):
            return rom if command == 2 and number == 0 and len(rom) else -22

    with open('.rom', 'rb') as f:
        rom = Rom(f.read())
    sys.modules['vfs'] = Vfs()

sys.path[:] = ['']
read, write = sys.stdin.buffer.read, sys.stdout.buffer.write
BANNER = b'raw REPL; CTRL-B to exit\r\n>'
WINDOW = 128

def paste():
    # the host may send WINDOW bytes, and WINDOW more with every 01 it gets
    code = bytearray()
    read(2)
    write(b'R\x01' + bytes([WINDOW, 0]))
    while True:
        c = read(1)
        if c == b'\x04':
            write(c)
            return code
        code += c
        if len(code) % WINDOW == 0:
            write(b'\x01')

def run(code):
    fault = io.StringIO()
    try:
        exec(code.decode(), names)
    except Exception as error:
        sys.print_exception(error, fault)
    write(b'\x04' + fault.getvalue().encode() + b'\x04>')

code, names = b'', {}
while True:
    c = read(1)
    if c == b'\x01':
        code = b''
        write(BANNER)
    elif c == b'\x03':
        code = b''
    elif c == b'\x05':
        run(paste())
    elif c != b'\x04':
        code += c
    elif code.strip():
        write(b'OK')
        run(code)
        code = b''
    else:
        names = {}
        write(b'OK\r\nMPY: soft reboot\r\n' + BANNER)
"""


class ReplBoard:
    """`port` is what a tool opens; `root` is the board's file system. Use as a context manager.

    `rom_bytes` is the size of its ROMFS partition; what another one has left there stays. 0: MicroPython could, but
    there is no partition. None: it could not. Its block `worn` is neither erased nor written any more.
    """

    def __init__(self, root: Path, rom_bytes: int | None = None, worn: int = -1) -> None:
        self.root = root
        self._rom = root / ".rom"
        if rom_bytes is not None and not self._rom.exists():
            self._rom.write_bytes(b"\xff" * rom_bytes)
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        server = root.parent / "repl_server.py"
        server.write_text(_SERVER)
        self._process = subprocess.Popen(
            [find_micropython(), str(server), *([str(worn)] if rom_bytes is not None else [])],
            cwd=root,
            stdin=self._master,
            stdout=self._master,
        )

    @property
    def rom(self) -> bytes:
        """What is in the ROMFS partition."""
        return self._rom.read_bytes()

    @property
    def feeds_at_reset(self) -> int | None:
        """How often the watchdog had been fed when the board was reset; None if it was not."""
        marker = self.root / ".reset"
        return int(marker.read_text()) if marker.exists() else None

    def wait(self) -> None:
        """Until the board's MicroPython has ended."""
        self._process.wait(timeout=5)

    def __enter__(self) -> ReplBoard:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)
        os.close(self._slave)
