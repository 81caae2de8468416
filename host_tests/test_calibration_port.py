"""The operator's way: a meter in real time on a serial port, and someone who does what the tool asks for."""

from __future__ import annotations

from typing import Any

import pytest

from tools.bench import Bench
from tools.calibrate import calibrate, procedure
from tools.calibrate.station import PASSWORD, PortStation, balanced, load_references


@pytest.mark.soak
def test_a_meter_on_a_serial_port_is_calibrated_with_an_operators_help() -> None:
    points = procedure.points(()) + procedure.check_points(())
    references: dict[str, Any] = {}
    for point in points:
        truth = balanced("3P4W", 230, 5 * point.current, point.lag, 50)
        powers = truth.power
        references[point.name] = {"u": truth.u, "i": truth.i, "f": truth.f}
        references[point.name] |= {"p": [s.real for s in powers], "q": [s.imag for s in powers]}
    left = iter(points)
    with Bench(virtual=False, specimen=5) as bench:
        bench.source.set(u=230)
        asked = []

        def operator(question: str) -> str:
            asked.append(question.split()[0])
            if question.startswith("Set "):
                point = next(left)
                bench.source.set(i=5 * point.current, phi=point.lag)
            elif question.startswith("Open "):
                bench.seal_open = True
            else:
                bench.kill()
                bench.power_on()
            return ""

        port = bench.uarts[0].open_ends()[0].name
        with PortStation(port, "3P4W", PASSWORD, references, operator) as station:
            report = calibrate(station, temperatures=())
    assert report.passed and report.rounds == 1
    assert asked == ["Set"] * 4 + ["Open", "Switch"] + ["Set"] * 3


def test_references_are_read_from_a_file(tmp_path: Any) -> None:
    path = tmp_path / "standard.json"
    path.write_text('{"full": {"u": [230], "i": [5], "p": [1150], "q": [0], "f": 50.0}}')
    assert load_references(path)["full"]["p"] == [1150]
    path.write_text('{"full": {"u": [230]}}')
    with pytest.raises(ValueError, match="wanted is"):
        load_references(path)
