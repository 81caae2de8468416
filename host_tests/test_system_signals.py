"""What the meter notices by itself, on the bench: in the log at its time, in the load profile, and in the tariff."""

from __future__ import annotations

from host_tests.field_service import session
from host_tests.test_system_billing import utc
from tools.bench import Bench

START = utc("2026-06-01T12:14:15")
ROWS = "E1 = not phase_missing and not cover; E2 = phase_missing; E3 = cover; O1 = magnet"
QUARTER = 45  # s behind the start
NO_VOLTAGE, REGULAR = 0x0100_0000, 0x0080_0000  # facts page 1.11
BILLING_RESET, BY_INPUT = 8, 2
SEEN_S = 3  # until a look has seen a value of a second, and the event is in the log


class Watched:
    """A meter whose events are told apart by when they came."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self._seen = bench, len(bench.events())

    def after(self, seconds: float) -> dict[int, float]:
        """Let time pass: the events that came, with how long after the beginning of that they are stamped."""
        begin = START + self.bench.now
        self.bench.run(seconds)
        events = self.bench.events()[self._seen :]
        self._seen += len(events)
        assert len({number for _, _, number, _ in events}) == len(events)
        return {number: at - begin for _, at, number, _ in events}

    def read(self, code: str) -> str:
        with session(self.bench) as client:
            return client.read(code)


def test_events_come_at_their_time_and_signals_switch_the_tariff() -> None:
    with Bench(seed=1, start=START) as bench:
        bench.source.set(u=230, i=5, phi=0)
        bench.seal_open = True
        bench.run(3)
        with session(bench) as client:
            client.write("C.62.0", ROWS)
        watched = Watched(bench)
        assert watched.after(9) == {}

        bench.source.set(u=(200, 230, 230))
        found = watched.after(8)
        assert list(found) == [17] and 3 <= found[17] <= 3 + SEEN_S
        bench.source.set(u=(230, 0, 230))
        found = watched.after(8)
        assert list(found) == [56, 50] and 2 <= found[56] <= 2 + SEEN_S and 3 <= found[50] <= 3 + SEEN_S
        assert watched.read("C.14.0") == "2"
        noticed = bench.now
        bench.source.set(u=230)
        assert watched.after(5) == {}  # none has an event for its end

        bench.terminal_cover_open = True
        found = watched.after(4)
        assert list(found) == [133] and 0 <= found[133] <= SEEN_S
        assert watched.read("C.14.0") == "3"
        bench.magnet = True
        found = watched.after(4)
        assert list(found) == [134] and watched.read("C.3.0") == "00000100"
        bench.magnet = False
        assert list(watched.after(4)) == [188]
        assert noticed < QUARTER < bench.now
        assert int(watched.read("C.10.1")) == NO_VOLTAGE | REGULAR  # status word of the load profile's newest entry

        bench.power_cut()
        bench.terminal_cover_open, bench.front_cover_open = False, True
        bench.power_on()
        assert list(watched.after(6)) == [23, 24, 187, 170]
        bench.front_cover_open = False
        assert list(watched.after(4)) == [171]
        assert watched.read("C.14.0") == "1"

        assert (bench.log, bench.mcu.restarts) == ("", 0)


def test_a_cover_that_is_still_off_does_not_come_off_again_at_each_start() -> None:
    """It makes one billing reset, and after a start its contact closes with the first interval."""
    with Bench(seed=1, start=START, parameters={"reset_lockout_min": 0}) as bench:
        bench.seal_open = True
        bench.run(3)
        with session(bench) as client:
            client.write("C.62.0", "reset = cover; O1 = cover")
        bench.terminal_cover_open = True
        for _ in range(2):
            bench.run(4)
            bench.kill()
            bench.power_on()
        bench.run(4)
        assert [detail for _, _, number, detail in bench.events() if number == BILLING_RESET] == [BY_INPUT]
        edges = bench.outputs[0].edges
        assert [closed for _, closed in edges] == [True, False] * 2 + [True]
        lives = [at for _, at, number, _ in bench.events() if number == 24]
        assert len(lives) == 2 and edges[-1][0] < lives[-1] - START + 2
