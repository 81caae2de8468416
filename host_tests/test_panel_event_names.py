"""Events in words: every number that the firmware can log has some."""

from __future__ import annotations

from meter.events import error_register, log
from tools.panel.event_names import event_name

_FORM = {"ENTRY_SIZE"}  # of the log's own


def test_every_event_of_the_log_has_words() -> None:
    events = {name: value for name, value in vars(log).items() if name.isupper() and name[0] != "_"}
    assert len(events) > 15
    assert {name for name, number in events.items() if not event_name(number)} <= _FORM


def test_every_error_that_becomes_an_event_has_words() -> None:
    bits = [bit for name, bit in vars(error_register).items() if name.isupper() and name[0] != "_" and name != "FATAL"]
    assert len(bits) > 10
    assert [bit for bit in bits if not event_name(log.error_event(bit))] == []


def test_an_unknown_number_has_none() -> None:
    assert event_name(9999) == ""
