"""The firmware's own MicroPython process."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BOOT = ROOT / "boards" / "virtual" / "boot.py"
# Objects take twice the bytes of a 32-bit target, and the source code is compiled in the same heap, which scatters it.
DEFAULT_HEAP_KIB = 2048


def share_one_core() -> set[int] | None:
    """Keep this process and its children on one core; what `restore_cores` needs to undo it, None if nothing was done.

    In virtual time bench and firmware take turns thousands of times a second. On one core a turn is a third as long as
    between two.
    """
    if not hasattr(os, "sched_setaffinity"):
        return None
    cores = os.sched_getaffinity(0)
    if len(cores) == 1:
        return None
    os.sched_setaffinity(0, {_present_core()})
    return cores


def _present_core() -> int:
    """The core this process runs on: the scheduler has chosen it with regard to what else is busy."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    return int(fields[36])  # proc(5): processor, field 39; the first two are before the parenthesis


def restore_cores(cores: set[int] | None) -> None:
    """Undo `share_one_core`."""
    if cores is not None:
        os.sched_setaffinity(0, cores)


class FirmwareStopped(RuntimeError):
    """The firmware process ended although the supply was on; the text has the end of what it printed."""


def find_micropython() -> str:
    """Path of the `micropython` to run: next to this Python, else on PATH."""
    beside = Path(sys.executable).parent / "micropython"
    if beside.exists():
        return str(beside)
    found = shutil.which("micropython")
    if found is None:
        raise FileNotFoundError(
            "no `micropython` found: run `make setup`, or install MicroPython 1.24 or later (Unix port) on PATH"
        )
    return found


class FirmwareProcess:
    """One life of the firmware: from power-on to power-off or reset.

    The wire is a pair of pipes (two thirds of the round-trip time of a socket). `fileno` is readable when the firmware
    has sent something. `tcp_port` is the port of this computer on which the firmware may listen, None for no network.
    """

    def __init__(self, heap_kib: int = DEFAULT_HEAP_KIB, tcp_port: int | None = None) -> None:
        network = [] if tcp_port is None else [str(tcp_port)]
        self._from_firmware, firmware_out = os.pipe()
        firmware_in, self._to_firmware = os.pipe()
        self._log = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            [
                *(find_micropython(), "-X", f"heapsize={heap_kib}K", str(BOOT)),
                *(str(firmware_in), str(firmware_out), *network),
            ],
            pass_fds=[firmware_in, firmware_out],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "MICROPYPATH": ".frozen"},
            start_new_session=True,  # Ctrl-C is for the bench, which ends the firmware in its own way
        )
        os.close(firmware_in)
        os.close(firmware_out)
        self._open = True
        self._poll = select.poll()
        self._poll.register(self._from_firmware, select.POLLIN)

    def fileno(self) -> int:
        return self._from_firmware

    def has_sent(self, timeout_s: float) -> bool:
        """Wait until there is something to `receive`, `timeout_s` at most; whether there is."""
        return bool(self._poll.poll(timeout_s * 1000))

    def receive(self) -> bytes:
        """What the firmware has sent (waits for something); b"" if the process has ended."""
        return os.read(self._from_firmware, 1 << 16)

    def send(self, data: bytes) -> None:
        """BrokenPipeError if the process has ended."""
        os.write(self._to_firmware, data)

    @property
    def log(self) -> str:
        """What the firmware has printed so far."""
        # pread: the file position is shared with the process that writes
        return os.pread(self._log.fileno(), 1 << 20, 0).decode("utf-8", "replace")

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """As of subprocess: negative for a signal, None while it lives."""
        return self._process.poll()

    def kill(self) -> None:
        """Power off: the process is gone at once, with everything it held in RAM."""
        self._process.kill()
        self.close()

    def close(self) -> None:
        """Let the process end by itself (it does when the wire is gone) and reap it."""
        if self._open:
            self._open = False
            os.close(self._from_firmware)
            os.close(self._to_firmware)
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
