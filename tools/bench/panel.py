"""A live meter in the terminal: its display, its load and its ports; keys change the load."""

from __future__ import annotations

import os
import select
import sys
import termios
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel as Frame
from rich.table import Table
from rich.text import Text

from tools.bench.bench import Bench
from tools.bench.lcd import glass, patterns
from tools.bench.source import NETWORKS

_REFRESH_HZ = 4
_KEYS = "+/- current   </> phase angle   m mains on/off   s seal   1-4 control inputs   q quit"
# What the rows of the load table are: a source without neutral has no phase values (source.Truth)
_PHASES = ("L1", "L2", "L3")
_ARON = ("L1 (U12)", "L2 (U31)", "L3 (U32)")
_CLIENT = (
    "{python} -c \"from iec62056_21.client import Iec6205621Client as C; c = C.with_serial_transport('{port}'); "
    "c.connect(); "
    "print(*(f'{{d.address}} {{d.value}} {{d.unit or str()}}' for d in c.standard_readout().data), sep=chr(10))\""
)
_CURRENT_STEP, _ANGLE_STEP = 0.5, 15.0
_CURRENT_MAX = 10.0


def _rows(lit: frozenset[int], digits: object, points: bytes) -> list[str]:
    """Three rows of text that draw seven-segment digits."""
    rows = ["", "", ""]
    for place, pattern in enumerate(patterns(lit, digits)):  # type: ignore[arg-type]
        a, b, c, d, e, f, g = (pattern >> n & 1 for n in range(7))
        dot = "." if place < len(points) and points[place] in lit else " "
        rows[0] += f" {'_' if a else ' '}  "
        rows[1] += f"{'|' if f else ' '}{'_' if g else ' '}{'|' if b else ' '} "
        rows[2] += f"{'|' if e else ' '}{'_' if d else ' '}{'|' if c else ' '}{dot}"
    return rows


def print_ports(bench: Bench) -> None:
    """Say where the ports of a live meter are, and how it is read."""
    for uart in bench.uarts:
        for end in uart.open_ends():
            print(f"{uart.name:8} {end.name}")
    print(f"{'network':8} 127.0.0.1:{bench.tcp_port}")
    port = bench.uarts[0].open_ends()[0].name
    print("\nRead it with the PyPI client iec62056-21, from another terminal:\n")
    print(f"  {_CLIENT.format(python=sys.executable, port=port)}\n")
    print("or with DLMS, in this folder:\n")
    address = f"localhost:{bench.tcp_port}"
    print(f"  {sys.executable} -m tools.meter --tcp {address} read 1.8.0 32.7.0 0-0:1.0.0\n", flush=True)


class Panel:
    """The terminal view of one bench in real time."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.console = Console()
        self._on = True

    def run(self, once: bool = False) -> None:
        """Show the ports, then the meter until `q` or Ctrl-C; without a terminal a line at each change."""
        print_ports(self.bench)
        try:
            if once:
                self.bench.run(3.0)
                print(self.bench.lcd)
            elif sys.stdin.isatty() and self.console.is_terminal:
                self._live()
            else:
                self._lines()
        except KeyboardInterrupt:
            pass

    def _lines(self) -> None:
        shown = ""
        while True:
            text = str(self.bench.lcd)
            if text != shown:
                print(text, flush=True)
                shown = text
            self.bench.run(1 / _REFRESH_HZ)

    def _live(self) -> None:
        with _raw_keys(), Live(console=self.console, refresh_per_second=_REFRESH_HZ) as live:
            while True:
                live.update(self._picture())
                end = time.monotonic() + 1 / _REFRESH_HZ
                while (left := end - time.monotonic()) > 0:
                    if select.select([sys.stdin], [], [], left)[0] and not self._keys():
                        return
                self.bench.run(0)

    def _keys(self) -> bool:
        """Act on the keys pressed; false ends the view."""
        # past Python's buffer, in which select does not see what is left
        keys = os.read(sys.stdin.fileno(), 64).decode(errors="ignore")
        going_on = bool(keys)
        for key in keys:
            going_on &= self._key(key)
        return going_on

    def _key(self, key: str) -> bool:
        with self.bench.hold:
            setting = self.bench.source.setting
            if key in "+-":
                step = _CURRENT_STEP if key == "+" else -_CURRENT_STEP
                self.bench.source.set(i=[min(_CURRENT_MAX, max(0.0, i + step)) for i in setting.i])
            elif key in "<>":
                step = _ANGLE_STEP if key == ">" else -_ANGLE_STEP
                self.bench.source.set(phi=[(phi + step + 180) % 360 - 180 for phi in setting.phi])
            elif key == "m":
                self._on = not self._on
                if self._on:
                    self.bench.power_on()
                else:
                    self.bench.mains_off()
            elif key == "s":
                self.bench.seal_open = not self.bench.seal_open
            elif key in "1234":
                self.bench.inputs = tuple(on != (n == int(key)) for n, on in enumerate(self.bench.inputs, 1))
        return key != "q"

    def _picture(self) -> Frame:
        with self.bench.hold:
            lcd, truth, leds = self.bench.lcd, self.bench.source.truth(), self.bench.leds
            lit = lcd.lit
        index = _rows(lit, glass.INDEX_DIGITS, glass.INDEX_POINTS)
        value = _rows(lit, glass.VALUE_DIGITS, glass.VALUE_POINTS)
        rows = (f"{left}    {right}" for left, right in zip(index, value, strict=True))
        glass_text = Text("\n".join(rows), style="bold")
        glass_text.append("   " + lcd.unit + "\n\n" + "  ".join(sorted(lcd.symbols)))
        load = Table("", "U / V", "I / A", "P / W", "Q / var", box=None)
        names = _ARON if self.bench.network == "3P3W" else _PHASES
        for n in NETWORKS[self.bench.network]:
            load.add_row(names[n], *(f"{x[n]:.1f}" for x in (truth.u, truth.i, truth.p, truth.q)))
        load.add_row("total", "", "", f"{truth.p_total:.1f}", f"{truth.q_total:.1f}")
        flashes = f"test LEDs: active {len(leds.active)}, reactive {len(leds.reactive)} flashes"
        state = "mains on" if self._on else "mains off"
        state += "   seal broken" if self.bench.seal_open else ""
        on = [str(n) for n, voltage in enumerate(self.bench.inputs, 1) if voltage]
        state += f"   inputs {' '.join(on)}" if on else ""
        body = Group(Frame(glass_text), load, Text(f"{flashes}   {state}"), Text(_KEYS, style="dim"))
        title = f"{self.bench.type}  {self.bench.serial}  {self.bench.network}"
        return Frame(body, title=title, width=86)


@contextmanager
def _raw_keys() -> Iterator[None]:
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
