"""Formatted-code commands, national commands, and what follows wrong passwords."""

from __future__ import annotations

import pytest

from host_tests.iec_meter import MS, LineMeter
from host_tests.iec_objects import ACK, ANSWER, P1, P2, SIGN_OFF, Objects, ask, begin, error, message
from host_tests.iec_profiles import programming_with
from meter.access import Refused
from meter.comms.formatted_commands import FormattedCommands


class Done(list[str]):
    """Commands that note what they are told."""

    def commands(self) -> FormattedCommands:
        def busy(_text: str) -> None:
            raise OSError

        return FormattedCommands({"C150": (2, self.append), "0.9.1": (1, self._time), "C003": (0, busy)})

    def _time(self, text: str) -> None:
        hour, minute, second = (int(part) for part in text.split(":"))
        if hour > 23:
            raise ValueError
        self.append(text)


def meter_with_commands() -> tuple[LineMeter, Objects, Done]:
    objects, done = Objects(), Done()
    return LineMeter(programming=programming_with(objects, commands=done.commands())), objects, done


@pytest.mark.parametrize("data", ["C150", "C150()"])
@pytest.mark.parametrize("name", ["W2", "W4", "E2"])
def test_a_command_is_executed_at_its_level_with_or_without_parentheses(name: str, data: str) -> None:
    meter, _, done = meter_with_commands()
    begin(meter)
    assert [ask(meter, message(name, data)), done] == [error(4), []]
    assert [ask(meter, P1), ask(meter, message(name, data)), done] == [ACK, error(4), []]
    assert [ask(meter, P2), ask(meter, message(name, data)), done] == [ACK, ACK, [""]]


def test_the_consumers_levels_are_no_higher_than_the_others() -> None:
    done = Done()
    for level, lowest in ((4, 2), (2, 2)):
        FormattedCommands({"C1": (lowest, done.append)}).execute("C1", "x", level)
    for level in (1, 5, 6):
        with pytest.raises(Refused, match="ERR04"):
            done.commands().execute("C150", "", level)
    assert done == ["x", "x"]
    meter, objects, _ = meter_with_commands()
    profile = meter.core._programming.profiles["P.01"]  # type: ignore[union-attr]
    begin(meter)
    for profile.level, client_level, answer in (
        (1, 5, error(4)),
        (2, 1, error(4)),
        (0, 6, b"\x02P.01"),
        (1, 1, b"\x02P.01"),
    ):
        objects.log_in = lambda kind, password, level=client_level: level  # type: ignore[method-assign,misc]
        assert ask(meter, P1) == ACK
        assert ask(meter, message("R5", "P.01(;)")).startswith(answer)


def test_the_national_form_of_setting_the_time_reaches_the_hook() -> None:
    meter, _, done = meter_with_commands()
    begin(meter)
    assert ask(meter, P1) == ACK
    assert ask(meter, message("W2", "0.9.1(13:00:00)")) == ACK
    assert done == ["13:00:00"]
    assert ask(meter, message("W2", "0.9.1(25:00:00)")) == error(5)
    assert ask(meter, message("W2", "0.9.1(x)")) == error(5)
    assert ask(meter, message("W2", "C003(1)")) == error(6)
    assert done == ["13:00:00"]


@pytest.mark.parametrize(
    ("name", "data", "number"),
    [
        ("W2", "C999(1)", 2),
        ("W4", "0.9.2(24-07-15)", 2),
        ("E2", "C999()", 2),
        ("E2", "C.61.5(20)", 2),  # an object is no command
        ("E2", "()", 3),
        ("E2", "C150(1)(2)", 3),
        ("W2", "C150(", 3),
        ("W2", "C150)", 3),
        ("E2", "C1\x0050", 3),
    ],
)
def test_other_commands_are_refused_with_the_reason(name: str, data: str, number: int) -> None:
    meter, objects, done = meter_with_commands()
    begin(meter)
    assert ask(meter, P2) == ACK
    assert ask(meter, message(name, data)) == error(number)
    assert (objects.writes, done) == ([], [])


def test_an_object_may_be_written_with_each_write_command() -> None:
    meter, objects, _ = meter_with_commands()
    begin(meter)
    assert ask(meter, P2) == ACK
    for n in range(1, 6):
        assert ask(meter, message(f"W{n}", f"C.61.5({n})")) == ACK
    assert [text for _, text, _ in objects.writes] == ["1", "2", "3", "4", "5"]
    for n in (1, 2, 3, 4, 5, 6):
        assert ask(meter, message(f"R{n}", "1.8.0()")) == ANSWER


