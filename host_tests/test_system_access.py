"""Wrong passwords at the whole meter: lock, event log, error register, through a restart, until the seal is broken."""

from __future__ import annotations

from tools.bench import Bench
from tools.bench.iec_client import IecError, IecProgrammer
from tools.bench.uart import VirtualEnd

LOG_IN_FAILED, LOCKED = 180, 94
GOOD, BAD = "00000000", "00000001"


def lets_in(bench: Bench, password: str, level: int = 2) -> bool:
    """Whether a session with this password begins."""
    end = VirtualEnd()
    bench.uarts[0].attach(end)
    client = IecProgrammer(end, bench.run)
    try:
        client.sign_on(password, level)
        return True
    except IecError:
        return False
    finally:
        client.close()
        bench.run(5)
        bench.uarts[0].detach(end)


def test_three_wrong_passwords_lock_the_level_until_the_seal_is_broken() -> None:
    with Bench(seed=5) as bench:
        bench.run(4)
        assert lets_in(bench, GOOD) and [lets_in(bench, BAD) for _ in range(3)] == [False] * 3
        events = [(number, detail) for _, _, number, detail in bench.events() if number in (LOG_IN_FAILED, LOCKED)]
        assert events == [(LOG_IN_FAILED, 2)] * 3 + [(LOCKED, 2)]  # channel 0, level 2
        assert not lets_in(bench, GOOD) and lets_in(bench, GOOD, 1)
        assert bench.read("F.F").value.text == "00000020"
        bench.kill()
        bench.power_on()
        bench.run(5)
        assert bench.read("F.F").value.text == "00000020" and not lets_in(bench, GOOD)
        bench.seal_open = True
        bench.run(2)
        assert bench.read("F.F").value.text == "00000000" and lets_in(bench, GOOD)
