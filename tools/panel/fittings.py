"""What the panel may reach of the meter's case: the one place that knows what the bench calls it."""

from __future__ import annotations

from tools.bench.bench import BUTTONS, Bench

SWITCHES = {  # what can be opened or put on -> the bench's attribute
    "seal": "seal_open",
    "terminal_cover": "terminal_cover_open",
    "front_cover": "front_cover_open",
    "magnet": "magnet",
}

__all__ = ["BUTTONS", "SWITCHES", "contacts", "hold_button", "switch", "switches"]


def hold_button(bench: Bench, name: str, pressed: bool) -> None:
    """Press a button and keep it pressed, or let it go."""
    bench.hold_button(name, pressed)


def switch(bench: Bench, name: str, on: bool) -> None:
    """Break the seal, open a cover, put the magnet there; or undo it."""
    setattr(bench, SWITCHES[name], on)


def switches(bench: Bench) -> dict[str, bool]:
    """All of SWITCHES as they are now."""
    return {name: getattr(bench, attribute) for name, attribute in SWITCHES.items()}


def contacts(bench: Bench) -> dict[str, bool]:
    """Output contacts and relay by name: whether each is closed."""
    outputs = {f"output {n}": contact.closed for n, contact in enumerate(bench.outputs, 1)}
    return outputs | {"relay": bench.relay.closed}
