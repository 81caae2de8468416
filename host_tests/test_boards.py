"""Pins of the boards: README and code agree, no pin twice, and every pin has the function it is used for."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tools.mpycross import ROOT

BOARDS = ROOT / "boards"
ESP32S3_TAKEN = {0, 3, 45, 46, 19, 20, 35, 36, 37, 43, 44, 38, 48, *range(22, 35)}
# Pico 2 header: GPIO -> pin, from its pin-out drawing
PICO2_HEADER = dict(
    zip(
        [*range(23), 26, 27, 28],
        [1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 16, 17, 19, 20, 21, 22, 24, 25, 26, 27, 29, 31, 32, 34],
        strict=True,
    )
)
BUSES = {"SPI": ("sck", "mosi", "miso"), "UART": ("tx", "rx"), "I2C": ("sda", "scl")}


class Recorder(ModuleType):
    """A `machine` that remembers how its classes were called."""

    def __init__(self) -> None:
        super().__init__("machine")
        self.made: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

        def maker(name: str) -> type:
            def init(this: Any, *args: Any, **settings: Any) -> None:
                this.args, this.settings = args, settings
                self.made.append((name, args, settings))

            return type(name, (), {"__init__": init, "IN": "in", "OUT": "out", "PULL_UP": "up", "PULL_DOWN": "down"})

        for name in ("I2C", "SPI", "UART", "WDT", "Pin"):
            setattr(self, name, maker(name))
        self.I2C.writeto = lambda _bus, _address, data: len(data)


def load(board: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Recorder]:
    """The board's module and the calls its Board() makes."""
    machine = Recorder()
    monkeypatch.setitem(sys.modules, "machine", machine)
    spec = importlib.util.spec_from_file_location(f"board_{board}", BOARDS / board / "board.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module, machine


def table(board: str) -> dict[str, list[str]]:
    """Rows of the README's wiring table: signal -> the other cells."""
    text = (BOARDS / board / "README.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (GP(?:IO)?\d.+) \|$", text, re.MULTILINE)
    return {signal: [cell.strip() for cell in rest.split("|")] for signal, rest in rows}


def kept(board: str) -> dict[str, int]:
    """Rows of the README's table of pins kept for later: purpose -> GPIO."""
    text = (BOARDS / board / "README.md").read_text()
    return {what: int(pin) for what, pin in re.findall(r"^\| ([^|`]+) \| GP(?:IO)?(\d+) \|", text, re.MULTILINE)}


def buses(machine: Recorder) -> list[tuple[str, int, dict[str, int]]]:
    """(class, bus number, {role: GPIO}) of all buses the board makes."""
    return [
        (kind, args[0], {role: settings[role].args[0] for role in BUSES[kind]})
        for kind, args, settings in machine.made
        if kind in BUSES
    ]


@pytest.mark.parametrize("board", ["pico2", "esp32s3"])
def test_readme_table_is_what_the_code_does(board: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, _ = load(board, monkeypatch)
    assert {s: int(re.sub(r"\D", "", cells[0])) for s, cells in table(board).items()} == module.PINS


@pytest.mark.parametrize("board", ["pico2", "esp32s3"])
def test_readme_table_of_the_expander_is_what_the_code_does(board: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Microchip DS20001952, table 1-1: GPA0..7 are pins 21..28, GPB0..7 1..8; GPA7 and GPB7 are outputs only."""
    module, _ = load(board, monkeypatch)
    text = (BOARDS / board / "README.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| GP([AB])(\d) \| (\d+) \| (\w+)", text, re.MULTILINE)
    assert {signal: "AB".index(port) * 8 + int(n) for signal, port, n, _, _ in rows} == module.EXPANDER
    assert all(int(pin) == int(n) + {"A": 21, "B": 1}[port] for _, port, n, pin, _ in rows)
    assert len(set(module.EXPANDER.values())) == len(module.EXPANDER)
    assert all(direction == "out" for _, _, n, _, direction in rows if n == "7")
    board_made = module.Board()
    assert [output._n for output in board_made.outputs] == [0, 1, 2, 3, 4, 5] and board_made.relay._n == 7
    assert len(board_made.control_inputs) == 4


@pytest.mark.parametrize("board", ["pico2", "esp32s3"])
def test_no_pin_is_used_twice(board: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, _ = load(board, monkeypatch)
    pins = [*module.PINS.values(), *kept(board).values()]
    assert len(set(pins)) == len(pins)


@pytest.mark.parametrize("board", ["pico2", "esp32s3"])
def test_board_uses_all_its_pins_and_only_those(board: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, machine = load(board, monkeypatch)
    module.Board()
    used = sorted({args[0] for kind, args, _ in machine.made if kind == "Pin"})
    assert used == sorted(module.PINS.values())


@pytest.mark.parametrize("board", ["pico2", "esp32s3"])
def test_readme_names_the_peripheral_of_each_bus_pin(board: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, machine = load(board, monkeypatch)
    module.Board()
    peripheral = {cells[0]: cells[-3] for cells in table(board).values()}
    prefix = "GP" if board == "pico2" else "GPIO"
    for kind, number, pins in buses(machine):
        if board == "esp32s3" and kind == "SPI":
            number += 1  # MicroPython's SPI(1) is the chip's SPI2 (ports/esp32/machine_hw_spi.c)
        for role, pin in pins.items():
            said = peripheral[f"{prefix}{pin}"].split()
            names = {"mosi": {"MOSI", "TX"}, "miso": {"MISO", "RX"}}.get(role, {role.upper()})
            assert said[0] == f"{kind}{number}" and said[1] in names, (pin, said)


def test_pico2_pins_have_the_functions_they_are_used_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """RP2350 data sheet, "GPIO Bank 0 functions": F1 SPI, F2 UART, F3 I2C repeat over the pins in fixed patterns."""
    module, machine = load("pico2", monkeypatch)
    module.Board()
    found = buses(machine)
    assert len(found) == 5
    for kind, number, pins in found:
        for role, pin in pins.items():
            if kind == "SPI":  # per four pins RX, CS, SCK, TX; eight pins each to SPI0 and SPI1 in turn
                assert (pin % 4, pin // 8 % 2) == ({"miso": 0, "sck": 2, "mosi": 3}[role], number), (role, pin)
            elif kind == "UART":  # per four pins TX, RX, CTS, RTS; UART0 on 0-3 and 12-19, UART1 on 4-11 and 20-27
                assert (pin % 4, (pin + 4) // 8 % 2) == ({"tx": 0, "rx": 1}[role], number), (role, pin)
            else:  # per two pins SDA, SCL; two pins each to I2C0 and I2C1 in turn
                assert (pin % 2, pin // 2 % 2) == ({"sda": 0, "scl": 1}[role], number), (role, pin)


def test_pico2_header_pins_are_right() -> None:
    rows = [(int(cells[0][2:]), int(cells[1])) for cells in table("pico2").values()]
    text = (BOARDS / "pico2" / "README.md").read_text()
    rows += [(int(a), int(b)) for a, b in re.findall(r"\| GP(\d+) \| (\d+) \|$", text, re.MULTILINE)]
    assert len(rows) == len(table("pico2")) + len(kept("pico2"))
    assert all(PICO2_HEADER[gpio] == header for gpio, header in rows)


def test_pico2_never_relies_on_a_pull_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """RP2350 erratum E9."""
    module, machine = load("pico2", monkeypatch)
    module.Board()
    assert not [args for kind, args, _ in machine.made if kind == "Pin" and "down" in args]


def test_esp32s3_stays_off_the_pins_the_module_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    module, _ = load("esp32s3", monkeypatch)
    assert not ESP32S3_TAKEN & {*module.PINS.values(), *kept("esp32s3").values()}
    assert max(module.PINS.values()) <= 48


def test_esp32s3_metering_spi_is_on_the_direct_pins(monkeypatch: pytest.MonkeyPatch) -> None:
    """ESP32-S3 data sheet, IO_MUX table: FSPI (SPI2) clock 12, data out 11, data in 13."""
    module, machine = load("esp32s3", monkeypatch)
    module.Board()
    assert ("SPI", 1, {"sck": 12, "mosi": 11, "miso": 13}) in buses(machine)


@pytest.mark.parametrize("board", ["pico2", "esp32s3"])
def test_boards_offer_the_same_as_the_virtual_one(board: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, _ = load(board, monkeypatch)
    virtual = (BOARDS / "virtual" / "board.py").read_text()
    made = set(re.findall(r"self\.(\w+) =", virtual))
    assert made and made <= set(vars(module.Board()))
    assert {"name", "type_designation", "ANALOG"} <= set(vars(module.Board))
    assert module.Board.name == board


@pytest.mark.parametrize("board", ["pico2", "esp32s3"])
def test_analogue_full_scale_is_that_of_the_design(board: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """0.5 ** 0.5 V at the chip's pins: 2500:1 into 150 ohm, and 1 Mohm over 1 kohm."""
    module, _ = load(board, monkeypatch)
    full = 0.5**0.5
    assert module.Board.ANALOG["i_full_scale_nA"] == pytest.approx(full / (150 / 2500) * 1e9, rel=1e-8)
    assert module.Board.ANALOG["u_full_scale_uV"] == pytest.approx(full * 1001 * 1e6, rel=1e-8)


def test_analogue_full_scale_of_the_shield_in_the_readme() -> None:
    text = Path(BOARDS / "README.md").read_text()
    full = 0.5**0.5
    assert f"{round(full / (2 * 5.1 / 2500) * 1e9):_}" in text
    assert f"{round(full * 801 * 1e6):_}" in text


@pytest.mark.parametrize("board", ["pico2", "esp32s3"])
def test_watchdog_fits_the_microcontroller(board: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """RP2350: 2**24 microseconds at two counts each, 8388 ms."""
    module, machine = load(board, monkeypatch)
    module.Board().watchdog()
    (timeout,) = [settings["timeout"] for kind, _, settings in machine.made if kind == "WDT"]
    assert 1000 < timeout <= 8388
