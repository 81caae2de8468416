"""Events in words: every number that the firmware can log has some."""

from __future__ import annotations

from meter.events import error_register, log
from tools.panel.event_names import event_name

_FORM = {"CORRUPT", "INDEX_SIZE", "RECORD_OVERHEAD", "SECTOR", "UNKNOWN"}  # of the log's own
_MASKS = {"FATAL", "CRITICAL", "TIME_BASE"}  # of several bits


def test_every_event_of_the_log_has_words() -> None:
    events = {name: value for name, value in vars(log).items() if name.isupper() and name[0] != "_"}
    assert len(events) > 15
    assert {name for name, number in events.items() if not event_name(number)} <= _FORM


def test_every_error_that_becomes_an_event_has_words() -> None:
    names = {name for name in vars(error_register) if name.isupper() and name[0] != "_"} - _MASKS
    bits = [getattr(error_register, name) for name in names]
    assert len(bits) > 10
    assert [bit for bit in bits if not event_name(log.error_event(bit))] == []


def test_an_unknown_number_has_none() -> None:
    assert event_name(9999) == ""
