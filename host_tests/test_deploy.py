"""The deploy tool: its plan, its messages, and whole deployments onto a real MicroPython behind a serial port."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from host_tests.repl_board import ReplBoard
from tools import mpycross
from tools.bench.process import find_micropython
from tools.deploy import __main__ as command
from tools.deploy import plan
from tools.mpycross import FIRMWARE, ROOT, firmware_sources, mpy_architecture


@pytest.fixture
def board(tmp_path: Path) -> Iterator[ReplBoard]:
    root = tmp_path / "board"
    root.mkdir()
    with ReplBoard(root) as answering:
        yield answering


def on_board(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file() and p.name[0] != "."}


@pytest.mark.parametrize("name", ["pico2", "esp32s3"])
def test_plan_holds_every_firmware_file_once_and_the_board(name: str) -> None:
    items = plan.make_plan(name)
    sources = firmware_sources(plan.architecture_of(name))
    assert sorted(item.source for item in items) == sorted(
        [f"boards/{name}/board.py", *(p.relative_to(ROOT).as_posix() for p in sources)]
    )
    assert len({item.path for item in items}) == len(items)


def test_assembler_goes_to_the_processor_it_is_for() -> None:
    names = {"drivers/ade9000_crc_m33.mpy", "meter/metrology/kernels_m33.mpy"}
    assert names <= {item.path for item in plan.make_plan("pico2")}
    for board, architecture in (("esp32s3", None), ("pico2", "rv32imc")):
        assert not names & {item.path for item in plan.make_plan(board, architecture)}


def test_main_and_board_stay_source_and_all_else_is_compiled() -> None:
    items = {item.path: item for item in plan.make_plan("pico2")}
    assert items["main.py"].data == (FIRMWARE / "main.py").read_bytes()
    assert items["board.py"].data == (ROOT / "boards/pico2/board.py").read_bytes()
    assert {path for path in items if path.endswith(".py")} == {"main.py", "board.py"}
    assert items["drivers/fram.mpy"].source == "firmware/drivers/fram.py"
    assert all(item.data[:2] == b"M\x06" for path, item in items.items() if path.endswith(".mpy"))


def test_folders_come_parents_first() -> None:
    found = plan.folders(plan.make_plan("pico2"))
    assert found.index("meter") < found.index("meter/storage")
    assert "drivers" in found


def test_dry_run_lists_every_file_with_size_and_target(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--board", "esp32s3", "--dry-run"]) == 0
    *lines, total = capsys.readouterr().out.splitlines()
    items = plan.make_plan("esp32s3")
    rows = [re.fullmatch(r" *(\d+)  /(\S+) +(\S+)", line) for line in lines]
    assert [(int(r[1]), r[2], r[3]) for r in rows if r] == [(len(i.data), i.path, i.source) for i in items]
    assert total.split() == [str(sum(len(i.data) for i in items)), "bytes", "in", str(len(items)), "files"]


def test_make_deploy_passes_board_and_arguments_on() -> None:
    said = subprocess.run(
        ["make", "-n", "deploy", "BOARD=pico2", "PORT=/dev/ttyACM0", "ARGS=--dry-run"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "-m tools.deploy --board pico2 --port /dev/ttyACM0 --dry-run" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--board", "pico3", "--dry-run"], "no board 'pico3'; there are: esp32s3, pico2"),
        (["--board", "pico2", "--port", "/dev/no-such-port"], "cannot open /dev/no-such-port"),
    ],
)
def test_mistakes_are_named(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(arguments) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"), [(["--board", "pico2"], "which port?"), (["--dry-run"], "which board?")]
)
def test_missing_arguments_are_asked_for(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        command.main(arguments)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_compile_error_names_file_and_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "firmware" / "drivers" / "broken.py"
    broken.parent.mkdir(parents=True)
    broken.write_text("x = 1\ndef f(:\n")
    monkeypatch.setattr(plan, "firmware_sources", lambda architecture: [broken])
    monkeypatch.setattr(plan, "ROOT", tmp_path)
    monkeypatch.setattr(plan, "BOARDS", tmp_path / "boards")
    monkeypatch.setattr(mpycross, "FIRMWARE", tmp_path / "firmware")
    assert command.main(["--board", "pico2", "--dry-run"]) == 1
    said = capsys.readouterr().err
    assert f'File "{broken}", line 2' in said
    assert "SyntaxError" in said


def test_whole_firmware_arrives_runs_and_is_copied_only_once(
    board: ReplBoard, capsys: pytest.CaptureFixture[str]
) -> None:
    (board.root / "meter").mkdir()
    (board.root / "meter" / "meter.py").write_text("an older deployment's source, which would win over meter.mpy")
    items = plan.make_plan("pico2", "x64")
    assert command.main(["--board", "pico2", "--port", board.port, "--arch", "x64"]) == 0
    board.wait()
    assert on_board(board.root) == {item.path: item.data for item in items}
    written = [line.split("/", 2)[2] for line in capsys.readouterr().out.splitlines() if line.startswith("  100 %")]
    assert written[-1] == "main.py"
    # the watchdog was fed with every chunk
    assert (board.feeds_at_reset or 0) > sum(len(item.data) for item in items) // 256
    # what arrived is loaded and works
    probe = "from meter.cosem.obis import *; from drivers.fram import Fram; print(Fram.size)"
    ran = subprocess.run(
        [find_micropython(), "-c", probe], cwd=board.root, env={"MICROPYPATH": ""}, capture_output=True, text=True
    )
    assert (ran.stdout, ran.stderr) == ("262144\n", "")

    with ReplBoard(board.root) as again:
        assert command.main(["--board", "pico2", "--port", again.port, "--arch", "x64"]) == 0
    assert f"0 of {len(items)} files written" in capsys.readouterr().out


def test_changed_file_alone_is_written_and_main_after_it(
    board: ReplBoard, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for item in plan.make_plan("pico2", "x64"):
        place = board.root / item.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(item.data)
    (board.root / "drivers" / "fram.mpy").write_bytes(b"damaged")
    assert command.main(["--board", "pico2", "--port", board.port, "--arch", "x64"]) == 0
    said = capsys.readouterr().out
    assert re.findall(r"100 %  (\[.*)", said) == ["[1/2] /drivers/fram.mpy", "[2/2] /main.py"]


def test_other_architecture_is_refused_before_anything_is_written(
    board: ReplBoard, capsys: pytest.CaptureFixture[str]
) -> None:
    assert mpy_architecture(plan.make_plan("pico2")[-2].data) in (0, 7)
    assert command.main(["--board", "pico2", "--port", board.port]) == 1
    assert re.search(r"loads x64, not armv7emsp: wrong board, or --arch x64", capsys.readouterr().err)
    assert on_board(board.root) == {}


def test_full_file_system_is_reported(board: ReplBoard, capsys: pytest.CaptureFixture[str]) -> None:
    (board.root / "meter").write_text("a file where a folder must be")
    assert command.main(["--board", "pico2", "--port", board.port, "--arch", "x64"]) == 1
    assert "deploy: the board refuses: OSError" in capsys.readouterr().err


def test_a_board_without_the_ram_for_code_from_files_is_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    items = plan.make_plan("pico2", "armv7emsp")
    command.warn_of_memory(450 << 10, items)  # a Pico 2
    assert "MicroPython has 450 KiB here: use --romfs" in capsys.readouterr().err
    command.warn_of_memory(8 << 20, items)  # with PSRAM
    assert capsys.readouterr().err == ""
