"""What the panel may reach of the meter's case: the one place that knows what the bench calls it.

What is not fitted is empty here, and then the page does not show it.
"""

from __future__ import annotations

from tools.bench.bench import Bench

BUTTONS: tuple[str, ...] = ()  # names of the buttons there are, of down, up, reset, service
SWITCHES: tuple[str, ...] = ("seal",)  # what can be opened or put on: seal, terminal_cover, front_cover, magnet


def hold_button(bench: Bench, name: str, pressed: bool) -> None:
    """Press a button and keep it pressed, or let it go."""
    raise ValueError(f"button: there is no {name!r}")


def switch(bench: Bench, name: str, on: bool) -> None:
    """Break the seal, open a cover, put the magnet there; or undo it."""
    assert name == "seal"
    bench.seal_open = on


def switches(bench: Bench) -> dict[str, bool]:
    """All of SWITCHES as they are now."""
    return {"seal": bench.seal_open}


def contacts(bench: Bench) -> dict[str, bool]:
    """Output contacts and relay by name: whether each is closed."""
    return {}
