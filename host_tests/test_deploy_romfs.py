"""The firmware in a ROMFS and frozen: images that MicroPython mounts, deployments, a meter that runs from one."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from host_tests.repl_board import ReplBoard
from tools.bench import Bench, process
from tools.bench.process import BOOT, find_micropython
from tools.deploy import __main__ as command
from tools.deploy import plan
from tools.deploy.plan import Item, make_romfs_plan
from tools.deploy.romfs import make_image
from tools.mpycross import FIRMWARE, ROOT, compile_source, firmware_sources

BOARD = "pico2"
ROOM = 512 * 1024


@pytest.fixture(autouse=True)
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(command, "BUILD", tmp_path / "build")
    return tmp_path / "build"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "board").mkdir()
    return tmp_path / "board"


def deploy(board: ReplBoard) -> int:
    with board:
        status = command.main(["--board", BOARD, "--port", board.port, "--arch", "x64", "--romfs"])
        if status == 0:
            board.wait()
    return status


def on_board(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file() and p.name[0] != "."}


def run_with_rom(image: Path, code: str) -> str:
    """What `code` prints on a board with the image as its /rom and the image's folder as its file system."""
    mount = (
        f"import vfs, sys; rom = open({str(image)!r}, 'rb').read(); vfs.mount(vfs.VfsRom(memoryview(rom)), '/rom')\n"
    )
    done = subprocess.run(
        [find_micropython(), "-c", mount + "sys.path[:] = ['', '.frozen', '/rom']\n" + code],
        cwd=image.parent,
        env={**os.environ, "MICROPYPATH": ".frozen"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_micropython_reads_every_file_of_an_image(tmp_path: Path) -> None:
    paths = ["a.py", "b/c.py", "b/d/e/f.py", "b/d/g.py", "b-h/i.py", "b.py", "j/k/l.py", "m.py"]
    image = tmp_path / "image"
    image.write_bytes(make_image(Item(path, "", path.encode() * n) for n, path in enumerate(paths, 100)))
    code = f"print([open('/rom/' + path).read() == path * n for n, path in enumerate({paths}, 100)])"
    assert run_with_rom(image, code).strip() == str([True] * len(paths))


@pytest.mark.parametrize("name", ["pico2", "esp32s3"])
def test_romfs_and_file_system_hold_what_a_plain_deployment_does(name: str) -> None:
    rom, rest = make_romfs_plan(name)
    assert sorted(item.source for item in rom + rest) == sorted(item.source for item in plan.make_plan(name))
    assert all(item.data[:2] == b"M\x06" and item.path.endswith(".mpy") for item in rom)
    assert [(item.path, item.data) for item in rest] == [("main.py", (FIRMWARE / "main.py").read_bytes())]


def test_dry_run_lists_rom_files_and_the_image(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--board", BOARD, "--romfs", "--dry-run"]) == 0
    *files, total = capsys.readouterr().out.splitlines()
    rom, rest = make_romfs_plan(BOARD)
    assert [line.split()[1] for line in files] == [f"/rom/{item.path}" for item in rom] + ["/main.py"]
    assert int(total.split()[0]) == (build / f"{BOARD}.romfs").stat().st_size == len(make_image(rom))


def test_image_arrives_runs_and_is_written_only_once(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in ("main.py", "board.py", "boot.py", "meter/meter.py", "drivers/fram.mpy"):
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text("of an earlier deployment; all but boot.py would win over /rom")
    assert deploy(board := ReplBoard(root, ROOM)) == 0
    assert set(on_board(root)) == {"boot.py", "main.py"}
    assert on_board(root)["main.py"] == (FIRMWARE / "main.py").read_bytes()
    image = make_image(make_romfs_plan(BOARD, "x64")[0])
    assert board.rom.startswith(image)
    assert (board.feeds_at_reset or 0) > len(image) // 4096  # the watchdog was fed with every block
    assert (
        run_with_rom(root / ".rom", "from drivers.fram import Fram; import meter.meter; print(Fram.size)") == "262144\n"
    )
    capsys.readouterr()

    (root / ".reset").unlink()
    assert deploy(ReplBoard(root, ROOM)) == 0
    assert "ROMFS is up to date, 0 of 1 files written" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("room", "message"),
    [
        (None, "has no ROMFS: the builds for download have none"),
        (0, "has no partition for a ROMFS: "),
        (64 * 1024, r"its ROMFS partition has 65536 bytes, the image \d+"),
    ],
)
def test_board_without_room_is_refused_and_stays_as_it_is(
    room: int | None, message: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {"main.py": b"a meter", "meter/meter.mpy": b"that works"}
    for path, data in before.items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_bytes(data)
    assert deploy(ReplBoard(root, room)) == 1
    assert re.search(message, capsys.readouterr().err)
    assert on_board(root) == before


def test_image_that_did_not_arrive_whole_never_starts_as_a_meter(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "main.py").write_text("import meter.meter")
    assert deploy(ReplBoard(root, ROOM, worn=20)) == 1
    assert "the ROMFS did not arrive whole" in capsys.readouterr().err
    assert on_board(root) == {}
    assert deploy(ReplBoard(root, ROOM)) == 0
    assert set(on_board(root)) == {"main.py"}


def test_a_whole_meter_runs_from_a_romfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Started as always, but the folder of the firmware is a ROMFS: that it counts as from sources is all there is."""
    rom = [*make_romfs_plan(BOARD, "x64")[0], Item("main.mpy", "", compile_source(FIRMWARE / "main.py", "x64"))]
    image, boot = tmp_path / "image", tmp_path / "boot.py"
    image.write_bytes(make_image(rom))
    firmware = f"{BOOT.parent}/../../firmware"  # as boot.py writes it: MicroPython compares mount points as text
    boot.write_text(
        f"import vfs\nwith open({str(image)!r}, 'rb') as f:\n    rom = f.read()\n"
        f"vfs.mount(vfs.VfsRom(memoryview(rom)), {firmware!r})\n"
        f"__file__ = {str(BOOT)!r}\nexec(open(__file__).read())\n"
    )
    from_sources = totals_after_ten_seconds()
    monkeypatch.setattr(process, "BOOT", boot)
    assert totals_after_ten_seconds() == from_sources
    assert sum(from_sources.values()) > 0


def totals_after_ten_seconds() -> dict[str, int]:
    with Bench(seed=1) as bench:
        bench.source.set(u=230, i=5, phi=30)
        bench.run(10)
        assert bench.mcu.restarts == 0 and bench.log == ""
        return bench.totals()


@pytest.mark.parametrize("name", ["pico2", "esp32s3"])
def test_what_is_frozen_is_the_firmware_and_the_board(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the functions of a manifest as MicroPython's docs describe them (reference/manifest)."""
    frozen: list[str] = []
    included: list[str] = []

    class Options:
        def __init__(self, given: dict[str, Any]) -> None:
            self.__dict__ = given

        def defaults(self, **values: Any) -> None:
            self.__dict__ = {**values, **self.__dict__}

    def include(path: str, **options: Any) -> None:
        if path.startswith("$"):
            included.append(path)
        else:
            run(Path(path), options)

    def module(path: str, base_path: str = ".") -> None:
        frozen.append(Path(base_path, path).resolve().relative_to(ROOT).as_posix())

    def package(path: str, files: list[str], base_path: str = ".") -> None:
        for file in files:
            module(f"{path}/{file}", base_path)

    def run(path: Path, options: dict[str, Any]) -> None:
        exec(
            path.read_text(),
            {"options": Options(options), "include": include, "module": module, "package": package},
        )

    monkeypatch.chdir(ROOT / "boards")
    run(ROOT / f"boards/manifest_{name}.py", {})
    wanted = [source.relative_to(ROOT).as_posix() for source in firmware_sources(plan.architecture_of(name))]
    assert sorted(frozen) == sorted([*wanted, f"boards/{name}/board.py"])
    assert included == ["$(PORT_DIR)/boards/manifest.py"]
