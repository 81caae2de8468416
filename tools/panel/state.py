"""What the page shows of a bench, as JSON-ready sections: each is sent when it has changed."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path
from typing import Any

from tools.bench.bench import EPOCH_2000, Bench
from tools.bench.real_time import CALCULATED
from tools.bench.source import CHANNELS, NETWORKS
from tools.panel import actions, fittings
from tools.panel.event_names import event_name

NS = 1_000_000_000
_EVENTS = 40  # the latest
_FLASHES = 25  # of one LED in one update; more cannot be seen
_SLOW_S = 0.5  # what changes seldom or costs time is looked at that often
_MEASURED_S = 2.0  # over which the speed reached is taken
_REGISTERS = (  # code, name in the stored record, unit
    ("1.8.0", "a_import", "kWh", "active energy, import"),
    ("2.8.0", "a_export", "kWh", "active energy, export"),
    ("5.8.0", "r1", "kvarh", "reactive energy, quadrant I"),
    ("6.8.0", "r2", "kvarh", "reactive energy, quadrant II"),
    ("7.8.0", "r3", "kvarh", "reactive energy, quadrant III"),
    ("8.8.0", "r4", "kvarh", "reactive energy, quadrant IV"),
    ("9.8.0", "s_import", "kVAh", "apparent energy, import"),
    ("21.8.0", "a_import_l1", "kWh", "active energy L1, import"),
    ("41.8.0", "a_import_l2", "kWh", "active energy L2, import"),
    ("61.8.0", "a_import_l3", "kWh", "active energy L3, import"),
)
_MWS_PER_KWH = 3_600_000_000


def client_command(words: str) -> str:
    """A line to paste, in the folder of the project, that reads the meter with its own DLMS client."""
    python, here = Path(sys.executable), Path.cwd()
    return f"{shlex.quote(str(python.relative_to(here) if here in python.parents else python))} -m tools.meter {words}"


class State:
    """Looks at one bench. `sections` is everything as it was at the last `look`."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.sections: dict[str, Any] = {}
        self._flashes_seen = list(bench.metering.cf_counts[:2])
        self._slow_at = 0.0
        self._trail: list[tuple[float, float]] = []  # (computer's seconds, bench seconds) of the last looks
        with bench.hold:
            self.sections["meter"] = self._meter()
        self.look()

    def look(self) -> dict[str, Any]:
        """Look at the bench; the sections that have changed since the last look, and `flashes` of the test LEDs."""
        now = time.monotonic()
        bench = self.bench
        with bench.hold:
            found: dict[str, Any] = {
                "time": self._time(now),
                "lcd": {"text": str(bench.lcd), "on": bench.lcd.markup()},
                "case": {**fittings.switches(bench), "inputs": bench.inputs, "contacts": fittings.contacts(bench)},
            }
            flashes = self._flashes()
            if self.sections.get("mains", {}).get("at") != self._mains_at():
                found["mains"] = self._mains()
            if now >= self._slow_at:
                self._slow_at = now + _SLOW_S
                found |= {"registers": self._registers(), "events": self._events()}
        changed = {name: value for name, value in found.items() if self.sections.get(name) != value}
        self.sections |= changed
        return changed | ({"flashes": flashes} if any(flashes) else {})

    # --- sections -------------------------------------------------------------------------------------------------

    def _meter(self) -> dict[str, Any]:
        bench = self.bench
        ports = [
            {"name": uart.name, "address": end.name, "command": client_command(f"--serial {end.name} read 1.8.0")}
            for uart in bench.uarts
            for end in uart.open_ends()
            if end.name.startswith("/")
        ]
        tcp = f"localhost:{bench.tcp_port}"
        ports.append({"name": "network", "address": tcp, "command": client_command(f"--tcp {tcp} read 1.8.0 32.7.0")})
        raw = [f"{u.name} {e.name}" for u in bench.uarts for e in u.open_ends() if not e.name.startswith("/")]
        return {
            "type": bench.type,
            "serial": bench.serial,
            "network": bench.network,
            "phases": NETWORKS[bench.network],
            "ports": ports,
            "raw_ports": raw,
            "presets": list(actions.PRESETS),
            "buttons": list(fittings.BUTTONS),
            "switches": list(fittings.SWITCHES),
            "limits": {"u": actions.U_MAX, "i": actions.I_MAX, "f": [actions.F_MIN, actions.F_MAX]},
            "calculated": CALCULATED,
        }

    def _time(self, now: float) -> dict[str, Any]:
        """`utc`: seconds since 1970 of the meter's clock; `reached`: bench seconds in a second, as it went lately."""
        bench = self.bench
        self._trail.append((now, bench.now))
        while now - self._trail[0][0] > _MEASURED_S:
            del self._trail[0]
        (clock, then), real_time = self._trail[0], bench.real_time
        goal = real_time.goal
        return {
            "now": round(bench.now, 3),
            "utc": bench.rtc.utc + EPOCH_2000,
            "speed": real_time.speed,
            "reached": round((bench.now - then) / (now - clock), 2) if now > clock + 0.5 else None,
            "goal": None if goal is None else round(goal - bench.now, 1),
            "stopped": None if real_time.error is None else str(real_time.error),
        }

    def _flashes(self) -> tuple[list[float], list[float]]:
        """For the active and the reactive test LED: bench seconds before this look of each flash since the last."""
        bench, found = self.bench, []
        for n in (0, 1):
            count = bench.metering.cf_counts[n]
            new = min(max(0, count - self._flashes_seen[n]), _FLASHES)
            self._flashes_seen[n] = count
            latest = bench.metering.cf_pulses[n][-new:] if new else []
            found.append([round((bench.world.now - t) / NS, 3) for t in latest])
        return found[0], found[1]

    def _mains_at(self) -> tuple[Any, ...]:
        return self.bench.source.epoch, self.bench.supply.on, self.bench.mains_on, self.bench.temperature

    def _mains(self) -> dict[str, Any]:
        """The source's setting and what it means at the terminals: analytic powers, spectra as peak phasors."""
        bench, source = self.bench, self.bench.source
        setting, truth = source.setting, source.truth()
        segment = source.segment(bench.world.now)
        return {
            "at": self._mains_at(),
            "on": bench.mains_on,
            "supply": bench.supply.on,
            "temperature": bench.temperature,
            "setting": {"u": setting.u, "i": setting.i, "phi": setting.phi, "f": setting.f},
            "truth": {name: [round(x, 3) for x in getattr(truth, name)] for name in ("u", "i", "p", "q", "s")},
            "total": {name: round(getattr(truth, name + "_total"), 3) for name in ("p", "q", "s")},
            "channels": CHANNELS,
            "orders": [int(order) for order in segment.orders],
            "phasors": [[[round(x.real, 4), round(x.imag, 4)] for x in row] for row in segment.phasors],
        }

    def _registers(self) -> list[dict[str, Any]]:
        totals = self.bench.totals()
        return [
            {"code": code, "name": name, "unit": unit, "value": f"{totals[key] / _MWS_PER_KWH:.4f}"}
            for code, key, unit, name in _REGISTERS
            if key in totals
        ]

    def _events(self) -> list[dict[str, Any]]:
        """The latest events, the newest first."""
        return [
            {"n": n, "utc": utc + EPOCH_2000, "event": event, "name": event_name(event), "detail": detail}
            for n, utc, event, detail in self.bench.events()[: -_EVENTS - 1 : -1]
        ]
