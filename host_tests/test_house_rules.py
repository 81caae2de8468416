"""Rules of the house that a program can check."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.mpycross import FIRMWARE, ROOT, firmware_sources, module_path

# Layers of the firmware, lowest first. A module imports from lower layers, or from its own package.
LAYERS = {
    "drivers": 0,
    "meter.metrology": 1,
    "meter.storage": 1,
    "meter": 2,  # modules beside the packages: what storage keeps and several parts share
    "meter.events": 3,
    "meter.cosem": 3,
    "meter.tariff": 4,
    "meter.comms": 4,
    "meter.comms.dlms": 4,
    "meter.face": 4,
    "meter.battery": 5,
    "meter.journal": 5,
    "meter.measuring": 5,
    "meter.power": 5,
    "meter.signals": 5,
    "meter.store": 5,
    "meter.tariffs": 5,
    "meter.terminals": 5,
    "meter.timekeeping": 5,
    "meter.metering": 5,
    "meter.communication": 5,
    "meter.clearing": 5,
    "meter.meter": 6,
    "main": 7,
}
# MicroPython's own modules that touch the hardware: for drivers, and for the two files that start and restart all.
HARDWARE = {"machine", "rp2", "esp32", "network"}
HARDWARE_USERS = {"drivers", "meter.meter", "main"}

CODE = [
    path
    for folder in ("firmware", "boards", "tools", "host_tests")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "__pycache__" not in path.parts
]


def package_of(module: str) -> str:
    """The entry of LAYERS a dotted module name belongs to."""
    if module in LAYERS and module != "meter":
        return module
    parent = module.rpartition(".")[0]
    if parent == "meter" and (FIRMWARE / Path(*module.split("."))).is_dir():
        return module
    return parent or module


def imports_of(source: Path) -> Iterator[tuple[int, str]]:
    """(line, module) of all imports in a file, resolved to modules where `from package import module` names one."""
    for node in ast.walk(ast.parse(source.read_text(), str(source))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source}:{node.lineno}: relative import"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                is_module = (FIRMWARE / (whole.replace(".", "/") + ".py")).exists()
                yield node.lineno, whole if is_module else str(node.module)


def module_name(source: Path) -> str:
    return module_path(source)[: -len(".py")].replace("/", ".").removesuffix(".__init__")


def wrong_imports(source: Path) -> list[str]:
    """Imports of a firmware file that do not point downward, as readable lines."""
    here = package_of(module_name(source))
    assert here in LAYERS, f"{source}: give the package {here} a place in LAYERS"
    wrong = []
    for line, module in imports_of(source):
        root = module.split(".")[0]
        if root in ("tools", "host_tests", "boards"):
            wrong.append(f"{source}:{line}: firmware imports {module}")
        elif root in HARDWARE and here not in HARDWARE_USERS:
            wrong.append(f"{source}:{line}: {here} imports {module}; only {', '.join(sorted(HARDWARE_USERS))} may")
        elif root in ("drivers", "meter"):
            there = package_of(module)
            if there != here and LAYERS[there] >= LAYERS[here]:
                wrong.append(f"{source}:{line}: {here} imports {module}, which is not below it")
    return wrong


def fail_with(findings: list[str]) -> None:
    """Fail if there are any, with one line each."""
    if findings:
        pytest.fail("\n".join(findings), pytrace=False)


def test_firmware_imports_point_downward() -> None:
    fail_with([line for source in firmware_sources() for line in wrong_imports(source)])


def test_upward_sideways_and_hardware_imports_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The check above finds what it is there to find."""
    bad = tmp_path / "meter" / "comms" / "bad.py"
    bad.parent.mkdir(parents=True)
    bad.write_text(
        "import machine\nfrom meter.meter import Meter\nfrom meter.face import display\nfrom tools import bench\n"
        "from meter.cosem import obis\nimport asyncio\n"
    )
    monkeypatch.setitem(globals(), "module_path", lambda source: source.relative_to(tmp_path).as_posix())
    assert [line.split(":")[1] for line in wrong_imports(bad)] == ["1", "2", "3", "4"]


def test_files_are_short_enough_to_read() -> None:
    """About 400 lines; past 450 a file is surely two."""
    long = {path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines()) for path in CODE}
    assert {name: lines for name, lines in long.items() if lines > 450} == {}


def test_firmware_never_asks_whether_it_is_simulated() -> None:
    asks = re.compile(r"\b(if|elif|while|assert)\b.*(is_sim|simulat|virtual|sys\.platform|host_test)", re.IGNORECASE)
    found = [
        f"{source}:{number}: {line.strip()}"
        for source in firmware_sources()
        for number, line in enumerate(source.read_text().splitlines(), 1)
        if asks.search(line)
    ]
    fail_with(found)


def test_nothing_is_left_open() -> None:
    words = re.compile("|".join(["TO" + "DO", "FIX" + "ME", "X" * 3 + r"\b", "NotImplemented" + "Error"]))
    found = [
        f"{path}:{number}: {line.strip()}"
        for path in CODE
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if words.search(line)
    ]
    fail_with(found)


def test_boards_and_tools_say_what_they_are() -> None:
    folders = [f for base in ("boards", "tools") for f in sorted((ROOT / base).iterdir()) if any(f.glob("*.py"))]
    silent = [
        f"{folder.relative_to(ROOT)} has no README.md of at least 50 words"
        for folder in folders
        if not (folder / "README.md").exists() or len((folder / "README.md").read_text().split()) < 50
    ]
    fail_with(silent)


def test_make_help_lists_every_command() -> None:
    said = subprocess.run(["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    phony = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony
    assert re.findall(r"^  make (\w+) +\S", said, re.MULTILINE) == phony[1].split()
