"""What the meter notices by itself: monitors of measured values, covers and magnet; as events, and as signals that the
control table may use. README.md of events/ says which."""

from meter.events import error_register as error
from meter.events.monitors import Monitors
from meter.events.tamper import Tamper
from meter.metrology.networks import NETWORKS, maximum_current_ma
from meter.tariff.load_profile import NO_VOLTAGE


class Signals:
    """All meters have the signals, those of a type with an event log the events, and those with the hardware for it
    covers and magnet. `locked` is to be set when the memory did not answer at start."""

    def __init__(self, board, memory, parameters, type_code, tariffs, journal, errors):
        note = journal.note if type_code.has_event_log else _no_note
        imax_ma = maximum_current_ma(parameters.nominal_current_ma)
        network, has_apparent = NETWORKS[parameters.network], type_code.has_reactive
        self._monitors = Monitors(parameters, network, imax_ma, tariffs.demand, has_apparent, note)
        self.locked = False
        self._tamper = Tamper(board, memory, note) if type_code.has_tamper_hardware else None
        self._tariffs, self._errors = tariffs, errors

    def load(self) -> None:
        """What is kept of the time before the start, so that it does not come on now. OSError if the memory does not
        answer."""
        if self._tamper:
            self._tamper.load()
            self._tariffs.rates.monitor(self._tamper.signals)

    def look(self, samples) -> None:
        """Once a second, while there is mains. `samples`: metrology.sample_path.SamplePath."""
        monitors, tamper, engine = self._monitors, self._tamper, self._tariffs.engine
        monitors.look(samples)
        bits = monitors.signals
        if tamper and not self.locked:
            tamper.look()
            bits |= tamper.signals
            if not tamper.is_saved:
                self._errors.set(error.MAIN_MEMORY)
        if monitors.without_voltage:
            engine.mark(NO_VOLTAGE)
        if self._tariffs.rates.monitor(bits):
            engine.wake()

    def pause(self) -> None:
        """In place of `look` while mains is away."""
        self._monitors.pause()


def _no_note(_event: int, _detail: int = 0) -> None:
    """There is no event log."""
