"""Commands of the web panel: what they do to the bench, and that nothing changes when they are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tools.bench import Bench
from tools.panel.actions import ACTIONS, PRESETS, perform
from tools.panel.checks import Refused


@pytest.fixture
def bench() -> Bench:
    """Not switched on: commands reach its hardware all the same."""
    bench = Bench()
    bench.source.set(u=230, i=5, phi=30)
    return bench


def condition(bench: Bench) -> tuple[Any, ...]:
    return bench.source.setting, bench.inputs, bench.seal_open, bench.temperature, bench.mains_on, bench.source.epoch


def test_the_load_is_set_phase_by_phase_and_the_rest_stays(bench: Bench) -> None:
    perform(bench, "load", {"i": [1, 2, 3], "f": 49.9})
    setting = bench.source.setting
    assert (setting.u, setting.i, setting.phi, setting.f) == ((230,) * 3, (1, 2, 3), (30,) * 3, 49.9)
    perform(bench, "load", {"i": [None, 4, None], "phi": [None, None, -90]})
    setting = bench.source.setting
    assert (setting.u, setting.i, setting.phi, setting.f) == ((230,) * 3, (1, 4, 3), (30, 30, -90), 49.9)


@pytest.mark.parametrize("name", PRESETS)
def test_each_preset_leaves_nothing_of_the_one_before(bench: Bench, name: str) -> None:
    perform(bench, "preset", {"name": "harmonics"})
    perform(bench, "preset", {"name": name})
    after_harmonics = bench.source.setting
    perform(bench, "preset", {"name": "reversed field"})
    perform(bench, "preset", {"name": name})
    assert bench.source.setting == after_harmonics


def test_presets_are_what_they_are_called(bench: Bench) -> None:
    def of(name: str) -> Any:
        perform(bench, "preset", {"name": name})
        return bench.source.truth()

    normal = of("normal")
    assert normal.p_total == pytest.approx(3 * 230 * 5 * 3**0.5 / 2)
    assert of("export").p_total < 0
    assert of("capacitive").q_total < 0 < bench.source.truth().p_total
    assert of("phase L2 lost").u == pytest.approx((230, 0, 230))
    assert (of("current without voltage").u[1], bench.source.truth().i[1]) == (0, 5)
    assert of("dip to 70 %").u == pytest.approx((161,) * 3)
    assert of("harmonics").i[0] > 5  # more rms than its fundamental
    assert of("no load").s_total == 0


def test_what_is_switched_is_switched(bench: Bench) -> None:
    perform(bench, "inputs", {"on": [True, True, False, None]})
    perform(bench, "inputs", {"on": [False, None, None, True]})
    perform(bench, "switch", {"name": "seal", "on": True})
    perform(bench, "temperature", {"celsius": -25})
    assert (bench.inputs, bench.seal_open, bench.temperature) == ((False, True, False, True), True, -25)


def test_mains_come_back_as_they_were(bench: Bench) -> None:
    before = bench.source.setting
    perform(bench, "mains", {"on": False})
    assert (bench.source.truth().u, bench.mains_on) == ((0, 0, 0), False)
    perform(bench, "mains", {"on": True})
    assert (bench.source.setting, bench.mains_on) == (before, True)


def test_a_load_is_refused_while_the_mains_are_off(bench: Bench) -> None:
    perform(bench, "mains", {"on": False})
    before = condition(bench)
    for name, body in (("load", {"u": [230, 230, 230]}), ("preset", {"name": "normal"})):
        with pytest.raises(Refused, match="mains are off") as refused:
            perform(bench, name, body)
        assert refused.value.status == 409
    assert condition(bench) == before


BAD: list[tuple[str, Any, str]] = [
    ("load", {}, "missing: u, i, phi, f"),
    ("load", [], "a JSON object is wanted"),
    ("load", None, "a JSON object is wanted"),
    ("load", {"i": 5}, "i: a list of 3"),
    ("load", {"i": [5, 5]}, "i: a list of 3"),
    ("load", {"i": [5, 5, "5"]}, "i: a number"),
    ("load", {"i": [5, 5, True]}, "i: a number"),
    ("load", {"f": None}, "f: a number"),
    ("load", {"i": None}, "i: a list of 3"),
    ("load", {"i": [5, 5, float("nan")]}, "i: a number"),
    ("load", {"i": [5, 5, float("inf")]}, "i: a number"),
    ("load", {"i": [5, 5, 12.1]}, r"i: 12.1 is outside 0\.\.12"),
    ("load", {"u": [230, 230, -1]}, r"u: -1 is outside 0\.\.400"),
    ("load", {"phi": [0, 0, 181]}, "phi: 181 is outside"),
    ("load", {"f": 40}, r"f: 40 is outside 45\.\.65"),
    ("load", {"i": [1, 1, 1], "f": 40}, "f: 40 is outside"),
    ("load", {"i": [1, 1, 1], "noise": 1}, "unknown: noise"),
    ("load", {"i": [10**400, 1, 1]}, "i: a number"),
    ("preset", {}, "missing: name"),
    ("preset", {"name": "normal", "u": 1}, "unknown: u"),
    ("preset", {"name": "tornado"}, "name: one of normal,"),
    ("preset", {"name": ["normal"]}, "name: one of normal,"),
    ("mains", {"on": 1}, "on: true or false"),
    ("mains", {"on": "false"}, "on: true or false"),
    ("inputs", {"on": [True]}, "on: a list of 4"),
    ("inputs", {"on": [True, True, True, 1]}, "on: true or false"),
    ("switch", {"name": "roof", "on": True}, "name: one of"),
    ("switch", {"name": "seal"}, "missing: on"),
    ("button", {"name": "eject", "pressed": True}, "name: one of"),
    ("temperature", {"celsius": 86}, "celsius: 86 is outside"),
    ("speed", {"factor": 0}, "factor: 0 is outside"),
    ("speed", {"factor": 3601}, "factor: 3601 is outside"),
    ("jump", {"utc": "soon"}, "utc: a date like"),
    ("jump", {"utc": 20260101}, "utc: a date like"),
    ("jump", {}, "missing: utc"),
    ("stay", {"here": True}, "unknown: here"),
]


@pytest.mark.parametrize(("name", "body", "reason"), BAD)
def test_bad_input_is_refused_in_words_and_changes_nothing(bench: Bench, name: str, body: Any, reason: str) -> None:
    before = condition(bench)
    with pytest.raises(Refused, match=reason) as refused:
        perform(bench, name, body)
    assert refused.value.status == 400
    assert condition(bench) == before


def test_there_is_no_other_command(bench: Bench) -> None:
    for name in ("", "close", "__class__", "load ", "LOAD"):
        with pytest.raises(Refused) as refused:
            perform(bench, name, {})
        assert refused.value.status == 404


def test_every_command_has_bad_input_above() -> None:
    assert {name for name, _body, _reason in BAD} == set(ACTIONS)


def test_a_time_that_cannot_be_is_refused_by_the_bench_itself(bench: Bench) -> None:
    """The bench in virtual time has no speed to set: its own words come back, as a refusal."""
    attempts: list[Callable[[], None]] = [
        lambda: perform(bench, "speed", {"factor": 10}),
        lambda: perform(bench, "stay", {}),
    ]
    for attempt in attempts:
        with pytest.raises(Refused, match="virtual time") as refused:
            attempt()
        assert refused.value.status == 400