def test_w5_without_a_code_hands_its_password_in() -> None:
    meter, objects, _ = meter_with_commands()
    begin(meter)
    assert ask(meter, message("W5", "(55555555)")) == error(4)
    assert objects.log_ins == [("W5", "55555555")]
    objects.log_in = lambda kind, password: 3 if (kind, password) == ("W5", "55555555") else None  # type: ignore[method-assign]
    assert ask(meter, message("W5", "(55555555)")) == ACK
    assert ask(meter, message("W5", "C.61.5(99)")) == ACK
    assert objects.writes == [("C.61.5", "99", 3)]


# --- what follows a wrong password -----------------------------------------------------------------------------------


class Strict(Objects):
    """After a wrong password none is looked at for a while, each time twice as long."""

    def __init__(self) -> None:
        super().__init__()
        self.penalty_ms = 0

    def log_in(self, kind: str, password: str) -> int | None:
        level = super().log_in(kind, password)
        self.penalty_ms = 0 if level is not None else max(500, 2 * self.penalty_ms)
        return level


class StrictByMethod(Objects):
    """The same penalty at all times, by a method."""

    def penalty_ms(self) -> int:
        return 700


WRONG = message("P1", "(1)")


def answer_time(meter: LineMeter, command: bytes, wait_s: float = 0.2) -> tuple[bytes, int]:
    """The answer, and how long it took to begin (ms)."""
    meter.run(wait_s)
    count = len(meter.sent)
    out = meter.say(command, 9600)
    meter.run(2)
    assert len(meter.sent) == count + 1
    return meter.sent[-1].data, (meter.sent[-1].begin_ns - out) // MS


def test_the_answer_to_a_wrong_password_is_late_but_inside_the_window() -> None:
    objects = Strict()
    meter = LineMeter(access=objects)
    begin(meter)
    for penalty in (500, 1000):
        text, ms = answer_time(meter, WRONG)
        assert text == error(4)
        assert penalty <= ms <= penalty + 60
    meter.run(1)
    assert answer_time(meter, P1)[1] <= 260
    objects.penalty_ms = 100_000
    text, ms = answer_time(meter, WRONG)
    assert text == SIGN_OFF  # the third
    assert 1440 <= ms <= 1500


def test_while_locked_no_password_is_looked_at_and_the_good_one_helps_no_more_than_another() -> None:
    objects = Strict()
    objects.penalty_ms = 5000
    meter = LineMeter(access=objects)
    begin(meter)
    assert answer_time(meter, WRONG)[0] == error(4)  # locked for 10 s
    for _ in range(4):
        text, ms = answer_time(meter, P1)
        assert text == error(4)
        assert 200 <= ms <= 1500
    assert len(objects.log_ins) == 1
    assert ask(meter, message("W1", "C.61.5(20)")) == error(4)
    meter.run(2)
    assert ask(meter, P1) == ACK


def test_a_log_in_while_locked_takes_the_level_away_and_the_lock_outlives_the_session() -> None:
    objects = Strict()
    meter = LineMeter(access=objects)
    begin(meter)
    assert ask(meter, P2) == ACK
    objects.penalty_ms = 15_000
    assert ask(meter, WRONG) == error(4)  # 30 s
    assert ask(meter, SIGN_OFF) == b""
    begin(meter)
    assert ask(meter, P2) == error(4)
    assert len(objects.log_ins) == 2
    assert ask(meter, message("W1", "C.61.5(20)")) == error(4)
    meter.run(30)
    assert ask(meter, P2) == ACK


def test_the_penalty_may_be_a_method_and_ticks_may_wrap() -> None:
    for before in (0, 4000, 8000):
        objects = StrictByMethod()
        meter = LineMeter(access=objects, start_ms=(1 << 30) - before)
        begin(meter)
        text, ms = answer_time(meter, WRONG)
        assert text == error(4)
        assert 700 <= ms <= 760
        assert ask(meter, P1) == ACK


def test_an_access_without_penalty_answers_at_once() -> None:
    meter = LineMeter(access=Objects())
    begin(meter)
    assert answer_time(meter, WRONG)[1] <= 260
    assert ask(meter, P1) == ACK
