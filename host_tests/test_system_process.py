"""The firmware's process: it ends with its bench, and a bench leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from tools.bench import Bench
from tools.bench.process import ROOT


def test_the_firmware_ends_when_its_bench_dies(tmp_path: Path) -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from tools.bench import Bench\n"
        "bench = Bench(virtual=False).__enter__()\n"
        "bench.run(1)\n"
        "print(bench.mcu.process.pid, flush=True)\n"
        "bench.run(60)\n"
    )
    bench = subprocess.Popen([sys.executable, "-c", program, str(ROOT)], stdout=subprocess.PIPE, text=True)
    assert bench.stdout is not None
    firmware = int(bench.stdout.readline())
    assert Path(f"/proc/{firmware}").exists()
    bench.kill()
    bench.communicate()
    for _ in range(100):
        if not Path(f"/proc/{firmware}").exists():
            return
        time.sleep(0.1)
    os.kill(firmware, 9)
    raise AssertionError("still there 10 s later")


def test_many_lives_leave_no_descriptor_open() -> None:
    with Bench(seed=1) as bench:
        bench.run(1)
        bench.kill()
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(5):
            bench.power_on()
            bench.run(0.5)
            bench.kill()
        assert len(os.listdir("/proc/self/fd")) <= before
