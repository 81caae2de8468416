"""Command line of the deploy tool."""

from __future__ import annotations

import argparse
import sys
from os.path import relpath
from pathlib import Path

from tools.deploy.plan import (
    ARCHITECTURES,
    Item,
    UnknownBoard,
    architecture_of,
    folders,
    make_plan,
    make_romfs_plan,
)
from tools.deploy.romfs import make_image
from tools.deploy.target import BoardError, BoardFiles
from tools.mpycross import ARCHITECTURE_NUMBERS, ROOT, CompileError, can_load

BUILD = ROOT / "build"
ENDS = (".py", ".mpy")
DATA = 72 << 10  # bytes, of the running meter on a 32-bit target (`make size`)


def list_files(items: list[Item], root: str = "/") -> None:
    """Print every file with its size, target path and source."""
    for item in items:
        print(f"{len(item.data):7d}  {root + item.path:<45} {item.source}")


def list_plan(items: list[Item]) -> None:
    """Print every file, and the total."""
    list_files(items)
    print(f"{sum(len(item.data) for item in items):7d}  bytes in {len(items)} files")


def check_architecture(target: BoardFiles, architecture: str) -> None:
    """Raise BoardError unless the board's MicroPython loads what was compiled."""
    names = {number: name for name, number in ARCHITECTURE_NUMBERS.items()}
    if target.mpy_version != 6:
        raise BoardError(f"its MicroPython loads .mpy version {target.mpy_version}, not 6: flash 1.24 or later")
    if not can_load(target.native_architecture, ARCHITECTURE_NUMBERS[architecture]):
        loads = names.get(target.native_architecture, f"architecture {target.native_architecture}")
        raise BoardError(
            f"its MicroPython ({target.description}) loads {loads}, not {architecture}: "
            f"wrong board, or --arch {loads} for another build of it"
        )


def top_folders(items: list[Item]) -> list[str]:
    return [folder for folder in folders(items) if "/" not in folder]


def stale(target: BoardFiles, items: list[Item], rom: list[Item] | None = None) -> list[str]:
    """Files of earlier deployments: MicroPython would prefer an old x.py to the new x.mpy, and both to `rom`."""
    wanted = {item.path for item in items}
    everything = items + (rom or [])
    found = [path for folder in top_folders(everything) for path in target.files_in(folder)]
    at_root = [Path(item.path).with_suffix(end).name for item in rom or [] if "/" not in item.path for end in ENDS]
    found += [path for path in at_root if target.exists(path)]
    return [path for path in found if path not in wanted]


def remove(target: BoardFiles, paths: list[str]) -> None:
    for path in paths:
        print(f"  removed  /{path}")
        target.remove(path)


def copy(target: BoardFiles, items: list[Item]) -> int:
    """Write what the board does not hold yet; returns how many files that were.

    main.py is taken away first and comes back last, so that a copy broken off never starts as a meter.
    """
    for folder in folders(items):
        target.make_folder(folder)
    pending = [item for item in items if not target.holds(item.path, item.data)]
    if not pending:
        return 0
    if pending[-1] is not items[-1]:
        pending.append(items[-1])
    if target.exists(items[-1].path):
        target.remove(items[-1].path)
    for number, item in enumerate(pending, 1):
        label = f"[{number}/{len(pending)}] /{item.path}"

        def show(done: int, label: str = label, size: int = len(item.data)) -> None:
            if sys.stdout.isatty():
                print(f"\r  {done * 100 // size:3d} %  {label}", end="", flush=True)

        target.write(item.path, item.data, show)
        print(f"{chr(13) if sys.stdout.isatty() else ''}  100 %  {label}")
    return len(pending)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.deploy", description="Put the meter's firmware on a board.")
    parser.add_argument("--board", metavar="NAME", help=", ".join(sorted(ARCHITECTURES)))
    parser.add_argument("--port", help="serial port of the board, such as /dev/ttyACM0")
    parser.add_argument("--arch", choices=sorted(ARCHITECTURE_NUMBERS), help="compile for another build of MicroPython")
    parser.add_argument("--romfs", action="store_true", help="into the board's ROMFS, where code runs in place")
    parser.add_argument("--dry-run", action="store_true", help="list what would be copied; needs no board")
    options = parser.parse_args(arguments)
    if options.board is None:
        parser.error(f"which board? --board {' or '.join(sorted(ARCHITECTURES))}")
    if not options.dry_run and options.port is None:
        parser.error("which port? --port /dev/ttyACM0, or --dry-run to see what would be copied")
    return options


def connect(options: argparse.Namespace, architecture: str) -> BoardFiles:
    """The board at the port, if its MicroPython loads what was compiled. Raises BoardError."""
    target = BoardFiles(options.port)
    try:
        check_architecture(target, architecture)
    except BoardError:
        target.close()
        raise
    print(f"{options.board}: {target.description}")
    return target


def warn_of_memory(heap: int, items: list[Item]) -> None:
    """Say beforehand if a board has not the RAM for a firmware that is loaded from files."""
    wanted = sum(len(item.data) for item in items if item.path.endswith(".mpy")) * 3 // 2 + DATA
    if wanted > heap:
        print(
            f"warning: loaded from files, code and data take about {wanted >> 10} KiB of RAM, and MicroPython has"
            f" {heap >> 10} KiB here: use --romfs, or freeze the firmware (boards/README.md)",
            file=sys.stderr,
        )


def deploy(options: argparse.Namespace) -> None:
    """Every file to the board's file system."""
    architecture = options.arch or architecture_of(options.board)
    items = make_plan(options.board, architecture)
    if options.dry_run:
        list_plan(items)
        return
    target = connect(options, architecture)
    try:
        warn_of_memory(target.heap(), items)
        remove(target, stale(target, items))
        written = copy(target, items)
        print(f"{written} of {len(items)} files written, the others are up to date; restarting")
    except BaseException:
        target.close()
        raise
    target.restart()


def deploy_romfs(options: argparse.Namespace) -> None:
    """All to the board's ROMFS but what must be on the file system. The image stays in build/."""
    architecture = options.arch or architecture_of(options.board)
    rom, items = make_romfs_plan(options.board, architecture)
    image = make_image(rom)
    BUILD.mkdir(exist_ok=True)
    path = BUILD / f"{options.board}.romfs"
    path.write_bytes(image)
    if options.dry_run:
        list_files(rom, "/rom/")
        list_files(items)
        print(f"{len(image):7d}  bytes of ROMFS image, {relpath(path)}")
        return
    target = connect(options, architecture)
    try:
        room = target.rom_size()
        if len(image) > room:
            raise BoardError(
                f"its ROMFS partition has {room} bytes, the image {len(image)}: build it with a larger one"
            )
        old = stale(target, items, rom)
        same = target.rom_holds(image)
        if (old or not same) and target.exists("main.py"):
            target.remove("main.py")  # as in `copy`: what is broken off never starts as a meter
        remove(target, old)
        for folder in top_folders(rom):
            target.remove_empty(folder)  # even an empty one would be taken for the package of that name in /rom
        if not same:
            target.write_rom(path)
        written = copy(target, items)
        print(f"ROMFS {'is up to date' if same else 'written'}, {written} of {len(items)} files written; restarting")
    except BaseException:
        target.close()
        raise
    target.restart()


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    try:
        (deploy_romfs if options.romfs else deploy)(options)
    except (UnknownBoard, CompileError, BoardError) as error:
        print(f"deploy: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
