"""A meter that is connected the wrong way says so itself: in its service readout and under its own code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tools.bench import Bench
from tools.bench.iec_client import IecProgrammer
from tools.bench.uart import VirtualEnd

SOUND: dict[str, Any] = {"u": 230, "i": (5, 3, 4), "phi": 20, "sequence": "normal", "wiring": {}, "star": (0, 0)}
_START_S = 2
_UNTIL_MEASURED_S = 2.3  # a second of windows behind the change
TEXT, CODE = "C.63.0", "C.63.1"


class Site:
    """A meter on its bench, with a reader signed on."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        bench.run(_START_S)
        end = VirtualEnd()
        bench.uarts[0].attach(end)
        self._client = IecProgrammer(end, bench.run)
        self._client.sign_on("00000000", 1)

    def said(self, **setting: Any) -> tuple[str, str]:
        """The findings in words and as a word."""
        self.bench.source.set(**SOUND | setting)
        self.bench.run(_UNTIL_MEASURED_S)
        return self._client.read(TEXT), self._client.read(CODE)


@pytest.fixture(scope="module")
def four_wires() -> Iterator[Site]:
    with Bench(seed=1) as bench:
        yield Site(bench)


@pytest.fixture(scope="module")
def three_wires() -> Iterator[Site]:
    with Bench(seed=1, network="3P3W") as bench:
        yield Site(bench)


def test_the_service_readout_has_the_findings() -> None:
    with Bench(seed=1) as bench:
        bench.source.set(u=230, i=5, phi=20, wiring={"I1": "-I1"})
        bench.run(_START_S)
        readout = bench.readout(6)
        assert [readout[code].value.text for code in (TEXT, CODE)] == ["I1 reversed", "001000"]


@pytest.mark.parametrize(
    ("setting", "text", "code"),
    [
        ({}, "sound", "000000"),
        ({"wiring": {"U2": None}}, "no U2, I2 without U", "000202"),
        ({"wiring": {"I3": None}}, "no I3", "000040"),
        ({"i": 0}, "no load", "000080"),
        ({"sequence": "reversed"}, "reversed field", "000800"),
        ({"wiring": {"I2": "-I2"}}, "I2 reversed", "002000"),
        ({"phi": 190}, "export or all I reversed", "008000"),
        ({"wiring": {"U1": "U2", "U2": "U1"}}, "reversed field, U1-U2 crossed", "040800"),
        ({"wiring": {"I1": "I2", "I2": "I1"}}, "I1-I2 crossed", "040000"),
        ({"wiring": {"I1": "I2", "I2": "I3", "I3": "I1"}}, "I order 2-3-1", "100000"),
        ({"star": (60, 30)}, "N displaced", "000008"),
        ({"wiring": {"U2": "U1"}}, "unclear", "080000"),
    ],
)
def test_the_meter_names_its_wiring(four_wires: Site, setting: dict[str, Any], text: str, code: str) -> None:
    assert four_wires.said(**setting) == (text, code)


@pytest.mark.parametrize(
    ("setting", "text", "code"),
    [
        ({}, "sound", "000000"),
        ({"wiring": {"U2": None}}, "no U2", "000002"),
        ({"wiring": {"I1": "-I1"}}, "I1 reversed", "001000"),
        ({"wiring": {"I1": "I3", "I3": "I1"}}, "I1-I3 crossed", "020000"),
        ({"wiring": {"U1": "U3", "U3": "U1"}}, "reversed field, U1-U3 crossed", "020800"),
    ],
)
def test_a_meter_without_neutral_names_its_wiring(
    three_wires: Site, setting: dict[str, Any], text: str, code: str
) -> None:
    assert three_wires.said(**setting) == (text, code)
