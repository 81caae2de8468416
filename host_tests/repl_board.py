"""A board at the end of a serial port, for tests: a real MicroPython (Unix port) behind a pseudo-terminal.

It answers the raw REPL as the microcontroller ports do (MicroPython's docs, reference/repl.rst, "raw mode"), with the
folder it was started in as its file system, and with a `machine` that has a watchdog and a reset.
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
    """`port` is what a tool opens; `root` is the board's file system. Use as a context manager."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        server = root.parent / "repl_server.py"
        server.write_text(_SERVER)
        self._process = subprocess.Popen(
            [find_micropython(), str(server)], cwd=root, stdin=self._master, stdout=self._master
        )

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
